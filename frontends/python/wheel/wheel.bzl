"""The rule that makes a Python wheel of an extension module, Python files and plugins."""

def _python_wheel_impl(ctx):
    out = ctx.actions.declare_file("%s-%s-cp311-cp311-linux_x86_64.whl" % (ctx.attr.package, ctx.attr.version))
    args = ctx.actions.args()
    args.add("--version", ctx.attr.version)
    args.add("--version-header", ctx.file.version_header)
    args.add("--patchelf", ctx.file._patchelf)
    args.add("--out", out)
    args.add("--extension", ctx.file.extension)
    args.add_all(ctx.files.srcs, before_each = "--python")
    args.add_all(ctx.files.licenses, before_each = "--license")
    args.add_all(ctx.files.data, before_each = "--plugin")
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [args],
        inputs = ctx.files.srcs + ctx.files.licenses + ctx.files.data +
                 [ctx.file._patchelf, ctx.file.extension, ctx.file.version_header],
        outputs = [out],
        mnemonic = "PythonWheel",
        progress_message = "Making the wheel %s" % out.basename,
    )
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

python_wheel = rule(
    implementation = _python_wheel_impl,
    attrs = {
        "data": attr.label_list(allow_files = True, doc = "Plugins that the extension module opens at run time."),
        "extension": attr.label(mandatory = True, allow_single_file = True),
        "licenses": attr.label_list(allow_files = True),
        "package": attr.string(mandatory = True),
        "srcs": attr.label_list(allow_files = True, doc = "The package's Python files."),
        "version": attr.string(mandatory = True, doc = "That of `version_header`; another one fails the build."),
        "version_header": attr.label(mandatory = True, allow_single_file = True),
        "_patchelf": attr.label(default = "@patchelf//:bin/patchelf", allow_single_file = True),
        "_tool": attr.label(default = "//frontends/python/wheel:build_wheel", executable = True, cfg = "exec"),
    },
)
