#!/usr/bin/env bash
# Installs the wheel into a fresh virtual environment, beside the pinned torch, and runs pytest in it. Needs no network.
# Usage: run_tests.sh WHEEL TEST…   (paths in the runfiles)
set -euo pipefail

wheel="$(realpath "$1")"
shift
tests=()
for test in "$@"; do tests+=("$(realpath -s "${test}")"); done

# packages_of REPOSITORY: the folder of an environment's packages.
packages_of() {
  "../$1/python.sh" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
}

readonly fresh="${TEST_TMPDIR:?run by bazel test}/venv"
/usr/bin/python3 -m venv --without-pip "${fresh}"
site="$("${fresh}/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
# Links, not copies: 1.3 GB. torch stands beside ingot, as after `pip install`.
for repository in ingot_python ingot_pytest; do
  for entry in "$(packages_of "${repository}")"/*; do
    [[ -e "${site}/$(basename "${entry}")" ]] || ln -s "${entry}" "${site}/"
  done
done
"${fresh}/bin/python" -m pip --quiet install --no-index --no-compile --no-cache-dir --disable-pip-version-check "${wheel}"

# Tests load what was installed, and nothing of the checkout.
cd "${TEST_TMPDIR}"
exec "${fresh}/bin/python" -B -m pytest --quiet --disable-warnings -p no:cacheprovider --rootdir="$(dirname "${tests[0]}")" \
  "${tests[@]}"
