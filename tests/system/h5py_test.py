#!/usr/bin/env python3
"""Reads a checkpoint with h5py and computes with NumPy what `trainer predict` prints; reads and writes safetensors
with NumPy, and finds the same numbers and predictions.

Usage: h5py_test.py TRAINER SOURCE_DIR

Whoever has a checkpoint and no Lockstep can use it: names, shapes and the meaning of the numbers are all
in the file.
"""

import csv
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

# `predict` prints 6 significant digits of a probability; sums of floats in another order differ by less.
TOLERANCE = 1e-5

DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}  # of safetensors, and how NumPy calls them

CONFIG = """
[run]
seed = 42
epochs = 3
[data]
train = "{data}"
holdout = 0.2
batch = 64
normalize = "standard"
[[layer]]
name = "fc1"
type = "linear"
out = 48
[[layer]]
name = "act1"
type = "tanh"
[[layer]]
name = "fc2"
type = "linear"
out = 32
bias = false
[[layer]]
name = "act2"
type = "relu"
[[layer]]
name = "fc3"
type = "linear"
out = 10
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.003
"""


def check(condition, message):
    if not condition:
        sys.exit(f"FAIL: {message}")


def trained_checkpoint(trainer, directory, data):
    config = directory / "digits.toml"
    config.write_text(CONFIG.format(data=data))
    subprocess.run([trainer, "train", str(config), "--run-dir", str(directory / "run")],
                   check=True, stdout=subprocess.DEVNULL)
    return directory / "run" / "checkpoints" / "latest.h5"


def predictions_of(trainer, checkpoint, data, directory):
    """The labels and the probabilities that `trainer predict` writes."""
    out = directory / "predictions.csv"
    subprocess.run([trainer, "predict", str(checkpoint), "--data", data, "--out", str(out), "--force"], check=True)
    with out.open() as file:
        rows = list(csv.reader(file))
    check(rows[0] == ["sample", "truth", "prediction"] + [f"p{c}" for c in range(10)], f"header of predictions: {rows[0]}")
    table = np.array(rows[1:], dtype=np.float64)
    return table[:, 2].astype(int), table[:, 3:]


def probabilities_by_numpy(file, inputs):
    """The network of CONFIG with the weights of the file, in PyTorch's layout: weight is (out, in)."""
    model, data = file["model"], file["data"]
    x = (inputs - data["input_mean"][()]) * data["input_inverse_std"][()]
    x = np.tanh(x @ model["fc1.weight"][()].T + model["fc1.bias"][()])
    x = np.maximum(x @ model["fc2.weight"][()].T, 0)
    logits = x @ model["fc3.weight"][()].T + model["fc3.bias"][()]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def read_safetensors(path):
    """The arrays of a safetensors file, by the description of the format."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    check(length % 8 == 0, f"the header of {path} has {length} bytes, no multiple of 8")
    header = json.loads(content[8:8 + length])
    header.pop("__metadata__")
    data = content[8 + length:]
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])], DTYPES[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items()}


def write_safetensors(path, arrays):
    """Types are those of the arrays."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header, data = {}, b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        header[name] = {"dtype": names[array.dtype.str], "shape": array.shape, "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)


def check_exchange(trainer, checkpoint, data, directory):
    """Weights go out as they are, and come in from every type of numbers."""
    exported = directory / "net.safetensors"
    subprocess.run([trainer, "export", str(checkpoint), "--out", str(exported)], check=True, stdout=subprocess.DEVNULL)
    found = read_safetensors(exported)
    with h5py.File(checkpoint, "r") as file:
        expected = {name: dataset[()] for name, dataset in file["model"].items()}
    check(found.keys() == expected.keys(), f"names: {sorted(found)}")
    check(all(np.array_equal(found[name], expected[name]) for name in found), "exported numbers differ")

    halves = {name: array.astype("<f2") for name, array in found.items()}
    predictions = []
    for dtype in ("<f2", "<f4", "<f8"):
        write_safetensors(exported, {name: array.astype(dtype) for name, array in halves.items()})
        imported = directory / f"imported{dtype[1:]}.h5"
        subprocess.run([trainer, "import", str(exported), "--config", str(directory / "digits.toml"),
                        "--out", str(imported)], check=True, stdout=subprocess.DEVNULL)
        predictions.append(predictions_of(trainer, imported, data, directory))
    check(all(np.array_equal(p[1], predictions[0][1]) for p in predictions), "types give other predictions")
    with h5py.File(directory / "importedf2.h5", "r") as file:
        check(all(np.array_equal(file["model"][name][()], halves[name].astype("<f4")) for name in halves),
              "imported numbers differ")


def main():
    trainer = sys.argv[1]
    data = str(pathlib.Path(sys.argv[2]) / "datasets" / "digits.csv.gz")
    with gzip.open(data, "rt") as file:
        first = file.readline()
    table = np.loadtxt(data, delimiter=",", skiprows=0 if first[0].isdigit() else 1, dtype=np.float64)
    inputs, labels = table[:, :-1], table[:, -1].astype(int)

    with tempfile.TemporaryDirectory(prefix="lockstep-h5py-") as name:
        directory = pathlib.Path(name)
        checkpoint = trained_checkpoint(trainer, directory, data)
        predicted, expected = predictions_of(trainer, checkpoint, data, directory)
        with h5py.File(checkpoint, "r") as file:
            check(file.attrs["format"] in ("lockstep-checkpoint", b"lockstep-checkpoint"), "format")
            check(sorted(file["model"]) == ["fc1.bias", "fc1.weight", "fc2.weight", "fc3.bias", "fc3.weight"],
                  f"names in /model: {sorted(file['model'])}")
            check(file["model/fc1.weight"].shape == (48, 64), "fc1.weight is (out, in)")
            check(file["model/fc1.weight"].dtype == np.dtype("<f4"), "little-endian float32")
            found = probabilities_by_numpy(file, inputs)
        check_exchange(trainer, checkpoint, data, directory)

    check(expected.shape == (len(table), 10), f"one row for each sample, found {expected.shape}")
    difference = np.abs(found - expected).max()
    accuracy = (predicted == labels).mean()
    print(f"{len(table)} samples: largest difference {difference:.2g}, accuracy {accuracy:.4f}")
    check(difference <= TOLERANCE, f"probabilities differ by {difference}")
    check((found.argmax(axis=1) == predicted).all(), "labels differ")
    check(accuracy > 0.9, "it has not learned")


if __name__ == "__main__":
    main()
