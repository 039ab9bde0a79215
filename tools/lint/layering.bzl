"""Tests that one part of the repository cannot reach another."""

def assert_no_dependency(name, targets, forbidden, **kwargs):
    """Declares a test that fails when a target reaches, through any chain, a label that matches a pattern.

    Args:
      name: of the test.
      targets: labels whose transitive dependencies are looked at.
      forbidden: regular expressions over labels, such as "@libtorch//" or "//backends/"; matched anywhere in a label.
      **kwargs: passed to the test.
    """
    expression = "filter(\"%s\", deps(set(%s)))" % ("|".join(forbidden), " ".join(targets))
    native.genquery(
        name = name + "_query",
        testonly = True,
        expression = expression,
        scope = targets,
        tags = ["manual"],
        visibility = ["//visibility:private"],
    )
    native.sh_test(
        name = name,
        size = "small",
        srcs = ["//tools/lint:assert_empty.sh"],
        args = ["$(location :%s_query)" % name, "'%s reach what they must not'" % " ".join(targets)],
        data = [":%s_query" % name],
        **kwargs
    )
