#!/usr/bin/env bash
# House rules that are about the text of files rather than about targets. Each finding is one line: rule: file:line: text.
set -euo pipefail
# shellcheck source=tools/lint/source_tree.sh
source "${TEST_SRCDIR}/${TEST_WORKSPACE}/tools/lint/source_tree.sh"

findings=0
# report RULE: one finding for each line of standard input.
report() {
  local line
  while IFS= read -r line; do
    echo "$1: ${line}" >&2
    findings=$((findings + 1))
  done
}

# check RULE REGEX FILE…: no line of the files may match.
check() {
  local rule="$1" regex="$2"
  shift 2
  (($# == 0)) || report "${rule}" < <(grep -nHE -- "${regex}" "$@" || true)
}

mapfile -t headers < <(list_sources '*.h')
mapfile -t sources < <(list_sources '*.h' '*.cc')
mapfile -t build_files < <(list_sources 'BUILD' '*/BUILD' '*.bzl' '*/*.bzl')
# This file holds the patterns themselves.
mapfile -t texts < <(
  list_sources '*.h' '*.cc' '*.md' '*.py' '*.sh' '*.bzl' '*.json' '*.lock' 'BUILD' '*/BUILD' '*.BUILD' 'bazelw' '.bazelrc' '.ci/*' |
    grep -v '^tools/lint/house_rules_test.sh$')

check "no unfinished work in the tree" '\b(TODO|FIXME|XXX)\b' "${sources[@]}" "${build_files[@]}"
check "no paths of one machine" '(/root/|/home/[a-z]+/|/work/)' "${texts[@]}"
check "no registry's address" '(pypi\.org|pythonhosted|download\.pytorch|deb\.debian\.org|/releases/download/)' "${texts[@]}"
check "no using namespace in headers" '^[[:space:]]*using namespace' "${headers[@]}"

# The backend ABI is plain C11 that any compiler can read: these two headers, and each other, are all it includes.
mapfile -t abi < <(list_sources 'core/plugin/abi/*.h')
((${#abi[@]} == 0)) || report "the ABI includes only <stddef.h> and <stdint.h>" < <(
  grep -nHE '^[[:space:]]*#[[:space:]]*include' "${abi[@]}" |
    grep -vE '<(stddef|stdint)\.h>|"core/plugin/abi/' || true)

for header in "${headers[@]}"; do
  # The ABI headers are installed under other paths than they have here, so their guards name the ABI. Highway includes a
  # "-inl.h" once a CPU target, which takes another guard.
  [[ "${header}" != core/plugin/abi/* && "${header}" != *-inl.h ]] || continue
  guard="INGOT_$(tr 'a-z/.-' 'A-Z___' <<<"${header}")_"
  grep -qE "^#ifndef ${guard}\$" "${header}" || report "header guard is ${guard}" <<<"${header}"
done

for build in "${build_files[@]}"; do
  folder="$(dirname "${build}")"
  # One README for each folder of the second level (core/ir, backends/onednn, …) that has targets.
  if [[ "${folder}" =~ ^(core|backends|frontends|tools|tests|third_party)/[^/]+$ && "${build}" == */BUILD ]]; then
    [[ -f "${folder}/README.md" ]] || report "each folder has a README.md" <<<"${folder}"
  fi
done

((findings == 0)) || { echo "${findings} findings" >&2; exit 1; }
echo "${#sources[@]} sources and ${#build_files[@]} build files keep the house rules"
