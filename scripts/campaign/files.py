"""Checkpoints that are damaged, and those that are whole but of something else."""
import gzip
import shutil

from campaign.arena import BAD_DATA, OK, ROOT, Fault, check, one_error

BATCH = 100  # damaged files of a trial


def finished(arena):
    """A run that ended, and its last checkpoint: made once."""
    with arena.lock:
        known = arena.known.get("finished")
    if known is None:
        run = arena.run()
        ended = arena.start(0, run).wait()
        check(ended.code == OK, f"exit {ended.code}: {ended.err}")
        known = run, run.end()
        with arena.lock:
            arena.known["finished"] = known
    return known


def batches(_, limit):
    return list(range(limit // BATCH))


def damaged(arena, damage, random):
    _, whole = finished(arena)
    folder = arena.run()
    folder.path.mkdir()
    path = folder.path / "checkpoint.h5"
    for _ in range(BATCH):
        bytes_, what = damage(whole, random)
        path.write_bytes(bytes_)
        fault = arena.inspect(path)
        check(fault is not None and fault.startswith(f"exit {BAD_DATA}: ") and str(path) in fault, f"{what}: {fault}")
        check("HDF5" not in fault, f"{what}: seen by libhdf5 only: {fault}")
    # And one in a run: the one before is taken, and the reason said.
    run = arena.run()
    interval = arena.start(0, run, "--max-steps", "200").wait()
    newest = run.checkpoints()[-1]
    newest.write_bytes(damage(newest.read_bytes(), random)[0])
    resumed = arena.start(random.choice([0, 2, 3]), run, "--resume", "auto").wait()
    check(interval.code == 75 and resumed.code == OK, f"exit {interval.code}, then {resumed.code}: {resumed.err}")
    check(newest.name in resumed.told(), f"the damaged checkpoint is not named: {resumed.err}")
    arena.same_end(run)


def truncate(arena, _, random):
    def cut(whole, random):
        at = random.randrange(len(whole))
        return whole[:at], f"cut at byte {at}"
    damaged(arena, cut, random)


def flip(arena, _, random):
    def turn(whole, random):
        bit = random.randrange(8 * len(whole))
        bytes_ = bytearray(whole)
        bytes_[bit // 8] ^= 1 << bit % 8
        return bytes(bytes_), f"bit {bit} flipped"
    damaged(arena, turn, random)


# The difference, and the word that the refusal must hold.
OTHERS = [("run.seed=8", "seed"), ("data.batch=32", "batch"), ("layer.wide.out=128", "wide"), ("optimizer.type=\"sgd\"", "optimizer"),
          ("parallel.microbatches=4", "microbatches"), ("data.holdout=0.3", "holdout"), ("data.normalize=\"none\"", "normalize"),
          ("optimizer.ema=0.9", "ema"), ("data.train=\"ANOTHER\"", "data")]

SEAL = 64  # bytes at the end of a checkpoint; the version of the format is byte 8 of them
SEALS = {"another's trailer": ("digest", lambda own, other: other),
         "a later version": ("version 2: this program reads version 1", lambda own, other: own[:8] + b"\2" + own[9:])}


def another_table(arena):
    """The digits, but for the last of them."""
    path = arena.folder / "another.csv"
    with arena.lock, gzip.open(ROOT / "datasets/digits.csv.gz") as table:
        path.write_bytes(b"".join(table.readlines()[:-1]))
    return path


def wrong_but_whole(arena, case, random):
    source, whole = finished(arena)
    run = arena.run()
    shutil.copytree(source.path, run.path, symlinks=True)
    newest = run.checkpoints()[-1]
    if case == "renamed":
        newest.rename(newest.with_name("step-00099999.h5"))
        ended = arena.start(0, run, "--resume", "auto").wait()
        check(ended.code == OK and "step-00099999.h5: named after step" in ended.told(), f"exit {ended.code}: {ended.err}")
        arena.same_end(run)
    elif case in SEALS:
        word, seal = SEALS[case]
        newest.write_bytes(whole[:-SEAL] + seal(whole[-SEAL:], run.checkpoints()[0].read_bytes()[-SEAL:]))
        fault = arena.inspect(newest)
        check(fault is not None and fault.startswith(f"exit {BAD_DATA}") and word in fault, fault)
        ended = arena.start(0, run, "--resume", "auto").wait()
        check(ended.code == OK and newest.name in ended.told(), f"exit {ended.code}: {ended.err}")
    else:
        change, word = case
        before = {path.name: path.read_bytes() for path in run.checkpoints()}
        ended = arena.start(random.choice([0, 2]), run, "--resume", "auto", "--set",
                            change.replace("ANOTHER", str(another_table(arena)))).wait()
        check(ended.code in (BAD_DATA, 78), f"exit {ended.code}: {ended.err}")
        one_error(ended, ended.code)
        check(word in ended.err, f"{word} is not named: {ended.err}")
        check(before == {path.name: path.read_bytes() for path in run.checkpoints()}, "a checkpoint was changed")


FAULTS = [
    Fault("D1", "checkpoints cut at random bytes", 200, 10_000, "", truncate, batches, BATCH),
    Fault("D2", "one bit of a checkpoint flipped", 200, 20_000, "", flip, batches, BATCH),
    Fault("D3", "whole checkpoints of another model, optimizer, data, step, trailer, version", None, None, "", wrong_but_whole,
          lambda arena, limit: OTHERS + ["renamed", *SEALS]),
]
