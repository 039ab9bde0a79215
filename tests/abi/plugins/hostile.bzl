"""Plugins that misbehave."""

def hostile_plugin(name, query, abi_header = "core/plugin/abi/ingot_backend.h"):
    """Builds libingot_<name>.so from hostile_plugin.cc.

    Args:
      name: the backend's name.
      query: how its query symbol behaves: an enumerator of hostile_plugin.cc.
      abi_header: the header that it is built against.
    """
    native.cc_binary(
        name = "libingot_%s.so" % name,
        srcs = ["hostile_plugin.cc"],
        linkshared = True,
        local_defines = [
            "INGOT_TEST_QUERY=" + query,
            'INGOT_TEST_ABI_HEADER=\\"%s\\"' % abi_header,
        ],
        visibility = ["//:__subpackages__"],
        deps = [
            "//core/plugin:abi",
            "//tests/abi/frozen",
        ],
    )
