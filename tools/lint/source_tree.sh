#!/usr/bin/env bash
# Sourced by the tests that look at the whole source tree, which no Bazel glob can span.
# Sets the working directory to the checkout and defines list_sources PATTERN…: the files under version control, or, in a
# checkout without git, all files.
source_tree="$(dirname "$(readlink -f "${TEST_SRCDIR:?run me through bazel test}/${TEST_WORKSPACE:?}/WORKSPACE")")"
cd "${source_tree}" || exit 1

list_sources() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    local file
    git ls-files -- "$@" | while IFS= read -r file; do
      [[ -f "${file}" ]] && printf '%s\n' "${file}"
    done || true
  else
    local pattern
    for pattern in "$@"; do
      find . -name "${pattern}" -type f -not -path './bazel-*' -not -path '*/.*' | sed 's|^\./||'
    done
  fi
}
