#!/usr/bin/env python3
"""What the program must reach, measured: the table of performance bars K1 to K10, with PyTorch in the same run.

usage: bars.py [BUILD] [--only K1,K3] [--turns 3] [--json FILE]
First: ninja -C BUILD step_benchmark exchange_benchmark trainer

  K1  step throughput over PyTorch, one thread     K6   8 microbatches against 1
  K2  share of the FMA peak of a core              K7   exchange and update against MPI_Allreduce
  K3  2 ranks or 2 threads over 1                  K8   memory of 8 ranks
  K4  8 ranks on the cores of 2                    K9   seconds to the first step
  K5  8 ranks over PyTorch DDP, 8 processes        K10  K1 for a build without oneDNN

K2 counts the multiply-adds of the direct form of every product: convolutions of 3 x 3, which take 16 products instead of 36
where they can (Winograd), reach a larger share than the multiply-add units are at work.

Everything is measured in turns: a turn runs each measurement once, in random order, and gives one ratio; the table has the
median of the ratios and their range. Only results of one turn are compared, for machines are shared and noisy. The tuned peer
is PyTorch with the fastest of several OPENBLAS_CORETYPEs, found first: OpenBLAS takes slow kernels on CPUs it does not know.
The peer needs Debian's python3-torch and libopenblas0-openmp; without it, its bars are left out.
Exit code: 0 if all measured bars hold, else 1.
"""
import argparse
import collections
import gzip
import json
import math
import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
FASHION = pathlib.Path("/usr/share/datasets/fashion-mnist")
CORETYPES = (None, "ZEN", "HASWELL", "SKYLAKEX", "COOPERLAKE")
MIB = 1 << 20

WORKS = {"mlp-small": {"widths": (512, 256, 10), "batch": 512, "floats": 535_818, "work_ms": 10},
         "mlp-wide": {"widths": (2048, 2048, 10), "batch": 1024, "floats": 5_824_522, "work_ms": 100},
         "convnet": {}, "gpt": {}}  # steps only

# STEPS and ROUNDS of one run of step_benchmark and its peer; of exchange_benchmark.
STEPS = {"mlp-small": (60, 3), "mlp-wide": (4, 3), "convnet": (6, 3), "gpt": (10, 3)}
QUICK_STEPS = {"mlp-small": (10, 2), "mlp-wide": (1, 2), "convnet": (2, 2), "gpt": (3, 2)}
EXCHANGES = {"mlp-small": (60, 3), "mlp-wide": (8, 3)}
QUICK_EXCHANGES = {"mlp-small": (10, 1), "mlp-wide": (2, 1)}

# Bars: least ratio, or greatest where named so. A work that is not named has no bar.
OVER_TUNED = {"mlp-small": 1.25, "mlp-wide": 1.1, "convnet": 1.8, "gpt": 1.4}
OVER_UNTUNED = {"mlp-small": 2.2, "mlp-wide": 2.0, "convnet": 1.8, "gpt": 2.1}
PEAK_SHARE = {"mlp-small": 0.72, "mlp-wide": 0.84, "convnet": 0.85, "gpt": 0.62}
SCALING = 1.9
CROWDED_AT_MOST = 1.10
OVER_DDP = {"mlp-small": 6, "mlp-wide": 2.5, "convnet": 2.2, "gpt": 2.5}
MICROBATCHES_AT_MOST = 1.05
EXCHANGE = {8: 3, 2: 1.3}
MEMORY_AT_MOST = 2.5
MEMORY_OVER_PEER_AT_MOST = 0.25
FIRST_STEP_AT_MOST = 1.5
PLAIN_OVER_TUNED = {"mlp-small": 0.8, "mlp-wide": 0.7}

# Which runs of a work each bar needs.
RUNS = {"K1": ("np1", "tuned", "untuned"), "K2": ("np1",), "K3": ("np1", "np2", "threads2"), "K4": ("np2", "np8"),
        "K5": ("np8", "ddp8"), "K6": ("np1", "one_microbatch"), "K10": ("plain", "tuned")}
PEER_RUNS = ("tuned", "untuned", "ddp8")


class Failed(Exception):
    """A measurement ended without a result; the message says which and why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


# -- Processes ---------------------------------------------------------------------------------------------------------

def surroundings():
    """The environment without what would tune the peer unseen; MPI may run as root for those who are root."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    if os.geteuid() == 0:
        environment.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    return environment


