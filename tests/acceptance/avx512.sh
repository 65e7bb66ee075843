#!/usr/bin/env bash
# Boots a small Linux under Bochs, an emulator of a whole machine that has AVX-512, and runs there what was built for
# x86-64-v4: the loader's choice, the known runs, the digits, unit tests of the mathematics. The same bits as everywhere.
# usage: avx512.sh BUILD_DIR WORK_DIR [MINUTES]      A Release build with both sets and tests; what is not done after
#   that time (60) counts as failed. Nothing is installed; Debian's kernel is unpacked in WORK_DIR. Half an hour, one core.
# Needs: bochs, bochs-term, bochsbios, vgabios, busybox-static, isolinux, xorriso, cpio; Debian's packages for the kernel.
set -euo pipefail

readonly digits=a673877225b7477b90d64bcb4fa3554a
(($# == 2 || $# == 3)) || { sed -n '2,6s/^# //p' "${BASH_SOURCE[0]}"; exit 64; }
root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)"
build="$(cd -- "$1" && pwd)"
mkdir -p "$2"
work="$(cd -- "$2" && pwd)"
minutes="${3:-60}"
# Tests and the program look for libraries, and tests for data, where they were built.
source="$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$build/CMakeCache.txt")"

leave() { echo "avx512.sh: $1" >&2; exit 69; }
isolinux=/usr/lib/ISOLINUX/isolinux.bin
modules=/usr/lib/syslinux/modules/bios
bios=/usr/share/bochs/BIOS-bochs-latest
vga=/usr/share/vgabios/vgabios.bin
for needed in "$(command -v bochs || echo bochs)" "$(command -v xorriso || echo xorriso)" "$(command -v cpio || echo cpio)" \
    "$(command -v ompi_info || echo ompi_info)" /bin/busybox "$isolinux" "$modules/ldlinux.c32" "$bios" "$vga"; do
  [[ -e "$needed" ]] ||
    leave "$needed is missing (Debian: bochs bochs-term bochsbios vgabios busybox-static isolinux xorriso cpio)"
done
for needed in bin/trainer lib/liblockstep_math.so lib/glibc-hwcaps/x86-64-v4/liblockstep_math.so; do
  [[ -e "$build/$needed" ]] || leave "$build/$needed is missing: cmake --build $build --target all"
done

# -- The kernel ------------------------------------------------------------------------------------------------------
# The one for virtual machines: few drivers, so soon started.
if ! compgen -G "$work/kernel/boot/vmlinuz-*" > /dev/null; then
  package="$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: *//p' | head -n 1)"
  (cd -- "$work" && rm -f linux-image-*.deb && apt-get download "$package" > apt.log 2>&1) ||
    leave "Debian's kernel cannot be had (see $work/apt.log)"
  dpkg -x "$work"/linux-image-*.deb "$work/kernel"
fi

# -- What the machine holds --------------------------------------------------------------------------------------------
system="$work/system"
rm -rf -- "$system"
mkdir -p "$system"/{dev,proc,sys,tmp,etc,usr/{bin,lib,lib64}}
ln -s usr/bin usr/lib usr/lib64 "$system"
put() { cp -L --parents -- "$@" "$system"; }
# The tests that take least come first: what is left out by the time limit is then little.
tests=()
for test in {base,kernels,nn,optim,reduce}_tests; do
  [[ -x "$build/tests/$test" ]] || leave "$build/tests/$test is missing: build with tests"
  begin="$(date +%s%N)"
  "$build/tests/$test" > "$work/native.log" 2>&1 || { echo "FAILED  $test, on this machine, too"; exit 1; }
  tests+=("$(($(date +%s%N) - begin)) $test")
done
mapfile -t tests < <(printf '%s\n' "${tests[@]}" | sort -n | cut -d ' ' -f 2)
programs=("$build/bin/trainer")
for test in "${tests[@]}"; do programs+=("$build/tests/$test"); done

