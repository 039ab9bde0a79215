"""Gives access to op_db, PyTorch's database of operators with sample inputs."""

import sys
import types
import unittest


def load():
    """Imports op_db; returns its entries in a stable order, by unique name."""
    try:
        import expecttest  # noqa: F401  pylint: disable=unused-import
    except ImportError:
        # op_db's module imports PyTorch's test harness, which derives its TestCase from this
        # package's. Nothing here runs a test, so the package need not be installed.
        stand_in = types.ModuleType("expecttest")
        stand_in.TestCase = unittest.TestCase
        sys.modules["expecttest"] = stand_in
    from torch.testing._internal.common_methods_invocations import op_db

    return dict(sorted((name_of(op), op) for op in op_db))


def name_of(op):
    """NAME or NAME__VARIANT, as a folder may be called."""
    name = op.name.replace("/", "_")
    return f"{name}__{op.variant_test_name}" if op.variant_test_name else name
