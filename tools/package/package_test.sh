#!/usr/bin/env bash
# The unpacked folder works without what it was built from.     package_test.sh ARCHIVE MODEL…
set -euo pipefail
archive="$1"
shift
work="${TEST_TMPDIR}"
tar -xzf "${archive}" -C "${work}"
folder="${work}/ingot"

fail() {
  echo "package_test: $1" >&2
  exit 1
}

[[ -f "${folder}/LICENSE" ]] || fail "the licence is missing"
for file in "${folder}"/*; do
  [[ "${file}" == *.so* || "${file}" == */ingot ]] || continue
  outside="$(env -i ldd "${file}" | grep -vE "statically linked|linux-vdso|ld-linux|${folder}/|/lib(c|m|dl|rt|pthread|util|resolv)\.so" || true)"
  [[ -z "${outside}" ]] || fail "${file##*/} needs more than glibc: ${outside}"
done

listing="$(cd / && env -i "${folder}/ingot" backends)"
for backend in onednn reference; do
  [[ "${listing}" == *"${backend}"* ]] || fail "${backend} is not among the backends: ${listing}"
done
for model in "$@"; do
  [[ "${model}" == */mlp.pt2 ]] || continue
  env -i "${folder}/ingot" run "${model}" --backend=onednn >"${work}/out.txt" || fail "mlp.pt2 does not run"
  [[ -s "${work}/out.txt" ]] || fail "no results"
  exit 0
done
fail "no mlp.pt2 among the models"