mpi="$(ompi_info --path pkglibdir)"
mpi="${mpi#*Pkglibdir: }"
# Without those for networks that this machine lacks, which need large libraries.
mapfile -t plugins < <(ls "${mpi%/}"/*.so | grep -Ev '_(ofi|openib|psm2?|ucx|cm)\.so$|oshm|sshmem|memheap|spml|scoll')
mapfile -t libraries < <(ldd "${programs[@]}" "${plugins[@]}" |
  sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[ \t]*\(\/[^ ]*ld-linux[^ ]*\) .*/\1/p' | sort -u)
put "${programs[@]}" "${plugins[@]}" "${libraries[@]}"
put "$build/lib/glibc-hwcaps/x86-64-v4/liblockstep_math.so".[0-9]*.[0-9]
for folder in /etc/openmpi /usr/share/openmpi "$source/datasets"; do
  [[ ! -d "$folder" ]] || cp -r --parents -- "$folder" "$system"
done
cp -r --parents -- "$source/scripts/configs" "$system"
cp /bin/busybox "$system/usr/bin"
for name in sh mount hostname ip cat sleep mkdir grep; do ln -s busybox "$system/usr/bin/$name"; done
echo "127.0.0.1 localhost emulated" > "$system/etc/hosts"
echo "root:x:0:0:root:/:/bin/sh" > "$system/etc/passwd"

# Marked lines tell this script where a check begins and ends.
{
  cat << 'END'
#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
exec > /dev/ttyS0 2>&1 < /dev/null
hostname emulated
ip link set lo up
export PATH=/usr/bin HOME=/tmp TMPDIR=/tmp OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_plm=isolated OMP_WAIT_POLICY=passive
# To a file first: to a terminal the program would draw.
check() {
  name="$1"
  shift
  echo "@@ begin $name"
  "$@" > /tmp/output 2>&1
  status=$?
  cat /tmp/output
  echo "@@ end $name $status"
}
# A test tells nothing about its library: the loader does. Left out is the test of our logarithm against x87's, which
# Bochs 2.7 computes wrongly in the last digits. Its fma in double is wrong, too, where all but the last bits of product
# and addend cancel (0 instead of, say, 2^-67): what differs from other machines after such an fma is no fault of ours.
unit() {
  LD_TRACE_LOADED_OBJECTS=1 "$1" | grep -q /x86-64-v4/ || { echo "not with the library for x86-64-v4"; return 1; }
  "$1" --gtest_brief=1 --gtest_filter=-PortableMath.IsWithinALastPlaceOfAWiderType
}
END
  printf 'cd %q\nb=%q\n' "$source" "$build"
  cat << 'END'
grep -m 1 "model name" /proc/cpuinfo
check version $b/bin/trainer --version
check verify $b/bin/trainer verify
LOCKSTEP_ISA=v3
export LOCKSTEP_ISA
check verify_v3 $b/bin/trainer verify
unset LOCKSTEP_ISA
check digits $b/bin/trainer train scripts/configs/digits-mlp.toml --run-dir /tmp/digits
END
  for test in "${tests[@]}"; do echo "check $test unit \$b/tests/$test"; done
  echo "exec sleep 1000000"
} > "$system/init"
chmod +x "$system/init"

# -- The medium and the machine ----------------------------------------------------------------------------------------
rm -rf -- "$work/medium"
mkdir -p "$work/medium"
cp "$isolinux" "$modules/ldlinux.c32" "$work/medium"
cp "$work"/kernel/boot/vmlinuz-* "$work/medium/linux"
(cd -- "$system" && find . | cpio --quiet -o -H newc -R 0:0 | gzip -1) > "$work/medium/system.gz"
# Bochs 2.7 tells a wrong size for the compacted form in which registers are saved, and Linux then does without AVX.
cat > "$work/medium/isolinux.cfg" << END
default lockstep
label lockstep
  kernel linux
  append initrd=system.gz console=ttyS0 quiet noxsaves clearcpuid=xsavec mitigations=off panic=1
END
xorriso -as mkisofs -quiet -o "$work/medium.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 \
  -boot-info-table "$work/medium" 2> "$work/xorriso.log"
rm -f -- "$work/serial.log"
cat > "$work/bochsrc" << END
config_interface: textconfig
display_library: term
memory: guest=1024, host=1024
romimage: file=$bios
vgaromimage: file=$vga
cpu: model=corei7_skylake_x, count=1, ips=100000000, ignore_bad_msrs=1
clock: sync=none
ata0-master: type=cdrom, path="$work/medium.iso", status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev="$work/serial.log"
log: "$work/bochs.log"
plugin_ctrl: speaker=0, parallel=0, gameport=0, usb_uhci=0
panic: action=fatal
error: action=ignore
END
# Its text screen wants a terminal; Debian's has a debugger, which is told to continue.
echo continue > "$work/debugger"
TERM=vt100 setsid script -qfc "exec bochs -q -f '$work/bochsrc' -rc '$work/debugger'" /dev/null > "$work/screen.log" 2>&1 < /dev/null &
machine=$!
stop() { kill -- "-$machine" 2> /dev/null || true; }
trap stop EXIT

# -- The checks ----------------------------------------------------------------------------------------------------------
# The output of check $1, without what a serial line adds.
output() { tr -d '\r' < "$work/serial.log" | sed -n "/^@@ begin $1\$/,/^@@ end $1 /p"; }
header() { grep -q "^trainer .*$1" <<< "$2" || { echo "         not by $1"; return 1; }; }
networks() {
  local network digest known=0
  while read -r network digest; do
    grep -Eq "^ *$network +$digest +right" <<< "$1" || { echo "         $network is not $digest"; return 1; }
    ((++known))
  done < <(sed -n 's/^| \([a-z]*\) | `\([0-9a-f]\{32\}\)` |$/\1 \2/p' "$root/src/README.md")
  ((known > 0)) || { echo "         src/README.md tells no digests"; return 1; }
}
holds() {
  local text
  text="$(output "$1")"
  # Unit tests tell by their status alone.
  case "$1" in
    version) grep -q '^SIMD  *x86-64-v4,' <<< "$text" ;;
    verify) header x86-64-v4 "$text" && networks "$text" ;;
    verify_v3) header x86-64-v3 "$text" && networks "$text" ;;
    digits) header x86-64-v4 "$text" && grep -q "^digest  *$digits" <<< "$text" ;;
  esac
}
waiting=(version verify verify_v3 digits "${tests[@]}")
failed=0
began=$SECONDS
last=$SECONDS
while ((${#waiting[@]} > 0)); do
  check="${waiting[0]}"
  status="$(tr -d '\r' 2> /dev/null < "$work/serial.log" | sed -n "s/^@@ end $check //p")" || true
  if [[ -n "$status" ]]; then
    verdict=passed
    if [[ "$status" != 0 ]] || ! holds "$check"; then
      verdict=FAILED
      failed=1
    fi
    printf '%s  %-32s %5d s\n' "$verdict" "$check" "$((SECONDS - last))"
    [[ "$verdict" == passed ]] || output "$check" | tail -n 30
    last=$SECONDS
    waiting=("${waiting[@]:1}")
  elif ! kill -0 "$machine" 2> /dev/null || ((SECONDS - began > minutes * 60)); then
    printf 'FAILED  %s: not run to its end (see %s)\n' "${waiting[*]}" "$work/serial.log"
    failed=1
    break
  else
    sleep 1
  fi
done
exit "$failed"
