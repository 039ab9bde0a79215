"""Tests of what a plugin and the ABI's header look like from outside."""

def plugin_exports_test(name, plugin, tags = []):
    """Checks that a plugin has one dynamic symbol: the query.

    Args:
      name: of the test.
      plugin: label of the shared object.
      tags: of the test.
    """
    native.sh_test(
        name = name,
        size = "small",
        srcs = ["//tests/abi:plugin_exports_test.sh"],
        args = ["$(location %s)" % plugin],
        data = [plugin],
        tags = tags,
    )

def c_abi_binary(name, src):
    """A program in C11 over the ABI's header, compiled as strictly as any user's.

    Args:
      name: of the program.
      src: its one source.
    """
    native.cc_binary(
        name = name,
        srcs = [src],
        copts = [
            "-std=c11",
            "-pedantic",
            "-Wall",
            "-Wextra",
            "-Werror",
        ],
        deps = ["//core/plugin:abi"],
    )
