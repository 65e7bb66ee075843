#!/usr/bin/env python3
"""scripts/draw.py images on what `trainer data convert` and `trainer predict` write.

Usage: draw_test.py TRAINER SOURCE_DIR

Pyplot is a stand-in that notes what it is told to draw, so that the test needs no matplotlib.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

STAND_IN = """
import json, types
drawn = []
class Axes:
    def __init__(self): self.note = {}; drawn.append(self.note)
    def set_title(self, text, **rest): self.note["title"] = text; self.note["color"] = rest["color"]
    def imshow(self, picture, **rest): self.note.setdefault("pictures", []).append(
        [list(picture.shape), float(picture.min()), float(picture.max())])
    def __getattr__(self, name): return lambda *_, **__: None
class Figure:
    def savefig(self, file, **_): json.dump([d for d in drawn if d], open(file, "w"))
class Grid(list):
    flat = property(lambda self: self)
def subplots(rows, columns, **_): return Figure(), Grid(Axes() for _ in range(rows * columns))
"""
CONFIG = """
[run]
epochs = 5
[data]
train = "{data}"
batch = 8
holdout = 0.25
{more}
[[layer]]
type = "flatten"
[[layer]]
type = "linear"
out = 2
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.0001
"""


def check(condition, message):
    if not condition:
        sys.exit(f"FAIL: {message}")


def write_pictures(folder, kind, channels):
    """Bright and dark pictures of 4 x 4, PGM or PPM."""
    random = np.random.default_rng(1)
    for name, level in (("bright", 150), ("dark", 0)):
        (folder / name).mkdir(parents=True)
        for i in range(12):
            pixels = random.integers(0, 100, 16 * channels) + level
            (folder / name / f"{i:02}.{kind}").write_bytes(
                (b"P5" if channels == 1 else b"P6") + b" 4 4 255\n" + pixels.astype("u1").tobytes())


def main():
    trainer, source = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        here = pathlib.Path(name)
        (here / "matplotlib").mkdir()
        (here / "matplotlib/__init__.py").write_text("def use(_): pass\n")
        (here / "matplotlib/pyplot.py").write_text(STAND_IN)
        environment = dict(os.environ, PYTHONPATH=name)

        def run(*arguments):
            result = subprocess.run([str(a) for a in arguments], env=environment, capture_output=True, text=True)
            check(result.returncode == 0, f"{arguments}: {result.stdout}{result.stderr}")

        def draw(data, predictions, *more):
            run(sys.executable, source / "scripts/draw.py", "images", data, predictions, "--out", "drawn.json", *more)
            return json.loads((here / "drawn.json").read_text())

        for kind, channels in (("pgm", 1), ("ppm", 3)):
            write_pictures(here / kind, kind, channels)
            (here / "config.toml").write_text(CONFIG.format(data=kind, more=""))
            run(trainer, "train", "config.toml", "--run-dir", f"run-{kind}")
            run(trainer, "data", "convert", kind, "--out", f"{kind}.h5")
            run(trainer, "predict", f"run-{kind}", "--data", kind, "--out", "all.csv", "--force")
            drawn = draw(f"{kind}.h5", "all.csv")
            check(len(drawn) == 24, f"{len(drawn)} pictures of 24")
            shape, low, high = drawn[0]["pictures"][0]
            check(shape == ([4, 4] if channels == 1 else [4, 4, 3]), f"shape {shape}")
            check(0 <= low < high <= 1, f"pixels from {low} to {high}")
            check(all(d["title"].split()[0] in ("bright", "dark") for d in drawn), f"titles {drawn}")
            wrong = [d for d in drawn if d["color"] == "tab:red"]
            check(all("\nis " in d["title"] for d in wrong), f"mistakes {wrong}")
            check(drawn[len(drawn) - len(wrong):] == wrong, "mistakes come last")
            sure = [int(d["title"].split()[1]) for d in wrong]
            check(sure == sorted(sure, reverse=True), f"the surest mistakes come first, found {sure}")
            # Other names in the file, other rows, another order.
            run(trainer, "data", "convert", kind, "--out", f"{kind}2.h5", "--set", "data.inputs=pixels")
            run(trainer, "predict", f"run-{kind}", "--held-out", "--sort", "mistakes", "--out", "part.csv", "--force")
            check(len(draw(f"{kind}2.h5", "part.csv")) == 6, "6 pictures were held out")

        # A table of pixels whose classes are numbers.
        pixels = np.random.default_rng(2).integers(0, 16, (40, 64))
        rows = [",".join(map(str, [*row, i % 2])) for i, row in enumerate(pixels)]
        (here / "digits.csv").write_text("\n".join(rows) + "\n")
        (here / "config.toml").write_text(CONFIG.format(data="digits.csv", more=""))
        run(trainer, "train", "config.toml", "--run-dir", "run-digits")
        run(trainer, "data", "convert", "digits.csv", "--out", "digits.h5")
        run(trainer, "predict", "run-digits", "--data", "digits.csv", "--out", "digits-predicted.csv")
        drawn = draw("digits.h5", "digits-predicted.csv", "--names", "even,odd")
        check(len(drawn) == 40 and drawn[0]["pictures"][0][0] == [8, 8], "a table of pixels is drawn")
        check(all(d["title"].split()[0] in ("even", "odd") for d in drawn), f"names {drawn[0]}")


if __name__ == "__main__":
    main()
