#!/usr/bin/env bash
# Usage: assert_empty.sh FILE MESSAGE. Succeeds when FILE is empty, else shows its lines under MESSAGE.
set -euo pipefail
[[ -f "$1" ]] || { echo "no such file: $1" >&2; exit 1; }
if [[ -s "$1" ]]; then
  echo "$2:" >&2
  cat "$1" >&2
  exit 1
fi
