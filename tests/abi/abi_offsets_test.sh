#!/usr/bin/env bash
# Usage: abi_offsets_test.sh PROGRAM GOLDEN. The ABI's layout, as PROGRAM prints it, is the checked-in one.
set -euo pipefail
if ! diff -u "$2" <("$1"); then
  echo "The backend ABI's layout has changed. Fields may only be appended, with a new minor, a line in" \
    "core/plugin/abi/ABI_CHANGELOG.md and a frozen copy of the old header; then update tests/abi/abi_offsets.golden." >&2
  exit 1
fi
