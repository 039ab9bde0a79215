#!/usr/bin/env bash
# Usage: abi_changelog_test.sh HEADER CHANGELOG. The changelog has a line for the header's version.
set -euo pipefail
macro() { sed -n "s/^#define INGOT_BACKEND_ABI_$1 \([0-9]*\)$/\1/p" "${header}"; }
header="$1"
version="$(macro MAJOR).$(macro MINOR)"
if ! grep -qF -- "- **${version}** " "$2"; then
  echo "$2 has no line \"- **${version}** …\"" >&2
  exit 1
fi
