"""Fuzzers: libFuzzer under ASan and UBSan, whatever compiler builds the rest.

Bazel's C++ toolchain here is g++, which has no libFuzzer. So this compiles the sources of a target and of what it needs in this
repository once more, with clang, and links them with the libraries that other repositories provide. Only targets that ask for it
pay for it.
"""

_CLANG = "/usr/bin/clang++-14"  # Debian's clang-14 and libclang-rt-14-dev, which bazelw installs

_FLAGS = [
    "-std=c++20",
    "-O1",
    "-gline-tables-only",
    "-fPIC",
    "-fno-omit-frame-pointer",
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=all",
    # Checksums hide everything behind them from a fuzzer: this name switches their comparison off, in all of the world's fuzzers.
    "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION",
]

_SourcesInfo = provider(fields = {"units": "depset of (source, compilation context): C++ of this repository"})

def _sources_aspect_impl(target, ctx):
    deps = getattr(ctx.rule.attr, "deps", [])
    own = []
    if CcInfo in target and not target.label.workspace_name:
        context = target[CcInfo].compilation_context
        for source in getattr(ctx.rule.files, "srcs", []):
            if source.extension == "cc":
                own.append(struct(source = source, context = context))
    return [_SourcesInfo(units = depset(own, transitive = [dep[_SourcesInfo].units for dep in deps if _SourcesInfo in dep]))]

_sources_aspect = aspect(implementation = _sources_aspect_impl, attr_aspects = ["deps"])

_ObjectsInfo = provider(fields = {
    "context": "compilation context for what uses the library",
    "flags": "linker options",
    "libraries": "of other repositories",
    "objects": "of this one",
})

def _compile(ctx, source, context):
    out = ctx.actions.declare_file("%s.objects/%s.o" % (ctx.label.name, source.short_path.replace("/", "_")))
    args = ctx.actions.args()
    args.add_all(_FLAGS)
    args.add("-fsanitize=fuzzer-no-link")
    args.add_all(context.defines, format_each = "-D%s")
    args.add_all(context.quote_includes, before_each = "-iquote")
    args.add_all(context.includes, before_each = "-I")
    args.add_all(context.system_includes, before_each = "-isystem")
    args.add("-c", source)
    args.add("-o", out)
    ctx.actions.run(
        executable = _CLANG,
        arguments = [args],
        inputs = depset([source], transitive = [context.headers]),
        outputs = [out],
        mnemonic = "FuzzCompile",
        progress_message = "Compiling %s for fuzzing" % source.short_path,
        env = {"PATH": "/usr/bin:/bin"},
    )
    return out

def _fuzz_library_impl(ctx):
    dep = ctx.attr.dep
    units = {unit.source: unit.context for unit in dep[_SourcesInfo].units.to_list()}
    flags, libraries = [], []
    for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
        flags += linker_input.user_link_flags
        if linker_input.owner.workspace_name:  # the others are compiled here
            for library in linker_input.libraries:
                file = library.pic_static_library or library.static_library or library.dynamic_library
                if file:
                    libraries.append(file)
    return [_ObjectsInfo(
        context = dep[CcInfo].compilation_context,
        flags = flags,
        libraries = libraries,
        objects = [_compile(ctx, source, context) for source, context in units.items()],
    )]

# What a target and all that it needs come to, compiled once for all fuzzers of it.
fuzz_library = rule(
    implementation = _fuzz_library_impl,
    attrs = {"dep": attr.label(mandatory = True, providers = [CcInfo], aspects = [_sources_aspect])},
)

def _fuzz_binary_impl(ctx):
    library = ctx.attr.library[_ObjectsInfo]
    objects = [_compile(ctx, source, library.context) for source in ctx.files.srcs] + library.objects
    out = ctx.actions.declare_file(ctx.label.name)
    args = ctx.actions.args()
    args.add_all(objects)
    args.add("-fsanitize=fuzzer,address,undefined")
    args.add_all(library.libraries)
    args.add_all(library.flags)
    args.add("-o", out)
    ctx.actions.run(
        executable = _CLANG,
        arguments = [args],
        inputs = objects + library.libraries,
        outputs = [out],
        mnemonic = "FuzzLink",
        env = {"PATH": "/usr/bin:/bin"},
    )
    return [DefaultInfo(executable = out)]

_fuzz_binary = rule(
    implementation = _fuzz_binary_impl,
    attrs = {
        "library": attr.label(mandatory = True, providers = [_ObjectsInfo]),
        "srcs": attr.label_list(allow_files = [".cc"]),
    },
    executable = True,
)

def fuzzer(name, srcs, corpus, library, seconds = 20, visibility = None):
    """A libFuzzer program `name`, and `name`_test, which runs it on its corpus for some seconds.

    Args:
      name: of the program.
      srcs: what defines LLVMFuzzerTestOneInput.
      corpus: a filegroup of inputs.
      library: a fuzz_library of what it calls.
      seconds: how long the test runs. `bazel run NAME -- FOLDER -max_total_time=3600` runs it for an hour.
      visibility: as usual.
    """
    _fuzz_binary(
        name = name,
        testonly = True,
        srcs = srcs,
        visibility = visibility,
        library = library,
    )
    native.sh_test(
        name = name + "_test",
        size = "medium",
        srcs = ["//tests/fuzz:run_fuzzer.sh"],
        args = ["$(rootpath :%s)" % name, str(seconds), "$(rootpaths %s)" % corpus],
        data = [corpus, ":" + name],
        # It has its own.
        tags = ["no_sanitizer"],
    )
