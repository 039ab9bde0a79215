# For tests of the command line: runs `ingot`, checks its exit code and what it prints.
set -euo pipefail

ingot="$1"
work="$(mktemp -d "${TEST_TMPDIR:-/tmp}/e2e.XXXXXX")"
failures=0
cases=0

fail() {
  echo "FAILED: $*" >&2
  failures=$((failures + 1))
}

# link_models FILE…: makes the folder ${models} and links the files into it.
link_models() {
  local file
  models="${work}/models"
  mkdir "${models}"
  for file in "$@"; do ln -s "${PWD}/${file}" "${models}/"; done
}

# run CODE ARGUMENT…: stdout and stderr go to ${work}/out and ${work}/err.
run() {
  local expected="$1" code=0
  shift
  cases=$((cases + 1))
  last="ingot $*"
  "${ingot}" "$@" >"${work}/out" 2>"${work}/err" || code=$?
  if [[ "${code}" != "${expected}" ]]; then
    fail "${last}: exit code ${code}, not ${expected}: $(cat "${work}/err")"
  fi
}

# refused CODE PATTERN ARGUMENT…: nothing on stdout, one line on stderr that matches.
refused() {
  local code="$1" pattern="$2"
  shift 2
  run "${code}" "$@"
  [[ ! -s "${work}/out" ]] || fail "${last}: prints on stdout: $(head -c 200 "${work}/out")"
  [[ "$(wc -l <"${work}/err")" == 1 ]] || fail "${last}: not one line on stderr: $(cat "${work}/err")"
  grep -qE -- "^ingot: .*${pattern}" "${work}/err" ||
    fail "${last}: \"$(cat "${work}/err")\" does not match \"${pattern}\""
}

# prints PATTERN: the last run's stdout has a line that matches.
prints() {
  grep -qE -- "$1" "${work}/out" || fail "${last}: stdout lacks \"$1\": $(head -c 400 "${work}/out")"
}

# without_libtorch ARGUMENT…: runs well, and neither LibTorch nor its frontend is ever loaded.
without_libtorch() {
  rm -f "${work}"/loaded.*
  LD_DEBUG=files LD_DEBUG_OUTPUT="${work}/loaded" "${ingot}" "$@" >"${work}/out" 2>"${work}/err" ||
    fail "ingot $*: $(cat "${work}/err")"
  cases=$((cases + 1))
  grep -q "libingot_" "${work}"/loaded.* || fail "ingot $*: the loader's log names no plugin"
  if grep -qE "libtorch|libc10|libingot_frontend" "${work}"/loaded.*; then
    fail "ingot $*: loads $(grep -ohE '[^/ ]*(libtorch|libc10|libingot_frontend)[^ ]*' "${work}"/loaded.* | head -n 1)"
  fi
}

finish() {
  rm -rf "${work}"
  echo "${cases} runs, ${failures} failures"
  [[ "${failures}" == 0 ]]
}
