#!/usr/bin/env bash
# libFuzzer under ASan and UBSan for longer than in tests: tests/fuzz/pt2/fuzz.sh archive|program|scan [SECONDS]     (default: an hour)
# New inputs and crashes go to a folder of their own.
set -euo pipefail

target="$1"
seconds="${2:-3600}"
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
./bazelw build "//tests/fuzz/pt2:${target}_fuzzer"
TEST_TMPDIR="$(mktemp -d "${TMPDIR:-/tmp}/ingot_fuzz.XXXXXX")"
export TEST_TMPDIR
echo "new inputs and crashes: ${TEST_TMPDIR}"
exec tests/fuzz/run_fuzzer.sh "bazel-bin/tests/fuzz/pt2/${target}_fuzzer" "${seconds}" "tests/fuzz/pt2/corpus/${target}"/*
