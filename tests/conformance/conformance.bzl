"""A backend's conformance test: the one suite, run on its plugin."""

_TABLES = [
    "cases/activation.txt",
    "cases/index_reduce_shape.txt",
    "cases/linear_algebra.txt",
    "cases/norm_pool_attention.txt",
    "cases/pointwise.txt",
    "cases/resample_product.txt",
    "cases/special_scan_scatter.txt",
]
_RECORDED = "//core/ops:testdata/inference.txt"

def conformance_test(name, plugin, backend = None, **kwargs):
    """Declares the test of one backend.

    Args:
      name: <backend>_test.
      plugin: label of the plugin.
      backend: if the name says more than that; the table of what the backend rejects is
        expectations/<backend>.txt.
      **kwargs: passed to cc_test.
    """
    expectations = "expectations/%s.txt" % (backend or name[:-len("_test")])
    native.cc_test(
        name = name,
        size = "medium",
        args = [
            "--backend=$(location %s)" % plugin,
            "--expectations=$(location %s)" % expectations,
            "--tables=" + ",".join(["$(location %s)" % table for table in _TABLES]),
            "--recorded=$(location %s)" % _RECORDED,
        ],
        data = [plugin, expectations, _RECORDED] + _TABLES,
        deps = [":suite"],
        **kwargs
    )
