"""Where faults happen: runs of the trainer, what is known of their right end, and what they must not leave behind."""
import dataclasses
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import threading
import time
from typing import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
OK, USAGE, NO_INPUT, BAD_DATA, IN_USE, IO, INTERRUPTED, DIVERGED, DESYNC, HANG = 0, 64, 66, 65, 73, 74, 75, 80, 81, 82
DOCUMENTED = {0, 64, 65, 66, 69, 70, 71, 73, 74, 75, 77, 78, 80, 81, 82, 130}
AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
EVERY = 40  # steps between checkpoints

CONFIG = """
[run]
name = "chaos"
seed = 7
epochs = {epochs}
[data]
train = "{data}"
holdout = {holdout}
batch = 64
normalize = "standard"
[[augment]]
type = "noise"
deviation = 0.1
[[layer]]
name = "wide"
type = "linear"
out = 256
[[layer]]
type = "batch_norm"
[[layer]]
type = "relu"
[[layer]]
type = "dropout"
rate = 0.1
[[layer]]
type = "linear"
out = 10
[loss]
type = "cross_entropy"
[optimizer]
type = "adamw"
lr = 0.002
clip_norm = 1
[schedule]
type = "cosine"
[checkpoint]
every = "{every} steps"
[log]
every = "1 steps"
"""


class Failed(Exception):
    """A trial that did not end as it must."""


def check(condition, text):
    if not condition:
        raise Failed(text)


@dataclasses.dataclass
class Fault:
    """One row of the table. `cases` lists the trials, `trial` runs one and returns its figure, or raises Failed.
    `quick` and `full` are numbers of faults; None: all there are; quick 0: only in the full tier."""
    name: str
    what: str
    quick: int
    full: int
    unit: str
    trial: Callable  # (arena, case, random numbers of this trial) -> figure or None
    cases: Callable = None  # (arena, limit) -> cases; None: as many numbers as asked for
    each: int = 1  # faults in a trial
    limits: dict = dataclasses.field(default_factory=dict)  # of the figures: share -> at most
    alone: bool = False  # measures: nothing else may run beside it


@dataclasses.dataclass
class Ended:
    code: int
    err: str
    out: str

    def told(self):
        return self.out + self.err


def marked(mark):
    """Processes with this mark in their environment: number and program."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if f"LOCKSTEP_CHAOS={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((int(entry.name), os.readlink(entry / "exe")))
        except OSError:
            pass  # it ended meanwhile
    return found


def doing(pid):
    """What a process is doing, for people: number, name, state, and where each thread sleeps."""
    try:
        process = pathlib.Path(f"/proc/{pid}")
        name = (process / "comm").read_text().strip()
        threads = [((thread / "stat").read_text().rpartition(")")[2].split()[0], (thread / "wchan").read_text())
                   for thread in (process / "task").iterdir()]
        return f"{pid} {name} {' '.join(f'{state}:{place}' for state, place in threads)}"
    except OSError:
        return f"{pid} has ended"


def stands(pid):
    """Whether a process is stopped."""
    return "State:\tT" in status_of(pid)


def status_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return ""


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def wait_for(seconds, condition, pause=0.01):
    """Whether the condition came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(pause)
    return True


class Job:
    """One start of the trainer: by mpirun, or, with 0 ranks, without."""

    count = 0
    lock = threading.Lock()
    FORGOTTEN = -signal.SIGKILL  # see end_forgotten

    def __init__(self, trainer, ranks, arguments, environment=None):
        with Job.lock:
            Job.count += 1
            self.mark = f"{os.getpid()}-{Job.count}"
        self.trainer = os.path.realpath(trainer)
        # Where Open MPI keeps what the ranks share, a place of its own for each job, so that what is left can be seen.
        self.memory = pathlib.Path(f"/dev/shm/chaos-{self.mark}")
        self.memory.mkdir()
        command = [self.trainer, *map(str, arguments)]
        if ranks:
            command = ["mpirun", "-q", "--oversubscribe", "-np", str(ranks), *command]
        self.begin = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
            env={**os.environ, **AS_ROOT, "OMP_WAIT_POLICY": "passive", "OMP_NUM_THREADS": "1",
                 "OMPI_MCA_btl_vader_backing_directory": str(self.memory),
                 "OMPI_MCA_osc_sm_backing_directory": str(self.memory),
                 "LOCKSTEP_CHAOS": self.mark, **(environment or {})})

    @staticmethod
    def forget():
        """Removes the shared memory of all jobs."""
        for path in pathlib.Path("/dev/shm").glob(f"chaos-{os.getpid()}-*"):
            shutil.rmtree(path, ignore_errors=True)

    def ranks(self):
        """Process numbers of the ranks, rank 0 first."""
        found = {}
        for pid, program in marked(self.mark):
            if os.path.realpath(program) != self.trainer:
                continue
            try:
                environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
            except OSError:
                continue
            number = re.search(rb"OMPI_COMM_WORLD_RANK=(\d+)", environment)
            found[int(number[1]) if number else 0] = pid
        return [found[rank] for rank in sorted(found)]

    def ready(self, ranks):
        """Whether all ranks are there and have their signal handlers."""
        pids = self.ranks()
        return len(pids) == max(ranks, 1) and all(handles(pid, signal.SIGUSR1) for pid in pids)

    def ended(self):
        return self.process.poll() is not None

    def end_forgotten(self, seconds=10):
        """Open MPI's mpirun can forget a rank that dies while it starts, and then waits for nobody; trainer launch ends it."""
        if not wait_for(seconds, self.ended) and not self.ranks():
            self.process.kill()

    def wait(self, seconds=60):
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            running = "; ".join(doing(pid) for pid, _ in marked(self.mark))
            for pid, _ in marked(self.mark):
                send(pid, signal.SIGKILL)
            self.process.kill()
            self.process.communicate()
            raise Failed(f"still running after {seconds} s: {running}") from None
        return Ended(self.process.returncode, err, out)

    def leaves_nothing(self, seconds=5, memory=True):
        check(wait_for(seconds, lambda: not marked(self.mark)),
              f"left after {seconds} s: {', '.join(program for _, program in marked(self.mark))}")
        left = [path.name for path in self.memory.iterdir()]
        check(not left or not memory, f"left in shared memory: {', '.join(left)}")


