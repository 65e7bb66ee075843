#!/usr/bin/env bash
# From a fresh clone to a trained network: installs the packages that are missing, builds into build/ and trains
# a classifier of handwritten digits on two processes. Safe to repeat: each run gets a directory of its own.
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
cd -- "$root"
source scripts/packages.sh

fail() {
  echo "quickstart: $*" >&2
  exit 1
}

# run_logged LOG COMMAND...   Quiet; shows the end of the log when the command fails.
run_logged() {
  local log="$1"
  shift
  "$@" >> "$log" 2>&1 || {
    tail -n 30 "$log" >&2
    fail "'$1' failed (full log: $root/$log)"
  }
}

install_packages "${build_packages[@]}" ||
  echo "Going on: the build tells whether the libraries are there all the same."
command -v cmake > /dev/null || fail "cmake is missing."

# A build directory that exists keeps its settings, so that quickstart.sh and test.sh share one.
mkdir -p build
log=build/quickstart.log
: > "$log"
options=(-DCMAKE_BUILD_TYPE=Release)
if [[ ! -f build/CMakeCache.txt ]]; then
  options+=(-DLOCKSTEP_BUILD_TESTS=OFF)
  if command -v ninja > /dev/null; then options+=(-G Ninja); fi
fi
cores="$(nproc)"
echo "building with $cores cores, a few minutes the first time (log: $log)"
run_logged "$log" cmake -S . -B build "${options[@]}"
run_logged "$log" cmake --build build --target trainer --parallel "$cores"

launch=(mpirun -np 2)
if ((cores < 2)); then launch+=(--oversubscribe); fi
if ((EUID == 0)); then
  echo "you are root: mpirun is told that this is intended, for this one command (OMPI_ALLOW_RUN_AS_ROOT)"
  launch=(env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "${launch[@]}")
fi
train=(build/bin/trainer train scripts/configs/digits-mlp.toml)
echo "mpirun -np 2 ${train[*]}"
echo
output=build/quickstart.out
"${launch[@]}" "${train[@]}" 2>&1 | tee "$output" || fail "training failed, see above."

directory="$(sed -n 's/^run  *\([^ ]*\).*/\1/p' "$output" | head -n 1)"
digest="$(sed -n 's/^digest  *//p' "$output")"
accuracy="$(sed -n 's/^epoch .* acc \([0-9.]* %\).*/\1/p' "$output" | tail -n 1)"
[[ -n "$directory" && -n "$digest" && -n "$accuracy" ]] || fail "the trainer's output has no result, see above."
cat << END

quickstart: $accuracy of the digits the network has never seen are read correctly
  state     digest $digest, the same on any number of processes; try: mpirun -np 1 ${train[*]}
  run       $root/$directory
  next      build/bin/trainer config explain     scripts/test.sh
END
