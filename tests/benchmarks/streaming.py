#!/usr/bin/env python3
"""Trains on one HDF5 set in memory and streamed, in turn, and compares the speed.

usage: streaming.py TRAINER [REPEATS]      (default: 3) needs h5py and 400 MB in the temporary directory

Fails if the median of the streamed runs is below 80 % of that of the runs in memory.
"""
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

import h5py
import numpy as np

BAR = 0.8
SAMPLES, COLUMNS = 100_000, 784

CONFIG = """
[run]
epochs = 2
[data]
train = "set.h5"
holdout = 0
batch = 128
mean = [128.0]
std = [64.0]
[[layer]]
type = "linear"
out = 256
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 10
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.02
"""


def write_set(path, storage):
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, SAMPLES).astype("u1")
    centres = random.integers(0, 200, (10, COLUMNS))
    inputs = (centres[labels] + random.integers(0, 56, (SAMPLES, COLUMNS))).astype("u1")
    with h5py.File(path, "w") as file:
        if storage == "contiguous floats":
            file.create_dataset("x", data=inputs.astype("f4"))
        else:
            file.create_dataset("x", data=inputs, chunks=(100, COLUMNS), compression="gzip", compression_opts=1)
        file.create_dataset("y", data=labels)


def speed(trainer, folder, memory, run):
    """Samples per second of one run."""
    outcome = subprocess.run(
        ["mpirun", "-np", "2", trainer, "train", "config.toml", "--set", f"data.memory={memory}", "--run-dir", run],
        cwd=folder, capture_output=True, text=True, check=False)
    found = re.search(r"^speed +([0-9.]+)(k?) samples/s", outcome.stdout, re.MULTILINE)
    if outcome.returncode != 0 or not found:
        sys.exit(outcome.stdout + outcome.stderr)
    return float(found[1]) * (1000 if found[2] else 1)


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    trainer = str(pathlib.Path(sys.argv[1]).resolve())
    repeats = int(sys.argv[2]) if len(sys.argv) == 3 else 3
    slow = False
    for storage in ("contiguous floats", "deflated bytes"):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "config.toml").write_text(CONFIG, encoding="utf-8")
            write_set(folder / "set.h5", storage)
            speeds = {"0 B": [], "32 MiB": []}
            for i in range(repeats):
                for memory, found in speeds.items():
                    found.append(speed(trainer, folder, memory, f"run-{memory[0]}-{i}"))
        loaded, streamed = (statistics.median(s) for s in speeds.values())
        print(f"{storage}: in memory {loaded:,.0f} samples/s, streamed {streamed:,.0f}, {streamed / loaded:.0%}")
        slow = slow or streamed < BAR * loaded
    sys.exit(1 if slow else 0)


if __name__ == "__main__":
    main()
