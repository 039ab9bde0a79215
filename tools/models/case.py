"""A case: one model at one scale, with the arguments that it is exported and checked with.

Imports nothing heavy: the command line's --help needs only this module.
"""

import dataclasses
from typing import Callable, Sequence

SETS = ("models", "lazy", "zoo")
SCALES = ("small", "full")
FORMATS = ("pt", "pt2", "npz")


@dataclasses.dataclass(frozen=True)
class Built:
    """What a case builds.

    Attributes:
      module: an `nn.Module` in eval mode.
      args: the forward arguments, in order; all tensors.
      assets: further files of the case, as (suffix, path): the file at `path` is copied to
        NAME.suffix beside the model.
    """

    module: object
    args: tuple
    assets: Sequence[tuple[str, str]] = ()


@dataclasses.dataclass(frozen=True)
class Case:
    """A named model.

    Attributes:
      name: the stem of the exported files.
      summary: one line for `--list`.
      build: maps a scale to a `Built`; called with torch's seed already set.
      scripted: whether NAME.pt is scripted; a trace otherwise.
      fresh_draws: the module draws from the random generator, so that two runs with the same
        arguments differ unless the seed is set before each.
    """

    name: str
    summary: str
    build: Callable[[str], Built]
    scripted: bool = False
    fresh_draws: bool = False
