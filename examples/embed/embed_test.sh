#!/usr/bin/env bash
# The example runs a real model on each backend, and says what went wrong.     embed_test.sh EMBED FILE…
set -euo pipefail
embed="$1"
for file in "$@"; do
  [[ "${file}" == */mlp.pt ]] || continue
  for backend in onednn torchscript; do
    out="$("${embed}" --backend="${backend}" "${file}" 4x16)"
    [[ "$(grep -c '^call [012]: .* ms$' <<<"${out}")" == 3 ]] || { echo "${backend}: ${out}" >&2; exit 1; }
  done
  status=0
  "${embed}" "${file}" 4x15 2>"${TEST_TMPDIR}/error.txt" || status=$?
  grep -q '^embed: ' "${TEST_TMPDIR}/error.txt" && ((status == 4)) || { cat "${TEST_TMPDIR}/error.txt" >&2; exit 1; }
  exit 0
done
echo "no mlp.pt among the files" >&2
exit 1
