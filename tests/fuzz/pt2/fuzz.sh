#!/usr/bin/env bash
# libFuzzer under ASan and UBSan: tests/fuzz/pt2/fuzz.sh archive|program [SECONDS]     (default: an hour)
# Builds with clang-14, which it installs if it is missing. New inputs and crashes go to a folder of their own.
set -euo pipefail

target="$1"
seconds="${2:-3600}"
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)"
if ! command -v clang-14 >/dev/null; then
  sudo=(); [[ "$(id -u)" == 0 ]] || sudo=(sudo -n)
  "${sudo[@]}" apt-get -q -y install --no-install-recommends clang-14 libclang-rt-14-dev
fi
cd "${root}"
sanitizers="address,undefined"
CC=clang-14 ./bazelw build --repo_env=CC=clang-14 --action_env=CC=clang-14 --copt=-O1 --copt=-g \
  --copt="-fsanitize=fuzzer-no-link,${sanitizers}" --linkopt="-fsanitize=fuzzer,${sanitizers}" \
  "//tests/fuzz/pt2:${target}_fuzzer"
found="$(mktemp -d "${TMPDIR:-/tmp}/ingot_fuzz.XXXXXX")"
echo "new inputs and crashes: ${found}"
exec "bazel-bin/tests/fuzz/pt2/${target}_fuzzer" -max_total_time="${seconds}" -rss_limit_mb=2048 -timeout=25 \
  -artifact_prefix="${found}/" "${found}" "tests/fuzz/pt2/corpus/${target}"
