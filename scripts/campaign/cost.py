"""What safety costs."""
import statistics

from campaign.arena import INTERRUPTED, ROOT, Failed, Fault, check

IMAGES = "/usr/share/datasets/fashion-mnist/train-"
OFF = ["--set", 'watchdog.limit="0 s"', "--set", 'checkpoint.every="1000 epochs"', "--set", 'audit.every="0 steps"']
PAIRS = 9

CONFIG = """
[run]
name = "cost"
epochs = 100
[data]
train = "{images}images-idx3-ubyte.gz"
train_labels = "{images}labels-idx1-ubyte.gz"
batch = {batch}
normalize = "standard"
[[layer]]
type = "flatten"
[[layer]]
type = "linear"
out = {first}
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = {second}
[[layer]]
type = "relu"
[[layer]]
type = "linear"
out = 10
[loss]
type = "cross_entropy"
[optimizer]
type = "sgd"
lr = 0.05
[log]
every = "1000 steps"
"""
WORKS = {"mlp-small": (dict(batch=512, first=512, second=256), 800), "mlp-wide": (dict(batch=1024, first=2048, second=2048), 30)}


def overhead(arena, work, _):
    """Seconds of a run with everything on over those with everything off: the median of pairs in turns, as a ratio."""
    values, steps = WORKS[work]
    config = arena.folder / f"{work}.toml"
    config.write_text(CONFIG.format(images=IMAGES, **values))

    def seconds(more):
        run = arena.run()
        ended = arena.start(2, run, "--max-steps", steps, *more, config=config).wait(300)
        if ended.code != INTERRUPTED:
            raise Failed(f"exit {ended.code}: {ended.err}")
        taken = run.lines("end")[-1]["seconds"]
        arena.discard(run)
        return taken

    def pair(number):  # in turns, so that neither always goes first
        if number % 2 == 0:
            on = seconds([])
            return on / seconds(OFF)
        off = seconds(OFF)
        return seconds([]) / off

    ratio = statistics.median(pair(number) for number in range(PAIRS))
    check(ratio <= 1.01, f"{work} takes {ratio:.3f} times as long with safety on")
    return ratio


FAULTS = [
    Fault("I2", f"cost of safety at defaults, np 2, {PAIRS} pairs in turns", 0, None, "x the time without", overhead,
          lambda arena, limit: list(WORKS), alone=True),
]
