#!/usr/bin/env bash
# A target that does link LibTorch must be reported; otherwise the closure tests would pass whatever they looked at.
set -euo pipefail
if output="$("$1" "$2" "reaches LibTorch" 2>&1)"; then
  echo "a target that links LibTorch was not reported" >&2
  exit 1
fi
grep -q '@libtorch//:torch' <<<"${output}" || { echo "the report does not name @libtorch//:torch" >&2; exit 1; }
