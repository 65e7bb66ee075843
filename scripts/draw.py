#!/usr/bin/env python3
"""Pictures of what a trained network does; scripts/demo.sh calls it.

    scripts/draw.py images DATA.h5 PREDICTIONS.csv --out FILE     images with what they were taken for
    scripts/draw.py sounds RECORDINGS PREDICTIONS.csv --out FILE  the same for WAV files, as spectrograms
    scripts/draw.py text RUN TEXT --out FILE                      the course of a run, and what it writes

DATA.h5 comes from `trainer data convert`, PREDICTIONS.csv from `trainer predict` on the same data, all of it or held out,
in any order; RECORDINGS is the pattern of that data; RUN is the directory of a run.
"""

import argparse
import csv
import json
import pathlib
import sys
import textwrap
import wave

import numpy as np

WORDS = "zero one two three four five six seven eight nine".split()


class Predictions:
    """What `trainer predict` says of each sample: its number, its file, the truth ("" if it is not known) and the
    prediction as words, and how sure the network was. Of a class for each position: the share of right ones."""

    def __init__(self, file):
        with open(file, newline="") as rows:
            table = list(csv.DictReader(rows))
        if not table or not {"sample", "prediction"} <= table[0].keys():
            sys.exit(f"{file}: expected a table of trainer predict with the columns sample and prediction; "
                     "make it without --old-columns, of a network with one answer for each sample or position")
        self.maps = {}
        if "position" in table[0]:
            table = self.join_positions(table)
        chances = [name for name in table[0] if name.startswith("p") and name not in ("position", "prediction")]
        self.sample = np.array([int(row["sample"]) for row in table])
        self.file = [row.get("file", "") for row in table]
        self.truth = np.array([row.get("truth", "") for row in table], dtype=object)
        self.guess = np.array([row["prediction"] for row in table], dtype=object)
        self.values = not chances  # numbers are predicted, not classes
        self.sure = np.array([self.certainty([float(row[name]) for name in chances]) for row in table])
        self.wrong = np.array([not self.values and t not in ("", g) for t, g in zip(self.truth, self.guess)])

    @staticmethod
    def certainty(chances):
        return max(chances[0], 1 - chances[0]) if len(chances) == 1 else max(chances, default=np.nan)

    def join_positions(self, table):
        samples = {}
        for row in table:
            samples.setdefault(row["sample"], []).append(row)
        joined = []
        for sample, rows in samples.items():
            right = sum(row.get("truth") == row["prediction"] for row in rows)
            text = f"{100 * right / len(rows):.0f} % right" if "truth" in rows[0] else f"{len(rows)} positions"
            classes = sorted({row["prediction"] for row in table})
            self.maps[int(sample)] = np.array([classes.index(row["prediction"]) for row in rows])
            joined.append({"sample": sample, "file": rows[0].get("file", ""), "prediction": text})
        return joined

    def renamed(self, names):
        """Names in place of the numbers of classes."""
        name = lambda word: names[int(word)] if word.isdigit() and int(word) < len(names) else word  # noqa: E731
        self.truth = np.array([name(word) for word in self.truth], dtype=object)
        self.guess = np.array([name(word) for word in self.guess], dtype=object)

    def chosen(self, count, wrong):
        """Rows to draw: the first, and those about which the network was most sure and wrong."""
        mistakes = np.flatnonzero(self.wrong)
        mistakes = mistakes[np.argsort(-self.sure[mistakes], kind="stable")][:wrong]
        rest = np.setdiff1d(np.arange(min(count, len(self.sample))), mistakes)
        return np.concatenate([rest[: count - len(mistakes)], mistakes])

    def entitle(self, axes, row):
        """What a sample was taken for, and what it is."""
        text = str(self.guess[row])
        if not self.values and not np.isnan(self.sure[row]):
            text += f" {100 * self.sure[row]:.0f} %"
        if self.wrong[row] or (self.values and self.truth[row]):
            text += f"\nis {self.truth[row]}"
        axes.set_title(text, fontsize=7, color="tab:red" if self.wrong[row] else "black")


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


