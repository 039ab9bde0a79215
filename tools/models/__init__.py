"""Exports ingot's test and demo models: traced TorchScript, torch.export archives, and their inputs.

Run `python -m tools.models --help` from the top of the repository, or `./bazelw run //tools/models`.
"""
