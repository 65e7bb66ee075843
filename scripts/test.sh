#!/usr/bin/env bash
# Builds everything and runs every test. Arguments go to ctest: scripts/test.sh -R config
# The last line is 'N passed, N failed'; the exit status is ctest's. Safe to repeat.
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
cd -- "$root"
source scripts/packages.sh

install_packages "${build_packages[@]}" "${test_packages[@]}" ||
  echo "Going on: the build tells whether the libraries are there all the same."

mkdir -p build
options=(-DLOCKSTEP_BUILD_TESTS=ON)
if [[ ! -f build/CMakeCache.txt ]] && command -v ninja > /dev/null; then options+=(-G Ninja); fi
cmake -S . -B build "${options[@]}"
cmake --build build --parallel "$(nproc)"

# Open MPI refuses root without the first two; threads that wait must not keep others from the few cores.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
log=build/test.log
status=0
# Most tests wait more than they compute: two more at a time than there are cores.
ctest --test-dir build --output-on-failure --no-tests=error --parallel "$(($(nproc) + 2))" "$@" 2>&1 |
  tee "$log" || status=$?

# From ctest's '98% tests passed, 1 tests failed out of 62'.
summary="$(sed -nE 's/^[0-9]+% tests passed, ([0-9]+) tests? failed out of ([0-9]+).*/\1 \2/p' "$log")"
read -r failed total <<< "${summary:-0 0}"
skipped="$(grep -cE '\*\*\*Skipped' "$log" || true)"
if ((skipped)); then echo "$skipped skipped, counted neither as passed nor as failed"; fi
echo "$((total - failed - skipped)) passed, $failed failed"
exit "$status"
