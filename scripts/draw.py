#!/usr/bin/env python3
"""Pictures of what a trained network does; scripts/demo.sh calls it.

    scripts/draw.py images DATA.h5 PREDICTIONS.csv --out FILE     images with what they were taken for
    scripts/draw.py sounds RECORDINGS PREDICTIONS.csv --out FILE  the same for WAV files, as spectrograms
    scripts/draw.py text RUN TEXT --out FILE                      the course of a run, and what it writes

DATA.h5 comes from `trainer data convert`, PREDICTIONS.csv from `trainer predict` on the same data; RECORDINGS is a
pattern, the digit or word first in each name; RUN is the directory of a run.
"""

import argparse
import csv
import glob
import json
import pathlib
import textwrap
import wave

import numpy as np

WORDS = "zero one two three four five six seven eight nine".split()


def read_predictions(file):
    """Label and its probability for each sample."""
    with open(file, newline="") as rows:
        table = [(int(row["label"]), float(row["p" + row["label"]])) for row in csv.DictReader(rows)]
    return np.array([label for label, _ in table]), np.array([p for _, p in table])


def chosen(truth, guess, probability, count, wrong):
    """The first samples, and those about which the network was most sure and wrong."""
    mistakes = np.flatnonzero(truth != guess)
    mistakes = mistakes[np.argsort(-probability[mistakes], kind="stable")][:wrong]
    return np.concatenate([np.setdiff1d(np.arange(count), mistakes)[: count - len(mistakes)], mistakes])


def grid(figure_size, rows, columns):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    # Between rows there is room for a title of two lines.
    figure, axes = pyplot.subplots(rows, columns, figsize=figure_size, gridspec_kw={"hspace": 0.35})
    for one in axes.flat:
        one.set_xticks([])
        one.set_yticks([])
    return figure, axes


def entitle(axes, names, truth, guess, probability):
    right = truth == guess
    text = f"{names[guess]} {100 * probability:.0f} %" + ("" if right else f"\nis {names[truth]}")
    axes.set_title(text, fontsize=7, color="black" if right else "tab:red")


def save(figure, file):
    figure.savefig(file, dpi=100, bbox_inches="tight")
    print(f"picture: {file}")


def draw_images(arguments):
    import h5py

    with h5py.File(arguments.data) as data:
        pictures, truth = data["x"][()], data["y"][()].reshape(-1)
        names = [n.decode() for n in data["y_names"][()]] if "y_names" in data else None
    names = arguments.names.split(",") if arguments.names else names or [str(n) for n in range(truth.max() + 1)]
    guess, probability = read_predictions(arguments.predictions)
    figure, axes = grid((11, 6), 4, 10)
    for one, i in zip(axes.flat, chosen(truth, guess, probability, 40, 10)):
        picture = np.squeeze(pictures[i])
        one.imshow(picture.astype(np.uint8), cmap="gray_r" if picture.ndim == 2 else None)
        entitle(one, names, truth[i], guess[i], probability[i])
    save(figure, arguments.out)


def draw_sounds(arguments):
    files = sorted(glob.glob(arguments.data))
    truth = np.array([int(pathlib.Path(f).name.split("_")[0]) for f in files])
    guess, probability = read_predictions(arguments.predictions)
    # Files come in the order of their names, that is of the digits: a few of each.
    order = np.argsort(np.arange(len(files)) % (len(files) // 10), kind="stable")
    files, truth, guess, probability = np.array(files)[order], truth[order], guess[order], probability[order]
    figure, axes = grid((11, 5.2), 3, 10)
    for one, i in zip(axes.flat, chosen(truth, guess, probability, 30, 5)):
        with wave.open(files[i]) as recording:
            rate = recording.getframerate()
            sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2") / 32768
        sound = np.pad(sound, (0, max(0, int(0.6 * rate) - len(sound))))[: int(0.6 * rate)]
        # A hiss, so that silence has a logarithm.
        sound = sound + 1e-5 * np.random.default_rng(0).normal(size=sound.size)
        one.specgram(sound, NFFT=256, Fs=rate, noverlap=192, vmin=-110, vmax=-45)
        entitle(one, WORDS, truth[i], guess[i], probability[i])
    save(figure, arguments.out)


def draw_text(arguments):
    with open(pathlib.Path(arguments.data) / "metrics.jsonl") as lines:
        records = [json.loads(line) for line in lines]
    steps = [(r["epoch"], r["loss"]) for r in records if r["t"] == "step"]
    epochs = [(r["epoch"], r["val_loss"]) for r in records if r["t"] == "epoch" and "val_loss" in r]
    figure, (left, right) = grid((11, 3.8), 1, 2)
    left.plot(*zip(*steps), color="0.75", linewidth=0.7, label="training batches")
    left.plot(*zip(*epochs), "o-", color="tab:blue", markersize=3, label="held-out text")
    left.set_xlabel("epoch")
    left.set_ylabel("loss per symbol (nats)")
    left.set_xticks(range(0, int(epochs[-1][0]) + 1, 5))
    left.set_yticks(np.arange(1, np.ceil(steps[0][1]) + 0.1, 0.5))
    left.legend(frameon=False)
    text = pathlib.Path(arguments.predictions).read_text(errors="replace")
    lines = [piece for line in text.splitlines() for piece in (textwrap.wrap(line, 60) or [""])][:20]
    right.text(0, 1, "\n".join(lines), family="monospace", fontsize=7.5, va="top")
    right.axis("off")
    save(figure, arguments.out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, metavar="KIND")
    for kind, run, data, predictions in (
        ("images", draw_images, "DATA.h5", "PREDICTIONS.csv"),
        ("sounds", draw_sounds, "RECORDINGS", "PREDICTIONS.csv"),
        ("text", draw_text, "RUN", "TEXT"),
    ):
        command = commands.add_parser(kind)
        command.add_argument("data", metavar=data)
        command.add_argument("predictions", metavar=predictions)
        command.add_argument("--out", required=True, help="PNG or SVG file to write")
        command.set_defaults(run=run)
        if kind == "images":
            command.add_argument("--names", help="names of the classes, with commas between them")
    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
