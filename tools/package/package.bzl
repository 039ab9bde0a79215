"""The rule that makes one folder of a program, its plugins and the libraries they need, ready to be copied to another machine."""

def _ingot_package_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".tar.gz")
    args = ctx.actions.args()
    args.add("--patchelf", ctx.file._patchelf)
    args.add("--folder", ctx.attr.folder or ctx.label.name)
    args.add("--out", out)
    args.add("--program", ctx.executable.program)
    args.add_all(ctx.files.plugins, before_each = "--plugin")
    args.add_all(ctx.files.files, before_each = "--file")
    ctx.actions.run(
        executable = ctx.executable._tool,
        arguments = [args],
        inputs = ctx.files.plugins + ctx.files.files + [ctx.file._patchelf, ctx.executable.program],
        outputs = [out],
        mnemonic = "IngotPackage",
        progress_message = "Packing %s" % out.basename,
    )
    return DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))

ingot_package = rule(
    implementation = _ingot_package_impl,
    doc = "NAME.tar.gz: see build_package.py.",
    attrs = {
        "files": attr.label_list(allow_files = True, doc = "Further files of the folder, such as licences and models."),
        "folder": attr.string(doc = "The folder's name; default: the rule's."),
        "plugins": attr.label_list(allow_files = [".so"], doc = "Backends; the program finds them beside itself."),
        "program": attr.label(mandatory = True, executable = True, cfg = "target"),
        "_patchelf": attr.label(default = "@patchelf//:bin/patchelf", allow_single_file = True),
        "_tool": attr.label(default = "//tools/package:build_package", executable = True, cfg = "exec"),
    },
)