def handles(pid, number):
    caught = re.search(r"SigCgt:\s*([0-9a-f]+)", status_of(pid))
    return bool(caught and int(caught[1], 16) >> (number - 1) & 1)


class Run:
    """A run directory, seen from outside."""

    def __init__(self, path):
        self.path = path

    def lines(self, kind=None):
        """The whole lines of metrics.jsonl; a last line that is cut short is not one."""
        try:
            text = (self.path / "metrics.jsonl").read_text()
        except OSError:
            return []
        lines = [json.loads(line) for line in text.split("\n")[:-1] if line]
        return [line for line in lines if kind in (None, line["t"])]

    def last_step(self):
        steps = self.lines("step")
        return steps[-1]["step"] if steps else 0

    def status(self):
        try:
            return (self.path / "STATUS").read_text()
        except OSError:
            return ""

    def checkpoints(self):
        return sorted(self.path.glob("checkpoints/step-*.h5"))

    def saved(self):
        """Steps of the checkpoints, the oldest first."""
        return [int(path.stem.removeprefix("step-")) for path in self.checkpoints()]

    def end(self):
        return (self.path / "checkpoints/latest.h5").read_bytes()

    def trains(self, step=1, seconds=60):
        check(wait_for(seconds, lambda: self.last_step() >= step), f"no step {step} after {seconds} s")


class Arena:
    def __init__(self, trainer, build, folder, seed):
        self.trainer = trainer
        self.build = pathlib.Path(build)
        self.folder = pathlib.Path(folder)
        self.seed = seed
        self.lock = threading.Lock()
        self.known = {}
        self.count = 0

    def random(self, *key):
        """The random numbers of one trial: a function of the campaign's seed and of nothing that happens."""
        return random.Random(f"{self.seed} {key}")

    def config(self, epochs=20, every=EVERY, holdout=0.2):
        path = self.folder / f"config-{epochs}-{every}-{holdout}.toml"
        with self.lock:
            if not path.exists():
                path.write_text(CONFIG.format(epochs=epochs, every=every, holdout=holdout,
                                              data=ROOT / "datasets/digits.csv.gz"))
        return path

    def run(self):
        """A new place for a run."""
        with self.lock:
            self.count += 1
            return Run(self.folder / f"run-{self.count}")

    def preload(self, name):
        """A library of the tests, for LD_PRELOAD: a link without the spaces that the path may have."""
        library = self.build / f"tests/lib{name}.so"
        check(library.exists(), f"{library} is missing: build the tests")
        link = self.folder / library.name
        with self.lock:
            if not link.is_symlink():
                link.symlink_to(library.resolve())
        return str(link)

    def start(self, ranks, run, *more, config=None, environment=None):
        return Job(self.trainer, ranks, ["train", config or self.config(), "--run-dir", run.path, *more], environment)

    def inspect(self, path):
        """None if the file is a whole checkpoint, else the reason."""
        result = subprocess.run([self.trainer, "inspect", str(path)], capture_output=True, text=True, check=False)
        return None if result.returncode == 0 else f"exit {result.returncode}: {result.stderr.strip()}"

    def undisturbed(self, ranks=1, config=None):
        """How an undisturbed run of this configuration ends, and how many seconds it takes: run once, then known."""
        config = config or self.config()
        key = (ranks, str(config))
        with self.lock:
            future = self.known.get(key)
            mine = future is None
            if mine:
                future = self.known[key] = {"event": threading.Event()}
        if mine:
            run = self.run()
            job = self.start(ranks, run, config=config)
            ended = job.wait(300)
            if ended.code == OK:
                future.update(end=run.end(), digest=run.lines("end")[-1]["digest"], seconds=time.monotonic() - job.begin,
                              steps=run.last_step())
            else:
                future["failure"] = f"the undisturbed run leaves with {ended.code}: {ended.err}"
            self.discard(run)
            future["event"].set()
        future["event"].wait()
        check("failure" not in future, future.get("failure"))
        return future

    def finish(self, ranks, run, config=None, more=()):
        """Resumes the run, which must end like the undisturbed one."""
        ended = self.start(ranks, run, "--resume", "auto", *more, config=config).wait(300)
        check(ended.code == OK, f"the resumed run leaves with {ended.code}: {ended.err}")
        self.same_end(run, config)

    def same_end(self, run, config=None):
        check(run.end() == self.undisturbed(1, config)["end"], "other final bits than the undisturbed run")
        check(run.status().startswith("done 0"), f"STATUS is {run.status()!r}")
        left = [path.name for folder in (run.path, run.path / "checkpoints") for path in folder.glob(".*")]
        check(not left, f"temporary files left: {left}")

    def whole(self, run):
        """What stands under a final name is whole."""
        for path in run.checkpoints():
            fault = self.inspect(path)
            check(fault is None or not path.exists(), fault)

    def discard(self, run):
        shutil.rmtree(run.path, ignore_errors=True)


def one_error(ended, code):
    """Left with this code and told why, once and not by a signal."""
    check(ended.code == code, f"exit {ended.code} instead of {code}: {ended.err}")
    check(ended.err.count("error:") == 1, f"{ended.err.count('error:')} errors: {ended.err}")
