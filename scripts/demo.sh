#!/usr/bin/env bash
# From nothing to a network that sees, writes, hears or drives: fetches the data, trains, judges it on data that it has
# never seen, and draws a picture. Stopped with Ctrl-C, the same command goes on where it was.
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"
cd -- "$root"
source scripts/packages.sh

usage() {
  cat << 'END'
usage: scripts/demo.sh NAME

  image     clothes, Fashion-MNIST, with a convolutional network             7 minutes on 2 cores
  cifar     animals and vehicles, CIFAR-10, with a residual network          15 minutes
  language  a transformer that learns to write like Shakespeare              11 minutes
  speech    spoken digits                                                    1.5 minutes
  driving   a network learns to steer from pictures, and drives 20 roads     1 minute

Environment: NP, the number of processes (default: 2). All files go to runs/demo-NAME.
END
}

if (($# != 1)) || [[ "$1" == --help || "$1" == -h ]]; then
  usage
  exit $(($# == 1 ? 0 : 64))
fi
name="$1"
run="runs/demo-$name"
best="$run/checkpoints/best.h5"
trainer=build/bin/trainer

install_packages "${demo_packages[@]}" || echo "Going on: Python may have what the pictures need."
[[ -x "$trainer" ]] || scripts/quickstart.sh
python=python3
"$python" -c 'import h5py, matplotlib' 2> /dev/null || python=/usr/bin/python3

launch=(mpirun -np "${NP:-2}" --oversubscribe)
# Open MPI refuses root without these two; whoever calls this script as root means it.
if ((EUID == 0)); then launch=(env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "${launch[@]}"); fi

train() {
  "${launch[@]}" "$trainer" train "scripts/configs/$1.toml" --run-dir "$run" --resume auto
}

# judge TEST [LABELS]   How good, and what it takes for what, on a test set.
judge() {
  "$trainer" eval "$best" --data "$1" ${2:+--labels "$2"} --confusion
}

# draw_images NAMES TEST [LABELS]
draw_images() {
  "$trainer" data convert "$2" ${3:+--labels "$3"} --out "$run/test.h5" --force
  "$trainer" predict "$best" --data "$run/test.h5" --out "$run/predictions.csv" --force
  "$python" scripts/draw.py images "$run/test.h5" "$run/predictions.csv" --names "$1" --out "$run/picture.png"
}

case "$name" in
  image)
    install_packages dataset-fashion-mnist
    train fashion-cnn
    test=(/usr/share/datasets/fashion-mnist/t10k-{images-idx3,labels-idx1}-ubyte.gz)
    judge "${test[@]}"
    draw_images T-shirt,trousers,pullover,dress,coat,sandal,shirt,sneaker,bag,boot "${test[@]}"
    ;;
  cifar)
    scripts/fetch_dataset.sh cifar10
    train cifar10-resnet
    judge datasets/cifar10/test_batch.bin
    draw_images plane,car,bird,cat,deer,dog,frog,horse,ship,truck datasets/cifar10/test_batch.bin
    ;;
  language)
    scripts/fetch_dataset.sh tinyshakespeare
    train shakespeare-gpt
    "$trainer" generate "$best" --prompt $'ROMEO:\n' --length 600 --temperature 0.8 --seed 1 | tee "$run/text.txt"
    "$python" scripts/draw.py text "$run" "$run/text.txt" --out "$run/picture.png"
    ;;
  speech)
    scripts/fetch_dataset.sh fsdd
    train speech-digits
    test='datasets/fsdd/recordings/*_[0-4].wav'
    judge "$test"
    "$trainer" predict "$best" --data "$test" --out "$run/predictions.csv" --force
    "$python" scripts/draw.py sounds "$test" "$run/predictions.csv" --out "$run/picture.png"
    ;;
  driving)
    [[ -f datasets/driving/steering.npy ]] || "$python" scripts/driving.py render
    train driving
    "$python" scripts/driving.py drive "$best" --picture "$run/picture.png"
    ;;
  *)
    usage >&2
    exit 64
    ;;
esac
