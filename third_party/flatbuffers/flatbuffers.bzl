"""Turns a FlatBuffers schema into a C++ library."""

def flatbuffers_cc_library(name, src, includes = [], deps = [], visibility = None, **kwargs):
    """Runs flatc on one schema and wraps the header in a cc_library.

    The header of `core/ir/graph.fbs` is included as "core/ir/graph_generated.h".

    Args:
      name: of the cc_library.
      src: the .fbs file, in this package; it includes others by their path from the root of the repository.
      includes: labels of the .fbs files that it includes.
      deps: the flatbuffers_cc_library of each included file.
      visibility: of the cc_library.
      **kwargs: passed to the cc_library (tags, testonly, …).
    """
    header = src[:-len(".fbs")] + "_generated.h"
    native.genrule(
        name = name + "_header",
        srcs = [src] + includes,
        outs = [header],
        cmd = "$(execpath @com_github_google_flatbuffers//:flatc) --cpp --scoped-enums --warnings-as-errors --keep-prefix -I . " +
              "-o $(@D) $(location %s)" % src,
        tools = ["@com_github_google_flatbuffers//:flatc"],
        visibility = ["//visibility:private"],
    )
    native.cc_library(
        name = name,
        hdrs = [header],
        visibility = visibility,
        deps = deps + ["@com_github_google_flatbuffers//:flatbuffers"],
        **kwargs
    )
