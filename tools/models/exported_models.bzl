"""Rules that run tools.models and declare the files that it writes."""

def exported_models(name, folder, models, arguments, formats = ["pt", "pt2", "npz"], extra_files = [], tags = [], **kwargs):
    """Exports models into a folder of this package.

    Args:
      name: the target; its files are FOLDER/MODEL.FORMAT and `extra_files`.
      folder: where the files go, below this package.
      models: names in tools.models' catalogue.
      arguments: further arguments of the command line, e.g. the scale.
      formats: file formats to write.
      extra_files: further files that the models come with, e.g. a vocabulary.
      tags: further tags.
      **kwargs: passed to the genrule.
    """
    native.genrule(
        name = name,
        srcs = [":sources"],
        outs = ["%s/%s.%s" % (folder, model, format) for model in models for format in formats] +
               ["%s/%s" % (folder, file) for file in extra_files],
        cmd = "PYTHONPATH=. $(execpath @ingot_python//:python.sh) -m tools.models --out $(RULEDIR)/%s --only %s --formats %s %s > /dev/null" %
              (folder, ",".join(models), ",".join(formats), " ".join(arguments)),
        tools = ["@ingot_python//:python.sh"],
        # A trace holds the paths of the sources it came from: a sandbox's would differ at every run.
        tags = tags + ["no-sandbox"],
        message = "Exporting %s" % ", ".join(models),
        **kwargs
    )
