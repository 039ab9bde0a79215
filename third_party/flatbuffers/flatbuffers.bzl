"""Turns a FlatBuffers schema into a C++ library."""

def flatbuffers_cc_library(name, src, visibility = None, **kwargs):
    """Runs flatc on one schema and wraps the header in a cc_library.

    The header of `core/ir/graph.fbs` is included as "core/ir/graph_generated.h".

    Args:
      name: of the cc_library.
      src: the .fbs file, in this package and without includes of other schemas.
      visibility: of the cc_library.
      **kwargs: passed to the cc_library (tags, testonly, …).
    """
    header = src[:-len(".fbs")] + "_generated.h"
    native.genrule(
        name = name + "_header",
        srcs = [src],
        outs = [header],
        cmd = "$(execpath @com_github_google_flatbuffers//:flatc) --cpp --scoped-enums --warnings-as-errors " +
              "-o $(@D) $(location %s)" % src,
        tools = ["@com_github_google_flatbuffers//:flatc"],
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        hdrs = [header],
        visibility = visibility,
        deps = ["@com_github_google_flatbuffers//:flatbuffers"],
        **kwargs
    )
