#!/usr/bin/env bash
# Formats src, include and tests in place; with --check it changes nothing and fails if something would change.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

# One version, for each formats a little differently.
formatter="$(command -v clang-format-14)" || {
  echo "format: clang-format-14 is missing (Debian package clang-format-14)" >&2
  exit 1
}
case "${1:-}" in
  "") action=(-i) ;;
  --check) action=(--dry-run -Werror) ;;
  *)
    echo "usage: scripts/format.sh [--check]" >&2
    exit 64
    ;;
esac
find src include tests \( -name '*.cpp' -o -name '*.hpp' \) -print0 |
  xargs -0 "$formatter" --style=file "${action[@]}"
