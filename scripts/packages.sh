# Debian packages of Lockstep. Sourced by the other scripts; does nothing when run.

# To build and to run.
build_packages=(
  cmake ninja-build g++ git
  libopenmpi-dev openmpi-bin  # MPI and mpirun
  libhdf5-dev                 # checkpoints
  libeigen3-dev               # matrix products
  libdnnl-dev                 # optional: to measure matrix products beside (oneDNN)
  libtomlplusplus-dev         # configuration files
  libcli11-dev                # command line
  libfmt-dev                  # text
  nlohmann-json3-dev          # metrics and manifests
  libxxhash-dev               # digests
  zlib1g-dev                  # gzip files
  libpng-dev                  # optional: images as PNG
)

# To test, besides.
test_packages=(
  libgtest-dev libgmock-dev python3 python3-numpy python3-h5py
  clang  # known answers of another compiler
)

# For scripts/check.sh, besides.
check_packages=(clang-format-14 libomp-dev)

# To draw the pictures of scripts/demo.sh, besides.
demo_packages=(python3 python3-numpy python3-h5py python3-matplotlib)

# install_packages PACKAGE...   Installs what is missing, as root or through sudo. Fails with a message when it
# cannot; the caller decides whether to go on, for the libraries may be there from elsewhere.
install_packages() {
  if ! command -v apt-get > /dev/null; then
    echo "This system has no apt-get. Lockstep needs what Debian calls:"
    printf '  %s\n' "$*"
    return 1
  fi
  local package missing=()
  for package in "$@"; do
    [[ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2> /dev/null)" == installed ]] ||
      missing+=("$package")
  done
  ((${#missing[@]})) || return 0

  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo > /dev/null; then
      echo "Missing packages, and neither root nor sudo to install them. As root, run:"
      printf '  apt-get install %s\n' "${missing[*]}"
      return 1
    fi
    as_root=(sudo)
  fi
  echo "installing ${missing[*]}"
  local log
  log="$(mktemp "${TMPDIR:-/tmp}/lockstep-packages-XXXXXX")"
  if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update > "$log" 2>&1 &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y --no-install-recommends "${missing[@]}" >> "$log" 2>&1; then
    rm -f "$log"
    return 0
  fi
  tail -n 20 "$log" >&2
  echo "The packages could not be installed (full log: $log)."
  return 1
}
