"""A repository over prebuilt C++ libraries that are published inside pinned Python wheels."""

_TIMEOUT_SECONDS = 3600

def _find_python(ctx):
    override = ctx.os.environ.get("INGOT_PYTHON", "")
    if override:
        return override

    # The system's own first: it has the pip that bazelw installs, whatever stands first on a user's PATH.
    system = ctx.path("/usr/bin/python3")
    python = system if system.exists else ctx.which("python3")
    if not python:
        fail("there is no python3: install the package python3, or set INGOT_PYTHON")
    return python

def _pinned_wheels_impl(ctx):
    root = ctx.os.environ.get(ctx.attr.env, "")
    if not root:
        ctx.report_progress("fetching the pinned wheels of %s (once a machine)" % ctx.name)
        script = ctx.path(Label("//third_party:fetch_wheels.py"))
        result = ctx.execute(
            [_find_python(ctx), script, ctx.path(ctx.attr.lock), ctx.name],
            timeout = _TIMEOUT_SECONDS,
        )
        if result.return_code != 0:
            fail("%s (or set %s to a folder with include/ and lib/)" % (result.stderr.strip(), ctx.attr.env))
        root = result.stdout.strip()
    if not ctx.path(root + "/" + ctx.attr.marker).exists:
        fail("%s=%s has no %s" % (ctx.attr.env, root, ctx.attr.marker))
    ctx.symlink(root + "/include", "include")
    ctx.symlink(root + "/lib", "lib")
    ctx.template("BUILD.bazel", ctx.attr.build_file, {"%{lib_dir}": root + "/lib"})

_pinned_wheels = repository_rule(
    implementation = _pinned_wheels_impl,
    attrs = {
        "build_file": attr.label(mandatory = True, allow_single_file = True),
        "env": attr.string(mandatory = True, doc = "Environment variable that names an unpacked copy."),
        "lock": attr.label(mandatory = True, allow_single_file = True),
        "marker": attr.string(mandatory = True, doc = "A file that shows the folder is the right one."),
    },
    environ = ["INGOT_HOME", "INGOT_LIBTORCH_DIR", "INGOT_ONEDNN_DIR", "INGOT_PYTHON"],
    local = True,
)

def pinned_wheels(**kwargs):
    """Declares a repository with include/ and lib/ of the wheels that the lock pins under its name."""
    _pinned_wheels(**kwargs)
