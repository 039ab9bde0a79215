#!/usr/bin/env bash
# Exports samples of op_db and verifies them on torchscript and reference.
#   corpus_test.sh LIMIT OPS INGOT      (OPS: names and patterns, or * for all)
set -euo pipefail

limit="$1"
ops="$2"
ingot="$3"
corpus="${TEST_TMPDIR}/corpus"

../ingot_python/python.sh -m tools.opinfo.export_corpus --out "${corpus}" --limit "${limit}" --ops "${ops}"

failed=0
for backend in torchscript reference; do
  lines="${TEST_TMPDIR}/${backend}.json"
  "${ingot}" verify "${corpus}/float32" "--backend=${backend}" --threads=1 --json > "${lines}" || true
  summary="$(tail -n 1 "${lines}")"
  echo "${backend}: ${summary}"
  if [[ "${summary}" != *'"summary":true'* ]]; then
    echo "FAIL: the run on ${backend} did not reach its end" >&2
    exit 1
  fi
  # What a backend lacks it says by name; everything else must be right.
  allowed='"status":"(ok|unsupported)"'
  [[ "${backend}" == torchscript ]] && allowed='"status":"ok"'
  if grep -v '"summary":true' "${lines}" | grep -Ev "${allowed}"; then
    echo "FAIL: the cases above are wrong on ${backend}" >&2
    failed=1
  fi
done
exit "${failed}"
