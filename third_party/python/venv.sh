#!/usr/bin/env bash
# Makes the Python environment of requirements.lock once a machine, and prints its folder:
#   ${INGOT_HOME:-~/.cache/ingot}/venv-HASH   (HASH of the lock file and of the interpreter's path)
# Usage: venv.sh [--find] [LOCK]; --find makes nothing, and fails if the environment isn't there. The interpreter in it is bin/python. A finished folder never changes; two processes that race are
# kept apart by a file lock; a folder appears under its name by one rename. One line on stderr says why something failed.
set -euo pipefail

readonly wanted=3.11

fail() {
  echo "venv.sh: $1" >&2
  exit 1
}

version_of() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

# The system's interpreter comes before the PATH's: it is the one that bazelw installs pip and venv for.
find_python() {
  local candidate
  if [[ -n "${INGOT_PYTHON:-}" ]]; then
    [[ "$(version_of "${INGOT_PYTHON}")" == "${wanted}" ]] ||
      fail "INGOT_PYTHON=${INGOT_PYTHON} is not a Python ${wanted}, which the lock file's wheels are for"
    echo "${INGOT_PYTHON}"
    return
  fi
  for candidate in /usr/bin/python3 "python${wanted}" python3; do
    if [[ "$(version_of "${candidate}")" == "${wanted}" ]]; then
      command -v "${candidate}"
      return
    fi
  done
  fail "no Python ${wanted} found: install the package python3, or set INGOT_PYTHON"
}

# Turns pip's output into one line that names the package.
explain() {
  local log="$1" line package
  if grep -q 'DO NOT MATCH THE HASHES' "${log}"; then
    package="$(sed -n 's/^ *\([A-Za-z0-9._-]*==[^ ]*\) from .*/\1/p' "${log}" | head -n 1)"
    fail "the Python package ${package:-?} is not the file that requirements.lock pins (its hash differs)"
  fi
  package="$(sed -n 's/.*No matching distribution found for \([^ ]*\).*/\1/p' "${log}" | head -n 1)"
  [[ -n "${package}" ]] || package="$(sed -n 's/^Collecting \([^ ]*\).*/\1/p' "${log}" | tail -n 1)"
  line="$(grep -v '^\[notice\]' "${log}" | grep -E 'ERROR|error|Error' | tail -n 1 || true)"
  [[ -n "${line}" ]] || line="$(tail -n 1 "${log}")"
  fail "the Python package ${package:-?} could not be installed: ${line}"
}

# Fills the folder `tree` in the current directory.
make_environment() {
  local python="$1" lock="$2" log="$3" pip
  if "${python}" -m venv tree >"${log}" 2>&1; then
    pip=(tree/bin/python -m pip install)
  else
    # No ensurepip (Debian without python3-venv): the interpreter's own pip fills a bare environment.
    rm -rf tree
    "${python}" -m pip --version >/dev/null 2>&1 ||
      fail "${python} has neither venv nor pip: install the package python3-venv"
    "${python}" -m venv --without-pip tree >"${log}" 2>&1 || fail "${python} -m venv: $(tail -n 1 "${log}")"
    pip=("${python}" -m pip install --target "tree/lib/python${wanted}/site-packages")
  fi
  "${pip[@]}" --no-input --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    --requirement "${lock}" >"${log}" 2>&1 || explain "${log}"
}

main() {
  local lock python home hash final scratch find_only=0
  if [[ "${1:-}" == --find ]]; then
    find_only=1
    shift
  fi
  lock="$(realpath "${1:-$(dirname "${BASH_SOURCE[0]}")/requirements.lock}")"
  [[ -f "${lock}" ]] || fail "no lock file ${lock}"
  python="$(find_python)"
  home="${INGOT_HOME:-}"
  if [[ -z "${home}" ]]; then
    home="${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}/.cache/ingot"
  fi
  hash="$({ cat "${lock}"; echo "${python}"; } | sha256sum | cut -c1-16)"
  final="${home}/venv-${hash}"
  if [[ ! -d "${final}" ]]; then
    ((find_only == 0)) || fail "not made yet: ${final}"
    mkdir -p "${home}" 2>/dev/null || fail "cannot make the folder ${home}"
    exec 9>"${home}/.venv-${hash}.lock"
    flock 9
    if [[ ! -d "${final}" ]]; then
      scratch="$(mktemp -d "${home}/.venv-XXXXXX")"
      # shellcheck disable=SC2064
      trap "rm -rf '${scratch}'" EXIT
      (cd "${scratch}" && make_environment "${python}" "${lock}" "${scratch}/pip.log")
      mv -T "${scratch}/tree" "${final}"
    fi
  fi
  echo "${final}"
}

main "$@"
