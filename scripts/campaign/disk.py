"""File systems that fail."""
import errno
import os
import pathlib
import subprocess

from campaign.arena import DOCUMENTED, EVERY, IO, OK, Failed, Fault, check, wait_for

CALLS = ["openat", "write", "fsync", "close", "rename", "unlink", "symlink"]
ERRORS = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES", "EMFILE", "EINTR"]
EPOCHS = 7  # 161 steps: four saves at their distance, the last one, and the best ones


def faulty(arena, order, log=None):
    environment = {"LD_PRELOAD": arena.preload("faulty_io"), "FAULTY_IO": order,
                   "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"}
    return environment if log is None else {**environment, "FAULTY_IO_LOG": str(log)}


def config_of(arena):
    return arena.config(epochs=EPOCHS)


def calls_of_a_run(arena):
    """The calls that concern the folder of checkpoints, in their order."""
    with arena.lock:
        known = arena.known.get("calls")
    if known:
        return known
    run = arena.run()
    log = arena.folder / "calls"
    ended = arena.start(0, run, config=config_of(arena),
                        environment=faulty(arena, f"any:0::{run.path}/checkpoints", log)).wait()
    check(ended.code == OK, f"exit {ended.code}: {ended.err}")
    calls = [line.split(" ")[0] for line in log.read_text().splitlines()]
    check(set(CALLS) <= set(calls), f"not seen: {set(CALLS) - set(calls)}")
    with arena.lock:
        arena.known["calls"] = calls
    return calls


def claims_hold(arena, run):
    """What was said to be saved and is not older than what is kept, is there and whole."""
    arena.whole(run)
    claimed = [line["step"] for line in run.lines("checkpoint")]
    if claimed:
        check(max(run.saved(), default=0) >= max(claimed), f"step {max(claimed)} was said to be saved: {run.saved()}")


def kill_cases(arena, limit):
    every = [(ranks, k) for k in range(1, len(calls_of_a_run(arena)) + 1) for ranks in (0, 2)]
    return every if limit is None else arena.random("A2").sample(every, min(limit, len(every)))


def killed_in_a_call(arena, case, _):
    ranks, k = case
    run = arena.run()
    job = arena.start(ranks, run, config=config_of(arena), environment=faulty(arena, f"any:{k}:kill:{run.path}/checkpoints"))
    ended = job.wait()
    check(ended.code != OK, "not killed")
    claims_hold(arena, run)
    arena.finish(3 if ranks == 2 else 0, run, config_of(arena))
    job.leaves_nothing()


def error_cases(arena, limit):
    calls = calls_of_a_run(arena)
    cases = [(call, str(k), error) for call in CALLS for k in range(1, calls.count(call) + 1) for error in ERRORS]
    cases += [("write", str(k), "short") for k in range(1, calls.count("write") + 1)]
    return cases if limit is None else arena.random("C2").sample(cases, min(limit, len(cases)))


def call_fails(arena, case, _):
    call, k, error = case
    run = arena.run()
    what = error if error == "short" else str(getattr(errno, error))
    job = arena.start(0, run, "--set", "checkpoint.max_failed_saves=100", config=config_of(arena),
                      environment=faulty(arena, f"{call}:{k}:{what}:{run.path}/checkpoints"))
    ended = job.wait()
    check(ended.code in DOCUMENTED, f"exit {ended.code}: {ended.err}")
    check(ended.err.count("error:") == (ended.code != OK), f"errors: {ended.err}")
    if call == "fsync" or call in ("write", "rename") and error not in ("EINTR", "short"):
        check(ended.code != OK or "not written" in ended.told(), f"nothing said of a save that failed: {ended.told()}")
    claims_hold(arena, run)
    if ended.code == OK:
        arena.same_end(run, config_of(arena))
    else:
        arena.finish(0, run, config_of(arena))


def full_disk(arena, _, random):
    """A file system of three megabytes in memory, filled up while the run is in it, and freed again."""
    ranks = random.choice([0, 1, 2, 3])
    run = arena.run()
    run.path.mkdir()
    fills = random.randrange(1, 300)
    space = Tmpfs(run.path, "3m")
    try:
        config = arena.config(epochs=100)
        run.path = pathlib.Path(space.path) / "run"
        job = arena.start(ranks, run, "--set", "checkpoint.max_failed_saves=1000000", "--set", 'log.every="23 steps"',
                          config=config)
        run.trains(fills)
        before = max(run.saved(), default=0)
        ballast = pathlib.Path(space.path) / "ballast"
        fill_up(ballast)
        failed = wait_for(20, lambda: "checkpoint not written" in log_of(run) or job.ended())
        kept = run.saved()
        arena.whole(run)
        ballast.unlink()
        ended = job.wait()
        check(failed, "no save failed")
        check(max(kept, default=0) >= before and (kept or fills < EVERY), f"step {before} is not kept on a full disk: {kept}")
        check(ended.code == OK, f"exit {ended.code}: {ended.err}")
        check("checkpoint not written" in ended.told(), f"no warning: {ended.err}")
        arena.whole(run)
        check(run.end() == arena.undisturbed(1, config)["end"], "other final bits than the undisturbed run")
    finally:
        space.close()


def log_of(run):
    try:
        return (run.path / "log.txt").read_text()
    except OSError:
        return ""


def fill_up(path):
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096):
            try:
                while True:
                    file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


class Tmpfs:
    """A file system in memory, in a namespace of its own that a sleeping process keeps."""

    def __init__(self, path, size):
        self.keeper = subprocess.Popen(
            ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), "--mount", "sh", "-c",
             f'mount -t tmpfs -o size={size} none "$0" && echo mounted && exec sleep 1000', str(path)],
            stdout=subprocess.PIPE, text=True)
        if self.keeper.stdout.readline() != "mounted\n":
            self.close()
            raise Failed("cannot mount a tmpfs here: unshare and mount need the right to")
        self.path = f"/proc/{self.keeper.pid}/root{path}"

    def close(self):
        self.keeper.kill()
        self.keeper.wait()


FAULTS = [
    Fault("A2", "SIGKILL at every system call of every save", 24, None, "", killed_in_a_call, kill_cases),
    Fault("C1", "disk full from a random step on, free again later (tmpfs)", 3, 50, "", full_disk),
    Fault("C2", f"{len(ERRORS)} errors and a short write, at each call of each save", 32, None, "", call_fails, error_cases),
]
