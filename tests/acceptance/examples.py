#!/usr/bin/env python3
"""What the example configurations must reach, and how long they may take, on two cores. By hand: an hour and a half in all.

usage: examples.py TRAINER [NAME...]

Trains each configuration of scripts/configs whose data is there, on two ranks with one thread each, and prints figure, bar,
minutes and limit. Where there is a test set the best checkpoint is judged by it, otherwise the last one by the validation
data. `unseen-NAME` trains on the spoken digits of all speakers but one, who is the test: the bar is for the mean of those
that ran. `large-batch` may be so much worse than `fashion-mnist`, which is trained first: means over seeds 1 to 4, for one
seed moves either by as much as what is allowed between them. Exit code: 0 if all that ran hold, else 1.
"""
import dataclasses
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNSEEN = 0.85  # mean over the speakers
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
CLOTHES = ("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz",
           "/usr/share/datasets/fashion-mnist/t10k-labels-idx1-ubyte.gz")
DIGITS = ("datasets/mnist/t10k-images-idx3-ubyte", "datasets/mnist/t10k-labels-idx1-ubyte")


@dataclasses.dataclass
class Example:
    config: str
    figure: str
    sign: str
    bar: float
    minutes: float
    test: tuple = ()     # data and labels
    settings: tuple = ()  # besides the configuration
    below: str = ""      # the bar is by how much it may fall short of this example
    seeds: tuple = ()    # figures and minutes are means over these; none: that of the configuration


def without(speaker):
    others = ",".join(other for other in SPEAKERS if other != speaker)
    return Example("speech-digits", "acc", ">=", 0, 5, (f"datasets/fsdd/recordings/*_{speaker}_*.wav",),
                   (f'data.train="datasets/fsdd/recordings/*_{{{others}}}_*.wav"',))


EXAMPLES = {
    "fashion-mnist": Example("fashion-mnist", "acc", ">=", 0.90, 1, CLOTHES, seeds=(1, 2, 3, 4)),
    "large-batch": Example("fashion-mnist-large-batch", "acc", ">=", 0.003, 2, CLOTHES, below="fashion-mnist",
                           seeds=(1, 2, 3, 4)),
    "fashion-cnn": Example("fashion-cnn", "acc", ">=", 0.93, 10, CLOTHES),
    "mnist-cnn": Example("mnist-cnn", "acc", ">=", 0.993, 2, DIGITS),
    "cifar10-resnet": Example("cifar10-resnet", "acc", ">=", 0.90, 30, ("datasets/cifar10/test_batch.bin",)),
    "speech-digits": Example("speech-digits", "acc", ">=", 0.98, 5, ("datasets/fsdd/recordings/*_[0-4].wav",)),
    **{f"unseen-{speaker}": without(speaker) for speaker in SPEAKERS},
    "driving": Example("driving", "r2", ">=", 0.99, 2),
    "shakespeare-gpt": Example("shakespeare-gpt", "loss", "<=", 1.60, 15),
    "kin40k": Example("kin40k", "r2", ">=", 0.99, 2),
    "elevators": Example("elevators", "r2", ">=", 0.86, 2)}


def data_is_there(example):
    # Files or a pattern of them: their folder tells.
    config = tomllib.loads((ROOT / f"scripts/configs/{example.config}.toml").read_text())
    return (ROOT / config["data"]["train"]).parent.is_dir()


def train(trainer, example, settings, run):
    """The last line of figures of the validation data, and minutes."""
    start = time.monotonic()
    command = ["mpirun", "-np", "2", trainer, "train", f"scripts/configs/{example.config}.toml", "--run-dir", str(run)]
    for setting in settings:
        command += ["--set", setting]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["t"] == "eval"][-1], (time.monotonic() - start) / 60


def judge(trainer, example, run):
    command = [trainer, "eval", str(run / "checkpoints/best.h5"), "--json", "--data", example.test[0]]
    if len(example.test) > 1:
        command += ["--labels", example.test[1]]
    return json.loads(subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.PIPE).stdout)


def measure(trainer, example, settings, run):
    """The figure that counts, that of the validation data, and minutes."""
    result, minutes = train(trainer, example, settings, run)
    val = result[example.figure]
    if example.test:
        result = judge(trainer, example, run)
    return result[example.figure], val, minutes


def main():
    trainer = str(pathlib.Path(sys.argv[1]).resolve())
    reached = {}
    good = True
    with tempfile.TemporaryDirectory(prefix="examples-") as folder:
        for name in sys.argv[2:] or EXAMPLES:
            example = EXAMPLES[name]
            if not data_is_there(example):
                print(f"{name:16} its data is not here, see the head of the configuration", flush=True)
                continue
            if example.below and example.below not in reached:
                print(f"{name:16} needs {example.below} before it", flush=True)
                good = False
                continue
            each = [measure(trainer, example, (*example.settings, *((f"run.seed={seed}",) if seed else ())),
                            pathlib.Path(folder) / f"{name}-{seed}") for seed in example.seeds or (None,)]
            value, val, minutes = (sum(column) / len(each) for column in zip(*each))
            reached[name] = value
            bar = reached[example.below] - example.bar if example.below else example.bar
            holds = (value >= bar if example.sign == ">=" else value <= bar) and minutes <= example.minutes
            good &= holds
            where = f"test {value:.4f}, val {val:.4f}" if example.test else f"val {value:.4f}"
            if len(each) > 1:
                where += f", means of tests {', '.join(f'{one[0]:.4f}' for one in each)}"
            print(f"{name:16} {example.figure} {where} ({example.sign} {bar:.4g}), {minutes:.1f} minutes "
                  f"(<= {example.minutes}): {'holds' if holds else 'FALLS SHORT'}", flush=True)
    unseen = [value for name, value in reached.items() if name.startswith("unseen-")]
    if unseen:
        mean = sum(unseen) / len(unseen)
        good &= mean >= UNSEEN
        print(f"{'unseen speakers':16} acc mean {mean:.4f} of {len(unseen)} (>= {UNSEEN}): "
              f"{'holds' if mean >= UNSEEN else 'FALLS SHORT'}", flush=True)
    return 0 if good else 1


sys.exit(main())
