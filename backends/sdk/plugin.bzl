"""How a backend plugin is linked: one shared object with one export."""

# Of this repository, also in a plugin of another one.
_BACKEND = str(Label("//backends/sdk:backend"))
_EXPORTS = str(Label("//backends/sdk:plugin.lds"))

def ingot_backend_plugin(name, srcs = [], deps = [], copts = [], linkopts = [], data = [], features = [], visibility = None, **kwargs):
    """Links a backend plugin.

    Everything that Bazel builds is linked in statically and hidden, so that two plugins, or a plugin and its host,
    never share a symbol. abseil and the C++ run-time library stay shared libraries (Debian's static abseil isn't
    position-independent); their types don't cross the ABI.

    Args:
      name: file name: "libingot_<backend>.so".
      srcs: sources; one of them, or of the deps', uses INGOT_DEFINE_BACKEND.
      deps: libraries. //backends/sdk:backend is added.
      copts: added to the plugin's own.
      linkopts: added to the plugin's own.
      data: what the plugin needs at run time.
      features: added to the plugin's own.
      visibility: default: the repository it is in (tools and tests load it as data).
      **kwargs: passed to cc_binary.
    """
    if not (name.startswith("libingot_") and name.endswith(".so")):
        fail("a backend plugin is called libingot_<backend>.so, not %s" % name)
    native.cc_binary(
        name = name,
        srcs = srcs,
        copts = ["-fvisibility=hidden"] + copts,
        data = data,
        # Gold exports std::string's members against the version script when a shared library has them too; GNU ld doesn't, but
        # it knows archives only.
        features = features + ["-supports_start_end_lib"],
        linkopts = [
            "-fuse-ld=bfd",
            "-Wl,--version-script=$(location %s)" % _EXPORTS,
            "-Wl,--exclude-libs,ALL",
            "-Wl,-Bsymbolic",
            "-Wl,-z,defs",
            # The query symbol may sit in an archive, which nothing else would pull in.
            "-Wl,-u,ingot_backend_query",
        ] + linkopts,
        linkshared = True,
        visibility = visibility or ["//:__subpackages__"],
        deps = deps + [
            _BACKEND,
            _EXPORTS,
        ],
        **kwargs
    )
