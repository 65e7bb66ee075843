#!/usr/bin/env bash
# What is looked at beside the tests: the format of the sources, the build and the unit tests of clang, and the unit
# tests under sanitizers. Builds into build-clang/ and build-sanitizers/. Safe to repeat.
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
cd -- "$root"
source scripts/packages.sh

usage() {
  cat << 'END'
usage: scripts/check.sh [CHECK...]

  format       the sources are as clang-format leaves them
  clang        clang++ builds everything without a warning; unit tests, trainer verify
  sanitizers   unit tests under AddressSanitizer and UndefinedBehaviorSanitizer (clang++)

Without CHECK: all of them, one after the other; the exit status is 1 if one failed.
END
}

# build_and_test DIRECTORY LEFT_OUT OPTION...   Builds the trainer and all tests; runs those that start no trainer.
build_and_test() {
  local build="$1" left_out="$2"
  shift 2
  mkdir -p "$build"
  local generator=()
  if [[ ! -f "$build/CMakeCache.txt" ]] && command -v ninja > /dev/null; then generator=(-G Ninja); fi
  cmake -S . -B "$build" "${generator[@]}" -DLOCKSTEP_BUILD_TESTS=ON -DLOCKSTEP_WERROR=ON "$@" &&
    cmake --build "$build" --parallel "$(nproc)" &&
    ctest --test-dir "$build" --output-on-failure --no-tests=error --parallel "$(nproc)" \
      -E "^(system|package|structure|cli_examples|kernels_other$left_out)_"
}

check_format() { scripts/format.sh --check; }

check_clang() {
  build_and_test build-clang '' -DCMAKE_CXX_COMPILER=clang++ && build-clang/bin/trainer verify
}

# With sanitizers g++ 12 gives false alarms of values that may be uninitialised, and both compilers take minutes for a
# kernel that they optimise as usual.
check_sanitizers() {
  local options=(-DCMAKE_CXX_COMPILER=clang++ -DLOCKSTEP_SANITIZE=address,undefined -DCMAKE_CXX_FLAGS_RELEASE=-O1)
  if [[ "$(uname -m)" == x86_64 ]]; then options+=(-DLOCKSTEP_ARCH=x86-64-v3); fi
  # libhdf5 reads beyond its buffers when a file is damaged, which the trainer lets happen in a child: not its parsers.
  build_and_test build-sanitizers '|fuzz' "${options[@]}" && build-sanitizers/tests/fuzz_tests --gtest_filter='Own/*'
}

checks=("$@")
for check in "${checks[@]}"; do
  case "$check" in
    format | clang | sanitizers) ;;
    --help | -h) usage && exit ;;
    *) usage >&2 && exit 64 ;;
  esac
done
((${#checks[@]})) || checks=(format clang sanitizers)

install_packages "${build_packages[@]}" "${test_packages[@]}" "${check_packages[@]}" ||
  echo "Going on: the checks tell whether what they need is there all the same."
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
failed=()
for check in "${checks[@]}"; do
  echo "== $check"
  "check_$check" || failed+=("$check")
done
if ((${#failed[@]})); then
  echo "failed: ${failed[*]}"
  exit 1
fi
echo "passed: ${checks[*]}"