def save(figure, file):
    figure.savefig(file, dpi=100, bbox_inches="tight")
    print(f"picture: {file}")


def picture_of(array, scale):
    """(height, width) or (height, width, 3 or 4) in [0, 1] of one sample as `data convert` stores it."""
    picture = np.squeeze(np.asarray(array, dtype=float) * scale[1] + scale[0])
    if picture.ndim == 1:  # a table of pixels, row after row
        side = int(round(picture.size**0.5))
        if side * side != picture.size:
            sys.exit(f"samples of {picture.size} numbers are no pictures: expected (samples, height, width, channels)")
        picture = picture.reshape(side, side)
    if picture.ndim == 3 and picture.shape[2] not in (3, 4):
        picture = picture.mean(axis=2)
    return np.clip(picture, 0, 1)


def draw_images(arguments):
    import h5py

    predictions = Predictions(arguments.predictions)
    if arguments.names:
        predictions.renamed(arguments.names.split(","))
    with h5py.File(arguments.data) as data:
        arrays = {name: item for name, item in data.items() if getattr(item, "ndim", 0) >= 2}
        if not arrays:
            sys.exit(f"{arguments.data}: expected samples as (samples, height, width, channels), found none")
        pictures = arrays["x"] if "x" in arrays else max(arrays.values(), key=lambda item: item.size)
        if predictions.sample.max() >= len(pictures):
            sys.exit(f"{arguments.predictions}: predicts sample {predictions.sample.max()}, "
                     f"but {arguments.data} has {len(pictures)} samples")
        rows = predictions.chosen(40, 10)
        samples = {row: pictures[int(predictions.sample[row])] for row in rows}
    low = min(float(s.min()) for s in samples.values())
    high = max(float(s.max()) for s in samples.values())
    if pictures_are_bytes := next(iter(samples.values())).dtype == np.uint8:
        low, high = 0.0, 255.0
    elif low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    span = high - low if high > low else 1.0
    figure, axes = grid((11, 1.5 * -(-len(rows) // 10)), max(1, -(-len(rows) // 10)), 10)
    for one in axes.flat[len(rows):]:
        one.axis("off")
    for one, row in zip(axes.flat, rows):
        picture = picture_of(samples[row], (-low / span, 1 / span))
        one.imshow(picture, cmap=("gray_r" if pictures_are_bytes else "gray") if picture.ndim == 2 else None, vmin=0, vmax=1)
        mask = predictions.maps.get(int(predictions.sample[row]))
        if mask is not None and mask.size == picture.shape[0] * picture.shape[1]:
            one.imshow(mask.reshape(picture.shape[:2]), alpha=0.4, cmap="tab10", vmin=0, vmax=9)
        predictions.entitle(one, row)
    save(figure, arguments.out)


def draw_sounds(arguments):
    predictions = Predictions(arguments.predictions)
    predictions.renamed(WORDS)
    # Files come in the order of their names, that is of the digits: a few of each.
    order = np.argsort(np.arange(len(predictions.file)) % max(1, len(predictions.file) // 10), kind="stable")
    place = np.argsort(order, kind="stable")
    rows = sorted(predictions.chosen(len(order), 5), key=lambda row: (predictions.wrong[row], place[row]))
    mistakes = [row for row in rows if predictions.wrong[row]][:5]
    rows = [row for row in rows if not predictions.wrong[row]][: 30 - len(mistakes)] + mistakes
    figure, axes = grid((11, 5.2), 3, 10)
    folder = pathlib.Path(arguments.data)
    for one, row in zip(axes.flat, rows):
        file = folder / predictions.file[row] if folder.is_dir() else predictions.file[row]
        with wave.open(str(file)) as recording:
            rate = recording.getframerate()
            sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2") / 32768
        sound = np.pad(sound, (0, max(0, int(0.6 * rate) - len(sound))))[: int(0.6 * rate)]
        # A hiss, so that silence has a logarithm.
        sound = sound + 1e-5 * np.random.default_rng(0).normal(size=sound.size)
        one.specgram(sound, NFFT=256, Fs=rate, noverlap=192, vmin=-110, vmax=-45)
        predictions.entitle(one, row)
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
