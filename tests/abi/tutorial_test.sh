#!/usr/bin/env bash
# Usage: tutorial_test.sh TUTORIAL SOURCE. The tutorial's first C++ block is the source, which is built and tested.
set -euo pipefail
if ! diff -u "$2" <(awk '/^```cpp$/ { inside = 1; next } /^```$/ && inside { exit } inside' "$1"); then
  echo "the first code block of $1 has to be $2" >&2
  exit 1
fi
