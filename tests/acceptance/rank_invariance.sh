#!/bin/bash
# The same bits on any number of ranks and threads, on the 60,000 images of Fashion-MNIST.
#
# Usage: tests/acceptance/rank_invariance.sh [--epochs N] [--trainer FILE] [--config FILE]
#
# Trains with np in {1,2,3,4,5,7,8} x threads in {1,2}, with SGD + momentum as the configuration says and
# with AdamW + clipping, and compares the final checkpoints byte by byte. 28 runs: with the default of
# one epoch about 10 minutes on 2 cores. The data: apt-get install dataset-fashion-mnist.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
epochs=1
trainer=$root/build/bin/trainer
config=$root/scripts/configs/fashion-mnist.toml

while [ $# -gt 0 ]; do
  case $1 in
    --epochs) epochs=$2 ;;
    --trainer) trainer=$(realpath "$2") ;;
    --config) config=$(realpath "$2") ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 64 ;;
  esac
  shift 2
done
for file in "$trainer" "$config"; do
  [ -e "$file" ] || { echo "missing: $file" >&2; exit 66; }
done

export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_WAIT_POLICY=passive
work=$(mktemp -d "${TMPDIR:-/tmp}/lockstep-ranks-XXXXXX")
trap 'rm -rf "$work"' EXIT

cp "$config" "$work/sgd.toml"
{
  awk '/^\[/ { dropped = /^\[optimizer\]/ } !dropped' "$config"
  printf '\n[optimizer]\ntype = "adamw"\nlr = 0.001\nweight_decay = 0.01\nclip_norm = 1.0\n'
} > "$work/adamw.toml"

different=0
printf '%-9s  %2s  %7s  %8s  %-32s  %s\n' optimizer np threads seconds digest checkpoint
for optimizer in sgd adamw; do
  reference=
  for ranks in 1 2 3 4 5 7 8; do
    for threads in 1 2; do
      run=$work/$optimizer-$ranks-$threads
      begin=$(date +%s.%N)
      # Paths in the configuration are relative to the root of the sources.
      (cd "$root" && mpirun -q -np $ranks --oversubscribe "$trainer" train "$work/$optimizer.toml" \
        --run-dir "$run" --threads $threads --set run.name=invariance --set run.epochs="$epochs") \
        > "$work/out.txt" 2>&1 || { cat "$work/out.txt"; echo FAIL; exit 1; }
      seconds=$(awk -v a="$begin" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f", b - a }')
      digest=$(awk '$1 == "digest" { print $2 }' "$work/out.txt")
      checkpoint=$run/checkpoints/latest.h5
      if [ -z "$reference" ]; then
        reference=$work/$optimizer.h5
        cp "$checkpoint" "$reference"
        verdict=reference
      elif cmp -s "$checkpoint" "$reference"; then
        verdict=equal
      else
        verdict=DIFFERENT
        different=$((different + 1))
      fi
      printf '%-9s  %2d  %7d  %8s  %-32s  %s\n' $optimizer $ranks $threads "$seconds" "$digest" $verdict
      rm -rf "$run"
    done
  done
done

if [ $different -eq 0 ]; then
  echo "PASS: 28 runs, one result for each optimizer"
else
  echo "FAIL: $different runs ended with other bits"
  exit 1
fi
