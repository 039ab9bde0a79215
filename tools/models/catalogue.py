"""Every case, by set. Importing this module imports torch and transformers (seconds)."""

from tools.models import (lazy_modules, plain_models, text_models, vision_models, zoo_layers,
                          zoo_sequences, zoo_signal, zoo_text, zoo_vision)

SETS = {
    "models": (text_models.CASES + vision_models.CASES + plain_models.CASES),
    "lazy": lazy_modules.CASES,
    "zoo": (zoo_text.CASES + zoo_vision.CASES + zoo_signal.CASES + zoo_sequences.CASES +
            zoo_layers.CASES),
}


def select(set_name, only):
    """Returns the cases of a set, in its order.

    Args:
      set_name: a key of SETS.
      only: names to keep, or an empty sequence for all.

    Raises:
      ValueError: a name in `only` is not in the set.
    """
    cases = SETS[set_name]
    unknown = sorted(set(only) - {case.name for case in cases})
    if unknown:
        raise ValueError(f"no case {', '.join(unknown)} in set {set_name}; it has "
                         f"{', '.join(case.name for case in cases)}")
    return [case for case in cases if not only or case.name in only]


def find(name):
    """Returns the case of that name, whichever set it is in.

    Raises:
      ValueError: there is none.
    """
    for cases in SETS.values():
        for case in cases:
            if case.name == name:
                return case
    raise ValueError(f"no case {name}")
