#!/usr/bin/env python3
"""What the example configurations must reach, and how long they may take, on two cores. By hand: half an hour in all.

usage: examples.py TRAINER [NAME...]

Trains each configuration of scripts/configs whose data is there, on two ranks with one thread each, and prints figure, bar,
minutes and limit. Exit code: 0 if all that ran hold, else 1.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]

# configuration: figure of the validation data after the last epoch, least or greatest value, minutes
BARS = {"fashion-mnist": ("acc", ">=", 0.90, 1), "fashion-cnn": ("acc", ">=", 0.93, 10), "mnist-cnn": ("acc", ">=", 0.99, 2),
        "cifar10-resnet": ("acc", ">=", 0.90, 30), "speech-digits": ("acc", ">=", 0.98, 5), "driving": ("r2", ">=", 0.99, 2),
        "shakespeare-gpt": ("loss", "<=", 1.60, 15), "kin40k": ("r2", ">=", 0.99, 2), "elevators": ("r2", ">=", 0.86, 2)}


def data_is_there(config):
    # Files or a pattern of them: their folder tells.
    return (ROOT / config["data"]["train"]).parent.is_dir()


def train(trainer, name, folder):
    start = time.monotonic()
    run = folder / name
    command = ["mpirun", "-np", "2", trainer, "train", f"scripts/configs/{name}.toml", "--run-dir", str(run)]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["t"] == "eval"][-1], (time.monotonic() - start) / 60


def main():
    trainer = str(pathlib.Path(sys.argv[1]).resolve())
    good = True
    with tempfile.TemporaryDirectory(prefix="examples-") as folder:
        for name in sys.argv[2:] or BARS:
            figure, sign, bar, limit = BARS[name]
            if not data_is_there(tomllib.loads((ROOT / f"scripts/configs/{name}.toml").read_text())):
                print(f"{name:16} its data is not here, see the head of the configuration", flush=True)
                continue
            line, minutes = train(trainer, name, pathlib.Path(folder))
            value = line[figure]
            holds = (value >= bar if sign == ">=" else value <= bar) and minutes <= limit
            good &= holds
            print(f"{name:16} {figure} {value:.4f} ({sign} {bar}), {minutes:.1f} minutes (<= {limit}): "
                  f"{'holds' if holds else 'FALLS SHORT'}", flush=True)
    return 0 if good else 1


sys.exit(main())
