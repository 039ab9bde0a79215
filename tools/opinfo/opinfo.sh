#!/usr/bin/env bash
# Runs a module of tools.opinfo in the pinned environment, from the folder that `bazel run` was called in.
set -euo pipefail

module="$1"
shift
runfiles="${PWD}"
cd "${BUILD_WORKING_DIRECTORY:-${PWD}}"
PYTHONPATH="${runfiles}" exec "${runfiles}/../ingot_python/python.sh" -m "${module}" "$@"
