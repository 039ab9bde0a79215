#!/usr/bin/env bash
# Exports samples of op_db with torch.export, undecomposed, and verifies the archives on onednn and reference: what ATen composes
# itself must come out of frontends/pt2 as ops that these backends have.
#   composites_test.sh LIMIT OPS INGOT
set -euo pipefail

corpus="${TEST_TMPDIR}/corpus"
../ingot_python/python.sh -m tools.opinfo.export_corpus --out "${corpus}" --limit "$1" --ops "$2" --format pt2

failed=0
for backend in onednn reference; do
  lines="${TEST_TMPDIR}/${backend}.json"
  "$3" verify "${corpus}/float32" "--backend=${backend}" --threads=1 --fresh=2 --json >"${lines}" || true
  tail -n 1 "${lines}"
  archives="$(grep -c '\.pt2"' "${lines}" || true)"
  if [[ "${archives}" == 0 ]] || grep '\.pt2"' "${lines}" | grep -v '"status":"ok"'; then
    echo "FAIL: of ${archives} archives on ${backend} those above are not ok" >&2
    failed=1
  fi
done
exit "${failed}"
