#!/usr/bin/env bash
# Fails when a committed C++ file differs from what clang-format would write, and names the command that mends it.
set -euo pipefail
# shellcheck source=tools/lint/source_tree.sh
source "${TEST_SRCDIR}/${TEST_WORKSPACE}/tools/lint/source_tree.sh"

readonly clang_format=clang-format-14
command -v "${clang_format}" >/dev/null || { echo "the package clang-format-14 is missing" >&2; exit 1; }

mapfile -t files < <(list_sources '*.h' '*.cc')
((${#files[@]} > 0)) || { echo "no C++ files found in ${PWD}" >&2; exit 1; }
# A finding reads "file:line:column: warning: … [-Wclang-format-violations]"; many files a process, as starting it is what costs.
mapfile -t unformatted < <(
  printf '%s\0' "${files[@]}" | xargs -0 -n 16 -P "$(nproc)" "${clang_format}" --style=file --dry-run 2>&1 |
    sed -n 's/^\([^:]*\):[0-9]*:.*\[-Wclang-format-violations\]$/\1/p' | sort -u)
if ((${#unformatted[@]} > 0)); then
  echo "not formatted; run: ${clang_format} -i ${unformatted[*]}" >&2
  exit 1
fi
echo "${#files[@]} files are formatted"
