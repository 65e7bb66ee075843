#!/usr/bin/env python3
"""Regression beside scikit-learn (Debian's python3-sklearn) on the same split. By hand: about five minutes.

usage: regression.py TRAINER

Four fifths of kin40k and of elevators, taken by a fixed permutation, train scripts/configs/NAME.toml and two
MLPRegressors: as scikit-learn sets it, and with two layers of 256 and early stopping. The rest is looked at once. Prints
the root of the mean squared error in the target's units. Exit code: 0 if ours is the least, else 1.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from sklearn.neural_network import MLPRegressor
from sklearn.preprocessing import StandardScaler

ROOT = pathlib.Path(__file__).resolve().parents[2]


def ours(trainer, name, folder, test):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def run(*command):
        subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)

    data = ["--set", f"data.train={folder / 'train.csv'}"]
    run(trainer, "train", f"scripts/configs/{name}.toml", *data, "--run-dir", folder / "run")
    best = folder / "run/checkpoints/best.h5"
    run(trainer, "predict", best, "--data", folder / "test.csv", "--out", folder / "predictions.csv")
    return np.loadtxt(folder / "predictions.csv", delimiter=",", skiprows=1)[:, -1] - test


def theirs(model, train, test):
    x, y = StandardScaler().fit(train[:, :-1]), StandardScaler().fit(train[:, -1:])
    model.fit(x.transform(train[:, :-1]), y.transform(train[:, -1:])[:, 0])
    return y.inverse_transform(model.predict(x.transform(test[:, :-1]))[:, None])[:, 0] - test[:, -1]


def main():
    trainer = str(pathlib.Path(sys.argv[1]).resolve())
    good = True
    print(f"{'data':10} {'model':34} {'rmse':>8} {'seconds':>8}")
    for name in ("kin40k", "elevators"):
        rows = np.loadtxt(ROOT / f"datasets/{name}/{name}.csv.gz", delimiter=",")
        rows = rows[np.random.default_rng(0).permutation(len(rows))]
        train, test = np.split(rows, [len(rows) * 4 // 5])
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            np.savetxt(folder / "train.csv", train, delimiter=",", fmt="%.9g")
            # The answers stay here: predict sees the inputs alone.
            np.savetxt(folder / "test.csv", test[:, :-1], delimiter=",", fmt="%.9g")
            models = {
                "lockstep": lambda: ours(trainer, name, folder, test[:, -1]),
                "MLPRegressor()": lambda: theirs(MLPRegressor(random_state=0), train, test),
                "MLPRegressor((256, 256), stopping)": lambda: theirs(
                    MLPRegressor((256, 256), early_stopping=True, max_iter=1000, random_state=0), train, test
                ),
            }
            errors = {}
            for model, fit in models.items():
                start = time.monotonic()
                errors[model] = float(np.sqrt(np.mean(fit() ** 2)))
                print(f"{name:10} {model:34} {errors[model]:8.4f} {time.monotonic() - start:8.1f}", flush=True)
            good = good and min(errors, key=errors.get) == "lockstep"
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
