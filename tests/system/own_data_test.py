#!/usr/bin/env python3
"""Runs what README.md and datasets/README.md say of the reader's own data, line by line.  usage: own_data_test.py TRAINER ROOT"""
import csv
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import zlib

import h5py
import numpy as np

TRAINER, ROOT = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
HEADING = "\n## Your own data in five minutes\n"
PAGES = {"README.md": 2, "datasets/README.md": 4}  # blocks to run in the section of each
random = np.random.default_rng(1)


def blocks_of(page, count):
    text = (ROOT / page).read_text()
    start = text.index(HEADING) + len(HEADING)
    blocks = re.findall(r"^```(toml|sh)\n(.*?)^```$", text[start:text.index("\n## ", start)], re.M | re.S)
    expect(len(blocks) == count, f"{page}: {count} configurations and lists of commands, found {len(blocks)}")
    return blocks


def write_table(path, rows, with_species):
    species = ["setosa", "versicolor", "virginica"]
    with path.open("w") as file:
        file.write("sepal_cm,petal_cm" + (",species\n" if with_species else "\n"))
        for i in range(rows):
            kind = i % 3
            sepal, petal = random.normal((5, 6, 6.6)[kind], 0.2), random.normal((1.5, 4.2, 5.6)[kind], 0.2)
            file.write(f"{sepal:.1f},{petal:.1f}" + (f",{species[kind]}\n" if with_species else "\n"))


def write_png(path, pixels):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    height, width = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def write_photos(folder):
    for name in ("cat", "dog"):
        (folder / name).mkdir(parents=True)
        for i in range(40):
            pixels = random.integers(0, 60, (12, 12)).astype(np.uint8)
            at = random.integers(1, 8)
            if name == "cat":
                pixels[at:at + 2, :] += 180  # lines that lie
            else:
                pixels[:, at:at + 2] += 180  # lines that stand
            write_png(folder / name / f"{i}.png", pixels)


def write_weather(path):
    temperature = random.normal(15, 4, (200, 12, 12, 1)).astype(np.float32)
    with h5py.File(path, "w") as file:
        file["temperature"] = temperature
        file["rain"] = 3 * temperature[:, :6].mean(axis=(1, 2, 3)) - temperature[:, 6:].mean(axis=(1, 2, 3))


def rows_of(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def expect(condition, what):
    if not condition:
        sys.exit(f"FAIL: {what}")


def main():
    with tempfile.TemporaryDirectory(prefix="own data ") as name:
        place = pathlib.Path(name)
        write_table(place / "flowers.csv", 150, True)
        write_table(place / "new.csv", 30, False)
        write_photos(place / "photos")
        write_weather(place / "weather.h5")
        environment = dict(os.environ, PATH=f"{TRAINER.parent}:{os.environ['PATH']}", OMP_NUM_THREADS="1")
        for kind, text in [block for page, count in PAGES.items() for block in blocks_of(page, count)]:
            if kind == "toml":
                (place / re.match(r"# (\S+)", text)[1]).write_text(text)
                continue
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=place, env=environment,
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            print(done.stdout)
            expect(done.returncode == 0, f"exit code {done.returncode} of\n{text}\n{done.stderr}")

        new = rows_of(place / "new-species.csv")
        right = sum(row["prediction"] == ["setosa", "versicolor", "virginica"][i % 3] for i, row in enumerate(new))
        expect(len(new) == 30 and right >= 28, f"{right} of 30 flowers are named rightly: {new[:2]}")
        photos = rows_of(place / "photos.csv")
        right = sum(row["file"].split("/")[-2] == row["prediction"] == row["truth"] for row in photos)
        expect(len(photos) == 16 and right >= 14, f"{right} of 16 pictures are named rightly: {photos[:2]}")
        expect(len(rows_of(place / "rain.csv")) == 200, "a prediction of rain for each sample")
    print("PASS")


main()
