#!/usr/bin/env python3
"""Loads checkpoints into the same networks in PyTorch by one line, and compares the predictions.

Usage: tests/acceptance/load_in_pytorch.py [--trainer FILE] [FAMILY ...]

Needs python3-torch and python3-h5py. Trains a network of each family for some epochs, takes the probabilities from
`trainer predict` and expects those of PyTorch to be within 1e-4 at every position of every sample. Then the weights
come back through `trainer import`, as HDF5 and as safetensors, and give the same predictions.
"""

import argparse
import csv
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np
import torch
from torch import nn

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/nn/reference"))
from pytorch_layers import CausalLayer, Embedding, Mean, Outputs, Residual, layers, named  # noqa: E402

DIGITS = ROOT / "datasets/digits.csv.gz"
TEXT = ROOT / "README.md"
CONTEXT = 32
TOLERANCE = 1e-4

HEAD = """
[run]
name = "torch"
epochs = 3
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 3e-3
[data]
batch = 64
"""


# Digits: shape of a sample here, and how PyTorch takes (samples, height, width, channels).
SHAPES = {"vectors": ((1, 1, 64), lambda x: x[:, 0, 0]),
          "colours": ((4, 4, 4), lambda x: x.permute(0, 3, 1, 2)),
          "images": ((8, 8, 1), lambda x: x.permute(0, 3, 1, 2)),
          "channels": ((8, 1, 8), lambda x: x[:, :, 0].permute(0, 2, 1)),
          "sequences": ((8, 1, 8), lambda x: x[:, :, 0])}

