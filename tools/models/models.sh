#!/usr/bin/env bash
# Runs tools.models in the pinned environment, from the folder that `bazel run` was called in.
set -euo pipefail

runfiles="${PWD}"
cd "${BUILD_WORKING_DIRECTORY:-${PWD}}"
PYTHONPATH="${runfiles}" exec "${runfiles}/../ingot_python/python.sh" -m tools.models "$@"
