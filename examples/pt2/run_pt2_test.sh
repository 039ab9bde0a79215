#!/usr/bin/env bash
# The example runs a real model on each backend that needs no LibTorch.     run_pt2_test.sh RUN_PT2 FILE…
set -euo pipefail
run_pt2="$1"
for file in "$@"; do
  [[ "${file}" == */mlp.pt2 ]] || continue
  for backend in onednn reference; do
    out="$("${run_pt2}" "${file}" "${backend}")"
    [[ "${out}" == f32\[* ]] || { echo "${backend}: ${out}" >&2; exit 1; }
  done
  exit 0
done
echo "no mlp.pt2 among the files" >&2
exit 1