class Branches(nn.Module):
    """Two convolutions side by side, flattened, and a residual block on what that gives."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 3, 3, padding=1), nn.Conv2d(4, 5, 3, padding=1)
        self.down, self.up = nn.Linear(128, 16), nn.Linear(16, 128)
        self.norm, self.head = nn.BatchNorm1d(128), nn.Linear(128, 10)

    def forward(self, x):
        line = torch.cat((self.a(x), self.b(x)), 1).flatten(1)
        return self.head(line + self.norm(self.up(torch.relu(self.down(line)))))


# name: kind of the data, layers, PyTorch's
FAMILIES = {
    "mlp": ("vectors",
            layers("fc1 linear out=128", "act relu", "fc2 linear out=10"),
            lambda: named(fc1=nn.Linear(64, 128), act=nn.ReLU(), fc2=nn.Linear(128, 10))),
    "convnet": ("images",
                layers("stem conv2d out=8 kernel=3", "norm batch_norm", "act relu",
                       "body residual_block out=16 repeat=2 stride=2", "pool global_avg_pool", "head linear out=10"),
                lambda: named(stem=nn.Conv2d(1, 8, 3, padding=1), norm=nn.BatchNorm2d(8), act=nn.ReLU(),
                              body=nn.Sequential(Residual(8, 16, 2), Residual(16, 16, 1)), pool=Mean(),
                              head=nn.Linear(16, 10))),
    "conv1d": ("channels",
               layers("conv conv1d out=24 kernel=3 pad=1 groups=2", "norm batch_norm", "act silu",
                      "pool max_pool1d kernel=2", "again conv1d out=16 kernel=3 dilation=2 pad=2", "mean global_avg_pool",
                      "head linear out=10"),
               lambda: named(conv=nn.Conv1d(8, 24, 3, padding=1, groups=2), norm=nn.BatchNorm1d(24), act=nn.SiLU(),
                             pool=nn.MaxPool1d(2), again=nn.Conv1d(24, 16, 3, dilation=2, padding=2), mean=Mean(),
                             head=nn.Linear(16, 10))),
    "flattened": ("images",
                  layers("conv conv2d out=6 kernel=3", "act relu", "pool max_pool2d kernel=2", "flat flatten",
                         "norm batch_norm", "drop dropout rate=0.2", "fc1 linear out=24", "act2 relu",
                         "fc2 linear out=10"),
                  lambda: named(conv=nn.Conv2d(1, 6, 3, padding=1), act=nn.ReLU(), pool=nn.MaxPool2d(2),
                                flat=nn.Flatten(), norm=nn.BatchNorm1d(96), drop=nn.Dropout(0.2),
                                fc1=nn.Linear(96, 24), act2=nn.ReLU(), fc2=nn.Linear(24, 10))),
    "flattened1d": ("channels",
                    layers("conv conv1d out=6 kernel=3", "act relu", "flat flatten", "norm layer_norm",
                           "fc linear out=10"),
                    lambda: named(conv=nn.Conv1d(8, 6, 3, padding=1), act=nn.ReLU(), flat=nn.Flatten(),
                                  norm=nn.LayerNorm(48), fc=nn.Linear(48, 10))),
    "flattened_input": ("colours",
                        layers("flat flatten", "fc1 linear out=32", "act relu", "fc2 linear out=10"),
                        lambda: named(flat=nn.Flatten(), fc1=nn.Linear(64, 32), act=nn.ReLU(), fc2=nn.Linear(32, 10))),
    "flattened_sequences": ("sequences",
                            layers("mix lstm units=12", "flat flatten", "fc linear out=10"),
                            lambda: named(mix=nn.LSTM(8, 12, batch_first=True), mix_out=Outputs(False),
                                          flat=nn.Flatten(), fc=nn.Linear(96, 10))),
    "branches": ("colours",
                 layers("a conv2d out=3 kernel=3", "b conv2d out=5 kernel=3").replace(
                     'name = "b"\n', 'name = "b"\nfrom = ["input"]\n')
                 + '[[layer]]\nname = "both"\ntype = "concat"\nfrom = ["a", "b"]\n'
                 + layers("line flatten", "down linear out=16", "act relu", "up linear out=128", "norm batch_norm")
                 + '[[layer]]\nname = "all"\ntype = "sum"\nfrom = ["line", "norm"]\n' + layers("head linear out=10"),
                 lambda: Branches()),
    "transformer": ("text",
                    layers('embed embedding symbols="vocab" dim=32 positions="learned" deviation=0.1',
                           "blocks transformer_block heads=4 ffn=48 causal=true dropout=0.1 repeat=2",
                           "norm layer_norm", 'head linear out="vocab"'),
                    lambda symbols: named(embed=Embedding(symbols, 32, CONTEXT, True),
                                          blocks=nn.Sequential(*(CausalLayer(32, 4, 48) for _ in range(2))),
                                          norm=nn.LayerNorm(32), head=nn.Linear(32, symbols))),
    "lstm": ("sequences",
             layers("mix lstm units=24", "again lstm units=16 last=true", "head linear out=10"),
             lambda: named(mix=nn.LSTM(8, 24, batch_first=True), mix_out=Outputs(False),
                           again=nn.LSTM(24, 16, batch_first=True), again_out=Outputs(True), head=nn.Linear(16, 10))),
    "gru": ("text",
            layers('embed embedding symbols="vocab" dim=16', "mix gru units=32", 'head linear out="vocab"'),
            lambda symbols: named(embed=nn.Embedding(symbols, 16), mix=nn.GRU(16, 32, batch_first=True),
                                  mix_out=Outputs(False), head=nn.Linear(32, symbols))),
}


def read_digits():
    with gzip.open(DIGITS, "rt") as file:
        rows = [row for row in csv.reader(file) if row[0][0].isdigit()]
    table = np.array(rows, dtype=np.float32)
    return table[:, :-1], table[:, -1].astype(np.int32)


def write_text(directory):
    """Returns the keys of [data], the file to predict, and its windows as PyTorch takes them, and what its network needs to know."""
    text = TEXT.read_bytes().decode()
    alphabet = {c: i for i, c in enumerate(sorted(set(text)))}
    symbols = torch.tensor([alphabet[c] for c in text])
    count = (len(symbols) - CONTEXT) // CONTEXT
    windows = symbols[:count * CONTEXT].view(count, CONTEXT)
    return f'type = "text"\ntrain = "{TEXT}"\ncontext = {CONTEXT}\n', TEXT, windows, (len(alphabet),)


def write_digits(kind, directory):
    """The same for digits in one of the shapes of SHAPES."""
    digits, labels = read_digits()
    shape, as_torch = SHAPES[kind]
    samples = digits.reshape(-1, *shape)
    np.save(directory / "x.npy", samples)
    np.save(directory / "y.npy", labels)
    keys = f'train = "{directory}/x.npy"\ntrain_labels = "{directory}/y.npy"\n'
    keys += f'normalize = "{"standard" if kind == "vectors" else "none"}"\n'
    return keys, directory / "x.npy", as_torch(torch.from_numpy(samples)), ()


def write_state(path, state):
    """A state_dict as HDF5, or as safetensors by the description of the format."""
    arrays = {name: tensor.numpy() for name, tensor in state.items()}
    if path.endswith(".h5"):
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file.create_dataset(name, data=array)
        return
    header, data = {}, b""
    for name, array in arrays.items():
        end = len(data) + array.nbytes
        kind = {"float32": "F32", "int64": "I64"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [len(data), end]}
        data += array.tobytes()
    text = json.dumps(header).encode()
    pathlib.Path(path).write_bytes(len(text).to_bytes(8, "little") + text + data)


def compare(trainer, family, directory):
    """The largest difference between the probabilities of both, and their number of rows."""
    kind, described, make = FAMILIES[family]
    keys, data, inputs, sizes = write_text(directory) if kind == "text" else write_digits(kind, directory)
    (directory / "config.toml").write_text(HEAD + keys + described)
    checkpoint = directory / "run/checkpoints/latest.h5"

    def run(*arguments):
        subprocess.run([trainer, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)

    run("train", directory / "config.toml", "--run-dir", directory / "run")
    run("predict", checkpoint, "--data", data, "--out", directory / "out.csv")
    expected = np.loadtxt(directory / "out.csv", delimiter=",", skiprows=1)

    model = make(*sizes).eval()
    with h5py.File(checkpoint) as f:
        model.load_state_dict({k: torch.from_numpy(d[()]) for k, d in f["model"].items()})
        if kind == "vectors":
            inputs = (inputs - f["data/input_mean"][()]) * f["data/input_inverse_std"][()]
    for back in (f"{directory}/back.h5", f"{directory}/back.safetensors"):  # and so it comes back
        write_state(back, model.state_dict())
        run("import", back, "--config", directory / "config.toml", "--out", directory / "back.ckpt.h5", "--force")
        run("predict", directory / "back.ckpt.h5", "--data", data, "--out", directory / "back.csv", "--force")
        assert (directory / "back.csv").read_text() == (directory / "out.csv").read_text(), f"{back}: others"
    with torch.no_grad():
        logits = model(inputs)
    found = torch.softmax(logits, dim=-1).flatten(0, -2).numpy()
    classes = found.shape[1]
    assert len(found) == len(expected), "another number of rows"
    return np.abs(found - expected[:, -classes:]).max(), len(found)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainer", default=str(ROOT / "build/bin/trainer"))
    parser.add_argument("families", metavar="FAMILY", nargs="*", default=list(FAMILIES), help=", ".join(FAMILIES))
    arguments = parser.parse_args()
    trainer = str(pathlib.Path(arguments.trainer).resolve())
    passed = True
    for family in arguments.families:
        with tempfile.TemporaryDirectory(prefix="lockstep-torch-") as name:
            difference, rows = compare(trainer, family, pathlib.Path(name))
        passed = passed and difference <= TOLERANCE
        print(f"{family:12} {rows:6} rows: largest difference {difference:.2g}")
    print("PASS" if passed else "FAIL")
    sys.exit(not passed)


if __name__ == "__main__":
    main()
