#!/usr/bin/env python3
"""Loads a checkpoint into the same network in PyTorch by one line, and compares the predictions.

Usage: tests/acceptance/load_in_pytorch.py [--trainer FILE]

Needs python3-torch and python3-h5py. Trains digits for some epochs, takes the probabilities from
`trainer predict` and expects those of PyTorch to be within 1e-5 on all 1,797 samples.
"""

import argparse
import csv
import gzip
import pathlib
import subprocess
import sys
import tempfile
from collections import OrderedDict

import h5py
import numpy as np
import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "scripts/configs/digits-mlp.toml"
DATA = ROOT / "datasets/digits.csv.gz"
TOLERANCE = 1e-5


def run(trainer, *arguments):
    subprocess.run([trainer, *map(str, arguments)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def read_digits():
    with gzip.open(DATA, "rt") as file:
        rows = [row for row in csv.reader(file) if row[0][0].isdigit()]
    table = np.array(rows, dtype=np.float32)
    return table[:, :-1], table[:, -1].astype(int)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainer", default=str(ROOT / "build/bin/trainer"))
    trainer = str(pathlib.Path(parser.parse_args().trainer).resolve())
    inputs, labels = read_digits()
    with tempfile.TemporaryDirectory(prefix="lockstep-torch-") as name:
        directory = pathlib.Path(name)
        run(trainer, "train", CONFIG, "--set", "run.epochs=5", "--run-dir", directory / "run")
        checkpoint = directory / "run/checkpoints/latest.h5"
        run(trainer, "predict", checkpoint, "--data", DATA, "--out", directory / "out.csv")
        expected = np.loadtxt(directory / "out.csv", delimiter=",", skiprows=1)[:, 1:]

        model = nn.Sequential(OrderedDict(fc1=nn.Linear(64, 128), relu=nn.ReLU(), fc2=nn.Linear(128, 10)))
        with h5py.File(checkpoint) as f:
            model.load_state_dict({k: torch.from_numpy(d[()]) for k, d in f["model"].items()})
            normalized = (inputs - f["data/input_mean"][()]) * f["data/input_inverse_std"][()]

    with torch.no_grad():
        found = torch.softmax(model(torch.from_numpy(normalized)), dim=1).numpy()
    difference = np.abs(found - expected).max()
    accuracy = (found.argmax(axis=1) == labels).mean()
    print(f"{len(labels)} samples: largest difference {difference:.2g}, accuracy {accuracy:.4f}")
    passed = difference <= TOLERANCE and accuracy > 0.9
    print("PASS" if passed else "FAIL")
    sys.exit(not passed)


if __name__ == "__main__":
    main()
