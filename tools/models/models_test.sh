#!/usr/bin/env bash
# Runs the unit tests in the pinned environment, from the top of the runfiles.
set -euo pipefail
exec ../ingot_python/python.sh -m unittest tools.models.models_test
