#!/usr/bin/env bash
# Every exported model on one backend, with fallback forbidden: `ingot verify` says ok for each.
# models_test.sh INGOT "VERIFY OPTIONS" FILE…
set -euo pipefail
ingot="$1"
read -ra options <<<"$2"
shift 2

folder="$(mktemp -d "${TEST_TMPDIR:-/tmp}/models.XXXXXX")"
for file in "$@"; do
  case "${file}" in
    *.pt | *.npz) ln -s "${PWD}/${file}" "${folder}/" ;;
  esac
done
expected="$(find "${folder}" -name '*.pt' | wc -l)"

code=0
"${ingot}" verify "${folder}" "${options[@]}" --json --seed=1 >"${folder}/report.jsonl" || code=$?
cat "${folder}/report.jsonl"
if [[ "${code}" != 0 || "${expected}" == 0 ]] ||
  ! grep -q "\"cases\":${expected},\"ok\":${expected}," "${folder}/report.jsonl"; then
  echo "FAILED: exit code ${code}; not all ${expected} models are ok with ${options[*]}:" >&2
  grep -vE '"status":"ok"|"summary":true' "${folder}/report.jsonl" >&2 || true
  exit 1
fi
