#!/usr/bin/env bash
# Builds for 64-bit Arm beside this machine's own processor and runs the unit tests of base, kernels and nn, the known
# runs and the digits under an emulator: the same bits as everywhere.
# usage: arm64.sh WORK_DIR      Debian's arm64 packages are unpacked there; nothing is installed but what it names.
# Needs: g++-aarch64-linux-gnu, qemu-user-static. Takes half an hour on two cores.
set -euo pipefail

readonly digits=a673877225b7477b90d64bcb4fa3554a
(($# == 1)) || { sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}"; exit 64; }
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)"
mkdir -p "$1"
work="$(cd -- "$1" && pwd)"
for program in aarch64-linux-gnu-g++ qemu-aarch64-static cmake ninja; do
  command -v "$program" > /dev/null || {
    echo "arm64.sh: $program is missing (Debian: g++-aarch64-linux-gnu, qemu-user-static, cmake, ninja-build)" >&2
    exit 69
  }
done

# The arm64 packages, with their dependencies, in a folder of their own: this system's are left alone.
packages=(libopenmpi-dev libhdf5-dev libeigen3-dev libtomlplusplus-dev libcli11-dev libfmt-dev nlohmann-json3-dev
  libxxhash-dev zlib1g-dev libgtest-dev libgmock-dev libgomp1)
apt=(apt-get -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o Debug::NoLocking=1
  -o "Dir::State=$work/state" -o "Dir::Cache=$work/cache" -o "Dir::State::status=$work/status")
system="$work/system"
if [[ ! -d "$system" ]]; then
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$system.new"
  : > "$work/status"
  "${apt[@]}" update > "$work/apt.log"
  "${apt[@]}" -y --no-install-recommends -d install "${packages[@]}" >> "$work/apt.log"
  for package in "$work"/cache/archives/*.deb; do dpkg -x "$package" "$system.new"; done
  mv -- "$system.new" "$system"
fi
lib="$system/usr/lib/aarch64-linux-gnu"

cat > "$work/toolchain.cmake" << END
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH "$system")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_CROSSCOMPILING_EMULATOR "qemu-aarch64-static;-L;$system")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-Wl,-rpath-link,\"$lib:$lib/openmpi/lib:$lib/hdf5/serial:$system/lib/aarch64-linux-gnu\"")
set(CMAKE_SHARED_LINKER_FLAGS_INIT "\${CMAKE_EXE_LINKER_FLAGS_INIT}")
END
build="$work/build"
# What these modules are found by elsewhere are programs, which cannot run here.
cmake -S "$root" -B "$build" -G Ninja "-DCMAKE_TOOLCHAIN_FILE=$work/toolchain.cmake" -DLOCKSTEP_BUILD_TESTS=ON \
  -DLOCKSTEP_WITH_ONEDNN=OFF -DMPI_CXX_LIB_NAMES=mpi "-DMPI_mpi_LIBRARY=$lib/openmpi/lib/libmpi.so" \
  "-DMPI_CXX_HEADER_DIR=$lib/openmpi/include" -DMPI_CXX_ADDITIONAL_INCLUDE_VARS= -DMPIEXEC_EXECUTABLE=mpiexec \
  -DHDF5_NO_FIND_PACKAGE_CONFIG_FILE=TRUE -DHDF5_C_COMPILER_EXECUTABLE=NONE \
  "-DHDF5_C_LIBRARY_hdf5=$lib/hdf5/serial/libhdf5.so" "-DHDF5_C_INCLUDE_DIR=$system/usr/include/hdf5/serial" > "$work/cmake.log"

tests=({base,kernels,nn}_tests)
cmake --build "$build" --parallel "$(nproc)" --target trainer "${tests[@]}" > "$work/build.log"

run() { qemu-aarch64-static -L "$system" -E "LD_LIBRARY_PATH=$build/lib:$lib/openmpi/lib:$lib/hdf5/serial:$lib" "$@"; }
failed=0
for test in "${tests[@]}"; do
  if run "$build/tests/$test" > "$work/$test.log" 2>&1; then
    echo "passed  $test"
  else
    echo "FAILED  $test (see $work/$test.log)"
    failed=1
  fi
done
run "$build/bin/trainer" verify || failed=1
cd -- "$root"
rm -rf -- "$work/digits"
run "$build/bin/trainer" train scripts/configs/digits-mlp.toml --run-dir "$work/digits" | tee "$work/digits.log" | tail -n 3
grep -q "digest  *$digits" "$work/digits.log" || { echo "FAILED  the digits' digest is not $digits"; failed=1; }
exit "$failed"
