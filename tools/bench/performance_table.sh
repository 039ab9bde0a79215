#!/usr/bin/env bash
# Runs performance_table.py on the ingot binary that Bazel built; a relative folder is taken from where the user stands.
set -euo pipefail
here="$(pwd)"
cd "${BUILD_WORKING_DIRECTORY:-${here}}"
exec python3 "${here}/tools/bench/performance_table.py" --ingot="${here}/tools/ingot/ingot" "$@"
