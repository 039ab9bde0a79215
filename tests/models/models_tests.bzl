"""Tests of exported models: one for each backend and oracle."""

BACKENDS = ["onednn", "reference", "torchscript"]

def models_tests(name, models, size, eager_tolerance = None, backends = BACKENDS, precision = None, tags = []):
    """Declares NAME_BACKEND_ORACLE for each pair, and the suite NAME.

    Args:
      name: of the suite.
      models: a target with .pt and .npz files.
      size: of each test.
      eager_tolerance: rtol and atol against eager; default: torch.testing.assert_close's.
      backends: to check.
      precision: the option, if it is not the default; results are held to it by eager alone.
      tags: of each test and the suite.
    """
    tolerance = " --rtol=%s --atol=%s" % (eager_tolerance, eager_tolerance) if eager_tolerance else ""
    options = {
        "eager": "--oracle=eager" + tolerance,
        "float64": "--oracle=float64",
    } if not precision else {
        precision: "--oracle=eager --precision=" + precision + tolerance,
    }
    tests = []
    for backend in backends:
        for oracle in options:
            test = "%s_%s_%s" % (name, backend, oracle)
            native.sh_test(
                name = test,
                size = size,
                srcs = ["models_test.sh"],
                args = [
                    "$(rootpath //tools/ingot)",
                    "'--backend=%s %s'" % (backend, options[oracle]),
                    "$(rootpaths %s)" % models,
                ],
                data = [
                    models,
                    "//tools/ingot",
                ],
                tags = tags,
            )
            tests.append(test)
    native.test_suite(
        name = name,
        tags = tags,
        tests = tests,
    )
