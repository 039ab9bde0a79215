"""Abseil as installed by the system, under the labels of upstream's own Bazel build."""

load(
    "//third_party:system_library.bzl",
    "find_file",
    "find_prefix",
    "library_dirs",
    "link_search_options",
)

_ENV = "INGOT_ABSEIL_DIR"
_PACKAGE = "libabsl-dev"

# Upstream's public labels: package -> {target: pkg-config module}. The modules carry the dependencies.
_TARGETS = {
    "algorithm": {"algorithm": "algorithm", "container": "algorithm_container"},
    "base": {
        "base": "base",
        "config": "config",
        "core_headers": "core_headers",
        "dynamic_annotations": "dynamic_annotations",
        "log_severity": "log_severity",
    },
    "cleanup": {"cleanup": "cleanup"},
    "container": {
        "btree": "btree",
        "fixed_array": "fixed_array",
        "flat_hash_map": "flat_hash_map",
        "flat_hash_set": "flat_hash_set",
        "inlined_vector": "inlined_vector",
        "node_hash_map": "node_hash_map",
        "node_hash_set": "node_hash_set",
    },
    "debugging": {
        "failure_signal_handler": "failure_signal_handler",
        "leak_check": "leak_check",
        "stacktrace": "stacktrace",
        "symbolize": "symbolize",
    },
    "flags": {
        "commandlineflag": "flags_commandlineflag",
        "config": "flags_config",
        "flag": "flags",
        "marshalling": "flags_marshalling",
        "parse": "flags_parse",
        "reflection": "flags_reflection",
        "usage": "flags_usage",
    },
    "functional": {
        "any_invocable": "any_invocable",
        "bind_front": "bind_front",
        "function_ref": "function_ref",
    },
    "hash": {"hash": "hash"},
    "memory": {"memory": "memory"},
    "meta": {"type_traits": "type_traits"},
    "numeric": {"bits": "bits", "int128": "int128"},
    "random": {
        "bit_gen_ref": "random_bit_gen_ref",
        "distributions": "random_distributions",
        "random": "random_random",
        "seed_sequences": "random_seed_sequences",
    },
    "status": {"status": "status", "statusor": "statusor"},
    "strings": {"cord": "cord", "str_format": "str_format", "strings": "strings"},
    "synchronization": {"synchronization": "synchronization"},
    "time": {"time": "time"},
    "types": {
        "any": "any",
        "compare": "compare",
        "optional": "optional",
        "span": "span",
        "variant": "variant",
    },
    "utility": {"utility": "utility"},
}

_HEADER = """\
package(default_visibility = ["//visibility:public"])
"""

_HEADERS_TARGET = """
cc_library(
    name = "headers",
    hdrs = glob(["include/absl/**/*.h", "include/absl/**/*.inc"]),
    includes = ["include"],
    linkopts = %s,
)
"""

_MODULE_TARGET = """
cc_library(
    name = "%s",
    linkopts = %s,
    deps = %s%s,
)
"""

# See tsan_annotations.cc: without them ThreadSanitizer does not understand absl::Mutex.
_TSAN_DEPS = """ + select({
        "@ingot//third_party/abseil:tsan": ["@ingot//third_party/abseil:tsan_annotations"],
        "//conditions:default": [],
    })"""

_ALIAS = """
alias(
    name = "%s",
    actual = "//:%s",
)
"""

def _parse_pc(text):
    """Returns (required modules, linker options) of a pkg-config file."""
    requires = []
    options = []
    for line in text.split("\n"):
        if line.startswith("Requires:"):
            for item in line[len("Requires:"):].split(","):
                words = item.strip().split(" ")
                if words[0]:
                    requires.append(words[0])
        elif line.startswith("Libs:"):
            options = [w for w in line[len("Libs:"):].split(" ") if w and not w.startswith("-L")]
    return requires, options

def _read_modules(ctx, prefix):
    """Returns {module: (requires, options)} for the modules of _TARGETS and all they need."""
    folders = [d + "/pkgconfig" for d in library_dirs(prefix)]
    todo = []
    for targets in _TARGETS.values():
        todo += ["absl_" + module for module in targets.values()]
    modules = {}
    for _ in range(1000):  # Starlark has no while loop; abseil has a tenth as many modules.
        if not todo:
            return modules
        module = todo.pop()
        if module in modules:
            continue
        requires, options = _parse_pc(ctx.read(find_file(ctx, folders, module + ".pc", _ENV, _PACKAGE)))
        modules[module] = (requires, options)
        todo += requires
    fail("abseil's pkg-config files in %s do not end" % prefix)

def _abseil_impl(ctx):
    prefix = find_prefix(ctx, _ENV)
    ctx.symlink(find_file(ctx, [prefix + "/include"], "absl", _ENV, _PACKAGE), "include/absl")
    root = _HEADER + _HEADERS_TARGET % repr(link_search_options(prefix))
    modules = _read_modules(ctx, prefix)
    for module in sorted(modules.keys()):
        requires, options = modules[module]
        if options:
            options = ["-Wl,--push-state,--as-needed"] + options + ["-Wl,--pop-state"]
        deps = [":headers"] + [":" + required for required in requires]
        tsan_deps = _TSAN_DEPS if module == "absl_synchronization" else ""
        root += _MODULE_TARGET % (module, repr(options), repr(deps), tsan_deps)
    ctx.file("BUILD.bazel", root, executable = False)
    for package, targets in _TARGETS.items():
        text = _HEADER
        for target, module in targets.items():
            text += _ALIAS % (target, "absl_" + module)
        ctx.file("absl/%s/BUILD.bazel" % package, text, executable = False)

abseil_repository = repository_rule(
    implementation = _abseil_impl,
    environ = [_ENV],
    local = True,
)
