#!/usr/bin/env bash
# The example serves what the command line extracted.     service_test.sh SERVICE INGOT MODEL…
set -euo pipefail
service="$1" ingot="$2"
shift 2
for model in "$@"; do
  [[ "${model}" == */mlp.pt2 ]] || continue
  "${ingot}" extract "${model}" --backend=onednn -o "${TEST_TMPDIR}/mlp.ingot"
  for backend in onednn reference; do
    out="$("${service}" --backend="${backend}" --clients=3 --seconds=0.2 "${TEST_TMPDIR}/mlp.ingot")"
    [[ "${out}" == "3 clients: "*" calls/s, p50 "* ]] || { echo "${backend}: ${out}" >&2; exit 1; }
  done
  status=0
  "${service}" --deadline=1ns "${TEST_TMPDIR}/mlp.ingot" 2>"${TEST_TMPDIR}/error.txt" || status=$?
  grep -q DEADLINE_EXCEEDED "${TEST_TMPDIR}/error.txt" && ((status == 5)) || { cat "${TEST_TMPDIR}/error.txt" >&2; exit 1; }
  exit 0
done
echo "no mlp.pt2 among the models" >&2
exit 1
