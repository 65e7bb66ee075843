#!/usr/bin/env python3
"""Renders roads, trains on them, asks `trainer predict --stream`, and drives.

Usage: driving_test.py TRAINER SOURCE_DIR
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

PICTURES = 600


def check(condition, message):
    if not condition:
        sys.exit(f"FAILED: {message}")


def main():
    trainer, source = sys.argv[1], pathlib.Path(sys.argv[2])
    script = [sys.executable, source / "scripts/driving.py"]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def run(*command, **options):
            return subprocess.run(command, cwd=folder, capture_output=True, timeout=250, **options)

        def done(*command):
            result = run(*command)
            check(result.returncode == 0, f"{command} ended with {result.returncode}: {result.stderr.decode()}")
            return result.stdout.decode()

        # Roads are pure functions of their seed.
        for name in ("datasets/driving", "again"):
            done(*script, "render", "--samples", str(PICTURES), "--out", name)
        for name in ("pictures.npy", "steering.npy"):
            first, second = ((folder / f / name).read_bytes() for f in ("datasets/driving", "again"))
            check(first == second, f"{name} differs from one rendering to the next")
        pictures = np.load(folder / "datasets/driving/pictures.npy")
        steering = np.load(folder / "datasets/driving/steering.npy")[:, 0]
        check(pictures.shape == (PICTURES, 40, 80, 3) and pictures.dtype == np.uint8, "shape of the pictures")
        # The road is lighter than the grass on the side to which it bends, so the answer shows in the pixels.
        side = pictures[:, 12:16].astype(float).std(axis=-1).mean(axis=1)
        bend = side[:, :40].mean(axis=1) - side[:, 40:].mean(axis=1)
        check(np.corrcoef(bend, steering)[0, 1] < -0.5, "steering has nothing to do with the pictures")

        config = source / "scripts/configs/driving.toml"
        done(trainer, "train", config, "--run-dir", "run", "--set", "run.epochs=6", "--set", "data.batch=25")
        checkpoint = "run/checkpoints/best.h5"

        # Answers one by one are those for the whole file.
        done(trainer, "predict", checkpoint, "--data", "datasets/driving/pictures.npy", "--out", "all.csv")
        few = pictures[:20].astype("<f4").tobytes()
        stream = [trainer, "predict", checkpoint, "--stream"]
        result = run(*stream, input=few)
        lines = (folder / "all.csv").read_text().splitlines()
        check(result.returncode == 0, result.stderr.decode())
        check(lines[0] == "sample,prediction", f"columns of predictions: {lines[0]}")
        answers = [line.split(",")[1] for line in lines]
        check(result.stdout.decode().splitlines() == answers[:21], "a stream gives other answers than a file")
        error = np.sqrt(np.mean((np.array(answers[1:], float) - steering) ** 2))
        check(error < 0.6 * steering.std(), f"after 6 epochs the error is {error:.1f} of {steering.std():.1f}")

        result = run(*stream, input=few[:-2])
        check(result.returncode == 65 and b"sample 19 has 38398 bytes, expected 38400" in result.stderr, result.stderr)
        check(len(result.stdout.splitlines()) == 20, "the complete samples were not answered")
        result = run(*stream, input=b"\0\0\xc0\x7f" + few[4:])
        check(result.returncode == 65 and b"sample 0 has nan as number 0" in result.stderr, result.stderr)
        result = run(*stream, "--data", "x.npy", "--out", "y.csv")
        check(result.returncode == 64, "--stream beside --data")
        result = run("mpirun", "-np", "2", "--oversubscribe", *stream, input=few)
        check(result.returncode == 64 and result.stderr.count(b"--stream answers on one rank") == 1, result.stderr)

        # Whether so short a training keeps the lane is no matter here.
        drive = [*script, "drive", checkpoint, "--trainer", trainer, "--roads", "2", "--length", "60"]
        result = run(*drive)
        check(result.returncode in (0, 1) and b"2 unseen roads, 0 km" in result.stdout, result.stderr)
        check(run(*drive).stdout == result.stdout, "a test drive is not repeatable")
    print("driving: rendered, trained, streamed and driven")


if __name__ == "__main__":
    main()
