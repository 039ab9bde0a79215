#!/usr/bin/env bash
# run_fuzzer.sh FUZZER SECONDS INPUT…: libFuzzer on these inputs. New inputs go to a scratch folder; a crash is kept with the test's
# outputs, and its bytes are printed, so that it can become an input.
set -euo pipefail

fuzzer="$1"
seconds="$2"
shift 2
scratch="${TEST_TMPDIR:-$(mktemp -d)}"
mkdir -p "${scratch}/inputs" "${scratch}/new"
for input in "$@"; do cp -L "${input}" "${scratch}/inputs/"; done
crashes="${TEST_UNDECLARED_OUTPUTS_DIR:-${scratch}}"
export ASAN_OPTIONS="detect_leaks=1:allocator_may_return_null=1${ASAN_OPTIONS:+:${ASAN_OPTIONS}}"
export UBSAN_OPTIONS="print_stacktrace=1${UBSAN_OPTIONS:+:${UBSAN_OPTIONS}}"
"${fuzzer}" -max_total_time="${seconds}" -rss_limit_mb=2048 -malloc_limit_mb=1024 -timeout=60 -print_final_stats=1 \
  -artifact_prefix="${crashes}/" "${scratch}/new" "${scratch}/inputs"
