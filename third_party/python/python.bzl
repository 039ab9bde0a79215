"""The repository @ingot_python: the interpreter of the environment that requirements.lock pins."""

_TIMEOUT_SECONDS = 3600

_BUILD = """exports_files(["python.sh"])
"""

def _python_environment_impl(ctx):
    lock = ctx.path(ctx.attr.lock)
    ctx.report_progress("installing the Python packages of requirements.lock (once a machine)")
    result = ctx.execute([ctx.path(ctx.attr._script), lock], timeout = _TIMEOUT_SECONDS)
    if result.return_code != 0:
        fail(result.stderr.strip())

    # The hash of the lock is in the folder's name, so actions that use the wrapper are redone when the lock changes.
    ctx.file("python.sh", "#!/bin/sh\nexec '%s/bin/python' -B \"$@\"\n" % result.stdout.strip(), executable = True)
    ctx.file("BUILD.bazel", _BUILD, executable = False)

_python_environment = repository_rule(
    implementation = _python_environment_impl,
    attrs = {
        "lock": attr.label(default = "//third_party/python:requirements.lock", allow_single_file = True),
        "_script": attr.label(default = "//third_party/python:venv.sh", allow_single_file = True),
    },
    environ = ["INGOT_HOME", "INGOT_PYTHON"],
    local = True,
)

def python_environment(**kwargs):
    """Declares a repository with `:python.sh`, which runs the pinned environment's interpreter."""
    _python_environment(**kwargs)
