#!/usr/bin/env bash
# Usage: plugin_exports_test.sh PLUGIN. The plugin defines one dynamic symbol, ingot_backend_query.
set -euo pipefail
symbols="$(nm --dynamic --defined-only --format=posix "$1" | cut -d' ' -f1)"
if [[ "${symbols}" != ingot_backend_query ]]; then
  echo "$1 exports, instead of ingot_backend_query alone (build it with ingot_backend_plugin):" >&2
  echo "${symbols}" >&2
  exit 1
fi