def run_json(command, environment, limit=300):
    """Runs a program and returns the JSON object in the last line of its output."""
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=limit, check=False)
        return json.loads(done.stdout.strip().splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        reason = done.stderr.strip().splitlines()[-1:] if "done" in locals() else [str(error)]
        raise Failed(f"{' '.join(map(str, command))}: {''.join(reason) or error}") from error


def end(processes):
    """Ends processes of ours, politely first, so that mpirun takes its ranks along."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def descendants(ancestor):
    children = collections.defaultdict(list)
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has just ended
            continue
        children[parent].append(int(entry.name))
    found, waiting = [], [ancestor]
    while waiting:
        waiting += children[waiting.pop()]
        found = found + [pid for pid in waiting if pid not in found]
    return found


def proportional_set_size(pids):
    """Bytes of memory of processes, shared pages counted once in all."""
    total = 0
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+) kB", text, re.MULTILINE)[1]) * 1024
    return total


def sample_memory(pids):
    samples = []
    for _ in range(5):
        samples.append(proportional_set_size(pids))
        time.sleep(0.3)
    return statistics.median(samples)


# -- What is measured --------------------------------------------------------------------------------------------------

class Machine:
    """The programs and the peer on this machine."""

    def __init__(self, arguments):
        self.build = arguments.build
        self.plain_build = arguments.plain_build
        self.python = arguments.python
        self.steps = QUICK_STEPS if arguments.quick else STEPS
        self.exchanges = QUICK_EXCHANGES if arguments.quick else EXCHANGES
        self.tuning_passes = 1 if arguments.quick else 2
        self.environment = surroundings()
        allowed = sorted(os.sched_getaffinity(0))
        self.cores = min(arguments.cores, len(allowed))
        self.mpirun = ["mpirun", "--oversubscribe"]
        if self.cores < len(allowed):
            os.sched_setaffinity(0, allowed[:self.cores])
            self.mpirun += ["--bind-to", "none"]
        self.peer_version = self.find_peer()
        self.coretypes = {}  # the fastest of each work
        self.coretype_times = {}

    def find_peer(self):
        probe = subprocess.run([self.python, "-c", "import torch; print(torch.__version__)"], env=self.environment,
                               capture_output=True, text=True, check=False) if pathlib.Path(self.python).exists() else None
        return probe.stdout.strip() if probe and probe.returncode == 0 else None

    def version(self):
        return subprocess.run([self.build / "bin/trainer", "--version"], env=self.environment, capture_output=True,
                              text=True, check=True).stdout

    def ours(self, work, ranks=1, build=None, **options):
        """Without mpirun where there is one rank, for mpirun would bind it and its threads to one core."""
        launcher = [*self.mpirun, "-np", str(ranks)] if ranks > 1 else []
        text = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        return run_json([*launcher, str((build or self.build) / "tests/step_benchmark"), work,
                         *map(str, self.steps[work]), *text], self.environment)

    def peer_environment(self, coretype):
        environment = dict(self.environment, OMP_NUM_THREADS="1")
        if coretype:
            environment["OPENBLAS_CORETYPE"] = coretype
        return environment

    def peer_command(self, work, *arguments):
        return [self.python, "-W", "ignore", str(HERE / "pytorch_step.py"), work, *map(str, arguments)]

    def peer(self, work, coretype, steps=None):
        return run_json(self.peer_command(work, *(steps or self.steps[work])), self.peer_environment(coretype))

    def start_peers(self, command, coretype, processes):
        """Starts the ranks of one DDP job."""
        environment = dict(self.peer_environment(coretype), WORLD_SIZE=str(processes), MASTER_ADDR="127.0.0.1",
                           MASTER_PORT=str(free_port()), GLOO_SOCKET_IFNAME="lo")
        return [subprocess.Popen(command, env=dict(environment, RANK=str(rank)), stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True) for rank in range(processes)]

    def peers(self, work, processes):
        ranks = self.start_peers(self.peer_command(work, *self.steps[work]), self.coretypes[work], processes)
        try:
            output = ranks[0].communicate(timeout=300)[0]
            return json.loads(output.strip().splitlines()[-1])
        except (subprocess.TimeoutExpired, ValueError, IndexError) as error:
            raise Failed(f"PyTorch DDP with {processes} processes: {error}") from error
        finally:
            end(ranks)

    def tune_peer(self, work):
        """Finds the fastest OPENBLAS_CORETYPE for a work; those that the CPU cannot run fail and drop out."""
        steps, rounds = self.steps[work]
        times = {}
        for coretype in CORETYPES * self.tuning_passes:
            name = coretype or "unset"
            try:
                best = self.peer(work, coretype, (max(1, steps // 2), rounds))["best_ms"]
                times[name] = min(best, times.get(name, best))
            except Failed:
                say(f"PyTorch does not run with OPENBLAS_CORETYPE={name}")
        if not times:
            raise Failed("PyTorch does not run")
        fastest = min(times, key=times.get)
        self.coretype_times[work] = times
        self.coretypes[work] = None if fastest == "unset" else fastest

    def exchange(self, work, ranks):
        shape = WORKS[work]
        return run_json([*self.mpirun, "-np", str(ranks), str(self.build / "tests/exchange_benchmark"),
                         *map(str, (shape["floats"], shape["work_ms"], *self.exchanges[work], self.cores))],
                        self.environment)

    def runs(self, work):
        """The measurements of one work by name."""
        return {"np1": lambda: self.ours(work),
                "np2": lambda: self.ours(work, 2),
                "np8": lambda: self.ours(work, 8),
                "threads2": lambda: self.ours(work, threads=2),
                "one_microbatch": lambda: self.ours(work, microbatches=1),
                "plain": lambda: self.ours(work, build=self.plain_build),
                "tuned": lambda: self.peer(work, self.coretypes[work]),
                "untuned": lambda: self.peer(work, None),
                "ddp8": lambda: self.peers(work, 8)}


class Clothes:
    """Fashion-MNIST in a folder, or numbers of the same size: what `trainer train` learns from, and the same for the peer."""

    COUNTS = {"train": 60_000, "t10k": 10_000}

    def __init__(self, folder):
        self.folder = folder
        self.real = all((FASHION / f"{part}-{kind}.gz").exists() for part in self.COUNTS
                        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"))
        self.name = "Fashion-MNIST" if self.real else "synthetic numbers of the size of Fashion-MNIST, which is not installed"
        self.arrays = []  # for the peer: images of both parts
        self.keys = {}
        numbers = random.Random(1)
        for part, count in self.COUNTS.items():
            key = "train" if part == "train" else "val"
            if self.real:
                self.keys[key] = FASHION / f"{part}-images-idx3-ubyte.gz"
                self.keys[f"{key}_labels"] = FASHION / f"{part}-labels-idx1-ubyte.gz"
                images = gzip.decompress(self.keys[key].read_bytes())[16:]
            else:  # half of the pixels are black, as in the real ones
                images = b"".join(numbers.randbytes(392) + bytes(392) for _ in range(count))
                labels = bytes(numbers.randrange(10) for _ in range(count))
                self.keys[key] = self.write(f"{part}-images.npy.gz", images, (count, 28, 28))
                self.keys[f"{key}_labels"] = self.write(f"{part}-labels.npy.gz", labels, (count,))
            self.arrays.append(self.write(f"{part}-images.npy", images, (count, 28, 28)))

    def write(self, name, values, shape):
        header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
        header = header.ljust(-(10 + len(header) + 1) % 64 + len(header)) + "\n"
        content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + values
        file = self.folder / name
        file.write_bytes(gzip.compress(content, 6) if name.endswith(".gz") else content)
        return file

    def config(self, work):
        """A configuration that goes on until it is ended, and logs every step."""
        shape = WORKS[work]
        layers = ['[[layer]]\ntype = "flatten"']
        for width in shape["widths"]:
            layers.append(f'[[layer]]\ntype = "linear"\nout = {width}')
            layers.append('[[layer]]\ntype = "relu"')
        data = "\n".join(f'{key} = "{file}"' for key, file in self.keys.items())
        file = self.folder / f"{work}.toml"
        file.write_text("\n\n".join([
            "[run]\nseed = 1\nsteps = 1000000", f"[data]\n{data}\nbatch = {shape['batch']}\nnormalize = \"standard\"",
            *layers[:-1], '[loss]\ntype = "cross_entropy"', '[optimizer]\ntype = "sgd"\nlr = 0.01\nmomentum = 0.9',
            '[checkpoint]\nevery = "100000 steps"\nbest = "none"', '[eval]\nevery = "100000 steps"',
            '[log]\nevery = "1 steps"']) + "\n")
        return file


class Trainings:
    """Runs of `trainer train` that are watched from outside."""

    def __init__(self, machine, clothes, folder):
        self.machine, self.clothes, self.folder, self.started = machine, clothes, folder, 0

    def train_until(self, work, ranks, steps, then):
        """Starts a training, waits for so many steps, and returns then(mpirun, seconds since its start)."""
        config = self.clothes.config(work)
        self.started += 1
        directory = self.folder / f"run-{self.started}"
        metrics = directory / "metrics.jsonl"
        start = time.perf_counter()
        process = subprocess.Popen(
            [*self.machine.mpirun, "-np", str(ranks), str(self.machine.build / "bin/trainer"), "train", str(config),
             "--run-dir", str(directory)], env=self.machine.environment, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True)
        try:
            while not metrics.exists() or metrics.read_text().count('"t":"step"') < steps:
                if process.poll() is not None:
                    raise Failed(f"trainer with {ranks} ranks: {process.stderr.read().strip()[:200]}")
                if time.perf_counter() - start > 120:
                    raise Failed(f"trainer with {ranks} ranks: no step within two minutes")
                time.sleep(0.005)
            return then(process, time.perf_counter() - start)
        finally:
            end([process])

    def first_step_seconds(self):
        return self.train_until("mlp-small", 8, 1, lambda process, seconds: seconds)

    def memory(self, ranks):
        def measure(process, _):
            pids = [pid for pid in descendants(process.pid)
                    if pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "trainer"]
            if len(pids) != ranks:
                raise Failed(f"found {len(pids)} processes of {ranks} ranks")
            return sample_memory(pids)
        return self.train_until("mlp-wide", ranks, 3, measure)

    def peer_memory(self):
        ranks = self.machine.start_peers(self.machine.peer_command("mlp-wide", "hold", *self.clothes.arrays), None, 8)
        try:
            if any(rank.stdout.readline().strip() != "training" for rank in ranks):
                raise Failed("PyTorch DDP with 8 processes does not train on the images")
            return sample_memory([rank.pid for rank in ranks])
        finally:
            end(ranks)


# -- The table ---------------------------------------------------------------------------------------------------------

class Table:
    COLUMNS = "{:4s} {:43s} {:10s} {:>9s}   {:27s} {}"

    def __init__(self):
        self.rows = []

    def add(self, bar_id, what, work, values, least=None, most=None, unit=""):
        """One row: bars are least or greatest values of the median; without one, a number for the reader."""
        values = [value for value in values if value is not None and not math.isnan(value)]
        median = statistics.median(values) if values else None
        verdict = "-"
        if median is None:
            verdict = "not measured"
        elif least is not None:
            verdict = "holds" if median >= least else "falls short"
        elif most is not None:
            verdict = "holds" if median <= most else "falls short"
        self.rows.append({"id": bar_id, "what": what, "work": work, "least": least, "most": most, "unit": unit,
                          "median": median, "values": values, "verdict": verdict})

    def fail(self, bar_id, what, reason):
        if any((row["id"], row["what"]) == (bar_id, what) for row in self.rows):
            return
        self.rows.append({"id": bar_id, "what": what, "work": "", "least": None, "most": None, "unit": "", "median": None,
                          "values": [], "verdict": f"failed: {reason}"})

    @staticmethod
    def number(value, unit):
        return f"{value * 100:.1f}" if unit == "%" else f"{value:.0f}" if value >= 100 else f"{value:.2f}"

    def line(self, row):
        bar = "-"
        if row["least"] is not None:
            bar = f">= {self.number(row['least'], row['unit'])}"
        elif row["most"] is not None:
            bar = f"<= {self.number(row['most'], row['unit'])}"
        measured = "-"
        if row["values"]:
            low, middle, high = (self.number(value, row["unit"])
                                 for value in (min(row["values"]), row["median"], max(row["values"])))
            measured = f"{middle} ({low} to {high}) {row['unit']}"
        return self.COLUMNS.format(row["id"], row["what"], row["work"], bar, measured, row["verdict"])

    def print(self):
        print(self.COLUMNS.format("id", "what", "work", "bar", "measured median (range)", "verdict"))
        for row in sorted(self.rows, key=lambda row: int(row["id"][1:])):
            print(self.line(row))

    def all_hold(self):
        return not any(row["verdict"] == "falls short" or row["verdict"].startswith("failed") for row in self.rows)


def quotients(above, below):
    """Turn by turn; turns in which either is missing are left out."""
    return [a / b for a, b in zip(above, below) if a is not None and b is not None]


class Measurement:
    """All bars asked for: turns of everything, then the rows."""

    def __init__(self, machine, arguments):
        self.machine = machine
        self.only = arguments.only
        self.turns = arguments.turns
        self.works = arguments.works
        self.deadline = time.monotonic() + 60 * arguments.minutes
        self.order = random.Random(arguments.seed)
        self.raw = collections.defaultdict(list)  # name of a run: a result per turn
        self.table = Table()
        self.products_plain = arguments.plain_build is None and "oneDNN" not in machine.version()

    def wanted(self, bar_id):
        return bar_id in self.only

    def run_turns(self, runs):
        """Each run once per turn, in random order; what fails leaves a gap in its turn."""
        for turn in range(self.turns):
            if turn > 0 and time.monotonic() > self.deadline:
                say(f"time is up: {turn} turns instead of {self.turns}")
                break
            for name in self.order.sample(list(runs), len(runs)):
                say(f"turn {turn + 1} of {self.turns}: {' '.join(name)}")
                try:
                    result = runs[name]()
                except Failed as failure:
                    say(f"failed: {failure}")
                    result = None
                    if not any(part.startswith("PyTorch") for part in name):
                        self.table.fail(name[0], " ".join(name[1:]), str(failure)[:60])
                self.raw[name].append(result)

    def step_runs(self):
        runs = {}
        for work in self.works:
            needed = {run: bar_id for bar_id in reversed(RUNS) if self.wanted(bar_id) for run in RUNS[bar_id]}
            if self.machine.plain_build is None:
                needed.pop("plain", None)
                if self.wanted("K10") and self.products_plain:
                    needed.setdefault("np1", "K10")
            if self.machine.peer_version is None:
                needed = {run: bar_id for run, bar_id in needed.items() if run not in PEER_RUNS}
            elif any(run in needed for run in PEER_RUNS):
                say(f"looking for the fastest setting of PyTorch: {work}")
                self.machine.tune_peer(work)
                if self.machine.coretypes[work] is None and "untuned" in needed and "tuned" in needed:
                    needed.pop("untuned")  # it is the same
            for run, bar_id in needed.items():
                name = (bar_id, work, "PyTorch " + run if run in PEER_RUNS else run)
                runs[name] = self.machine.runs(work)[run]
        return runs

    def milliseconds(self, work, run):
        for name in self.raw:
            if name[1] == work and name[2].removeprefix("PyTorch ") == run:
                return [result and result["median_ms"] for result in self.raw[name]]
        return self.milliseconds(work, "tuned") if run == "untuned" and self.machine.peer_version else []

    def step_rows(self):
        add = self.table.add
        for work in self.works:
            ms = {run: self.milliseconds(work, run) for run in self.machine.runs(work)}
            if self.wanted("K1"):
                add("K1", "one thread, over PyTorch tuned", work, quotients(ms["tuned"], ms["np1"]), OVER_TUNED[work])
                add("K1", "one thread, over PyTorch untuned", work, quotients(ms["untuned"], ms["np1"]), OVER_UNTUNED[work])
            if self.wanted("K2"):
                shares = [result and result["peak_share"] for name, results in self.raw.items()
                          if name[1:] == (work, "np1") for result in results]
                add("K2", "one thread, share of the FMA peak", work, shares, PEAK_SHARE.get(work), unit="%")
            if self.wanted("K3"):
                add("K3", "2 ranks over 1", work, quotients(ms["np1"], ms["np2"]), SCALING)
                add("K3", "2 threads over 1", work, quotients(ms["np1"], ms["threads2"]), SCALING)
            if self.wanted("K4"):
                add("K4", "8 ranks, time over that of 2", work, quotients(ms["np8"], ms["np2"]), most=CROWDED_AT_MOST)
            if self.wanted("K5"):
                add("K5", "8 ranks, over PyTorch DDP tuned", work, quotients(ms["ddp8"], ms["np8"]), OVER_DDP[work])
            if self.wanted("K6"):
                add("K6", "8 microbatches, time over that of 1", work, quotients(ms["np1"], ms["one_microbatch"]),
                    most=MICROBATCHES_AT_MOST)
            if self.wanted("K10") and work in PLAIN_OVER_TUNED:
                ours, what = ms["plain"], "without oneDNN, over PyTorch tuned"
                if self.machine.plain_build is None:
                    ours = ms["np1"] if self.products_plain else []
                    what += " (as K1)" if self.products_plain else ""
                add("K10", what, work, quotients(ms["tuned"], ours), PLAIN_OVER_TUNED[work])

    def exchange_rows(self):
        self.run_turns({("K7", work, f"np{ranks}"): lambda work=work, ranks=ranks: self.machine.exchange(work, ranks)
                        for work in self.works if work in self.machine.exchanges for ranks in EXCHANGE})
        for ranks, bar in EXCHANGE.items():
            for work in self.works:
                if work not in self.machine.exchanges:
                    continue
                results = [result for result in self.raw[("K7", work, f"np{ranks}")] if result]
                # A microsecond is the least that can be told from nothing.
                beyond = [{way: max(result[f"{way}_ms"] - result["alone_ms"], 1e-3) for way in ("allreduce", "sliced")}
                          for result in results]
                self.table.add("K7", f"exchange over MPI_Allreduce, {ranks} ranks", work,
                               [b["allreduce"] / b["sliced"] for b in beyond], bar)
                self.table.add("K7", "  without computing", work,
                               [result["allreduce_idle_ms"] / result["sliced_idle_ms"] for result in results])
                self.table.add("K7", "  ms beyond the computing: MPI_Allreduce", work, [b["allreduce"] for b in beyond])
                self.table.add("K7", "  ms beyond the computing: ours", work, [b["sliced"] for b in beyond])

    def training_rows(self, folder):
        say("preparing images")
        clothes = Clothes(folder)
        trainings = Trainings(self.machine, clothes, folder)
        print(f"images      {clothes.name}", flush=True)
        runs = {}
        if self.wanted("K8"):
            runs[("K8", "np1")] = lambda: trainings.memory(1)
            runs[("K8", "np8")] = lambda: trainings.memory(8)
            if self.machine.peer_version:
                runs[("K8", "PyTorch DDP")] = trainings.peer_memory
        if self.wanted("K9"):
            runs[("K9", "first step")] = trainings.first_step_seconds
        self.run_turns(runs)
        if self.wanted("K8"):
            one, eight, peer = (self.raw[("K8", name)] for name in ("np1", "np8", "PyTorch DDP"))
            self.table.add("K8", "memory of 8 ranks over that of 1", "mlp-wide", quotients(eight, one), most=MEMORY_AT_MOST)
            self.table.add("K8", "memory of 8 ranks over PyTorch DDP's", "mlp-wide", quotients(eight, peer),
                           most=MEMORY_OVER_PEER_AT_MOST)
            for name, values in (("1 rank", one), ("8 ranks", eight), ("PyTorch DDP, 8 processes", peer)):
                self.table.add("K8", f"  {name}", "mlp-wide", [value and value / MIB for value in values], unit="MiB")
        if self.wanted("K9"):
            self.table.add("K9", "8 ranks, from mpirun to the first step", "mlp-small", self.raw[("K9", "first step")],
                           most=FIRST_STEP_AT_MOST, unit="s")

    def measure(self):
        if any(self.wanted(bar_id) for bar_id in RUNS):
            self.run_turns(self.step_runs())
            self.step_rows()
        if self.wanted("K7"):
            self.exchange_rows()
        if self.wanted("K8") or self.wanted("K9"):
            with tempfile.TemporaryDirectory(prefix="bars-") as folder:
                self.training_rows(pathlib.Path(folder))


# -- Reading the command line, telling what is measured ----------------------------------------------------------------

def cpu_model():
    match = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return match[1] if match else os.uname().machine


def print_head(machine, arguments):
    print(f"machine     {cpu_model()}, {machine.cores} of {os.cpu_count()} cores, Linux {os.uname().release}, "
          f"load {os.getloadavg()[0]:.2f} at the start")
    print(machine.version().rstrip())
    print(f"PyTorch     {machine.peer_version}" if machine.peer_version else
          f"PyTorch     missing for {machine.python} (Debian: python3-torch): bars that compare with it are not measured")
    print(f"settings    {arguments.turns} turns, seed {arguments.seed}, at most {arguments.minutes:g} minutes, "
          f"{' '.join(arguments.only)}{', quick: these numbers mean nothing' if arguments.quick else ''}", flush=True)


def print_notes(measurement):
    machine = measurement.machine
    for work, times in machine.coretype_times.items():
        told = ", ".join(f"{name} {ms:.2f}" for name, ms in times.items())
        print(f"tuned       {work}: OPENBLAS_CORETYPE={machine.coretypes[work] or 'unset'} (ms per step: {told})")
    for work in measurement.works:
        for name, results in measurement.raw.items():
            values = [result["median_ms"] for result in results if result and name[1] == work and "median_ms" in result]
            if values:
                print(f"ms per step {work}: {name[2]} {statistics.median(values):.2f}")
    peaks = [result["peak_gflops"] for results in measurement.raw.values() for result in results
             if isinstance(result, dict) and "peak_gflops" in result]
    if peaks:
        print(f"FMA peak    {statistics.median(peaks):.1f} GFLOP/s on one core")
    if measurement.wanted("K10") and machine.plain_build is None:
        print("K10         " + ("products are our own in every build, oneDNN is not used: K10 is K1's measurement"
                                if measurement.products_plain else
                                "not measured: name a build with LOCKSTEP_WITH_ONEDNN=OFF by --plain-build"))
    print()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", nargs="?", type=pathlib.Path, default=HERE.parent.parent / "build")
    parser.add_argument("--only", default=",".join(f"K{i}" for i in range(1, 11)), help="bars, for example K1,K3")
    parser.add_argument("--works", default=",".join(WORKS), help="works, for example mlp-small")
    parser.add_argument("--turns", type=int, help="how often everything is measured (default: 3)")
    parser.add_argument("--minutes", type=float, default=15, help="no turn but a first begins after so long")
    parser.add_argument("--cores", type=int, default=2, help="use so many cores of the machine; the bars are set for 2")
    parser.add_argument("--seed", type=int, default=1, help="of the order within turns")
    parser.add_argument("--python", default="/usr/bin/python3", help="the one that has PyTorch")
    parser.add_argument("--plain-build", type=pathlib.Path, help="a build with LOCKSTEP_WITH_ONEDNN=OFF")
    parser.add_argument("--quick", action="store_true", help="one turn of a few steps, to try this script out")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows and every single result there")
    arguments = parser.parse_args()
    arguments.build = arguments.build.resolve()
    arguments.turns = arguments.turns or (1 if arguments.quick else 3)
    arguments.only = arguments.only.split(",")
    arguments.works = arguments.works.split(",")
    for names, known in ((arguments.only, [f"K{i}" for i in range(1, 11)]), (arguments.works, list(WORKS))):
        if unknown := [name for name in names if name not in known]:
            parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
    for program in ("bin/trainer", "tests/step_benchmark", "tests/exchange_benchmark"):
        if not (arguments.build / program).exists():
            parser.error(f"{arguments.build / program} is missing: ninja -C {arguments.build} {pathlib.Path(program).name}")
    return arguments


def main():
    arguments = parse_arguments()
    machine = Machine(arguments)
    print_head(machine, arguments)
    start = time.monotonic()
    measurement = Measurement(machine, arguments)
    try:
        measurement.measure()
    except Failed as failure:
        measurement.table.fail("K0", "", str(failure))
    print_notes(measurement)
    measurement.table.print()
    print(f"\n{(time.monotonic() - start) / 60:.1f} minutes, load {os.getloadavg()[0]:.2f} at the end")
    if arguments.json:
        arguments.json.write_text(json.dumps({
            "cpu": cpu_model(), "cores": machine.cores, "version": machine.version(), "torch": machine.peer_version,
            "coretypes": machine.coretype_times, "seed": arguments.seed, "quick": arguments.quick,
            "rows": measurement.table.rows,
            "runs": {" ".join(name): results for name, results in measurement.raw.items()}}, indent=1) + "\n")
    sys.exit(0 if measurement.table.all_hold() else 1)


if __name__ == "__main__":
    main()
