#!/usr/bin/env python3
"""How long a training under `trainer launch` stands still when a rank is killed.

A rank of a running training gets SIGKILL at a random instant; the time from there to the first step that was not
done before is taken from metrics.jsonl. Prints median, 95th percentile and worst of all kills. At last the training
is stopped; its checkpoint must be that of a run of as many steps that nobody disturbed, and no process and no shared
memory may be left.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEDIAN_AT_MOST = 2.0
P95_AT_MOST = 5.0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainer", default=str(ROOT / "build/bin/trainer"))
    parser.add_argument("--config", default=str(ROOT / "scripts/configs/digits-mlp.toml"))
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


def ranks_with(mark, trainer):
    """Process numbers of the trainers that carry this mark, but for the launcher."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.readlink(entry / "exe") == os.path.realpath(trainer):
                environment = (entry / "environ").read_bytes().split(b"\0")
                if f"LOCKSTEP_TEST_MARK={mark}".encode() in environment and \
                        any(v.startswith(b"OMPI_COMM_WORLD_RANK=") for v in environment):
                    found.append(int(entry.name))
        except OSError:
            pass  # it ended meanwhile
    return found


class Metrics:
    """Follows metrics.jsonl as it grows."""

    def __init__(self, path):
        self.path, self.offset, self.step, self.starts = path, 0, 0, 0

    def read(self):
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self.offset)
            lines = file.read()
        lines = lines[: lines.rfind(b"\n") + 1]
        self.offset += len(lines)
        for line in lines.splitlines():
            if line.startswith(b'{"t":"step"'):
                self.step = max(self.step, int(line.split(b'"step":')[1].split(b",")[0]))
            elif line.startswith(b'{"t":"run"'):
                self.starts += 1

    def wait(self, condition, seconds=60):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the run makes no steps")
            time.sleep(0.002)
            self.read()


def start(options, directory, run, mark, *more):
    command = [options.trainer, "launch", "-np", str(options.ranks), "train", options.config,
               "--run-dir", str(directory / run), "--set", "run.epochs=1000000", "--set", 'checkpoint.every="500 steps"',
               "--set", 'log.every="1 steps"', "--set", 'eval.every="1000 epochs"', *more]
    environment = dict(os.environ, LOCKSTEP_TEST_MARK=mark, OMPI_ALLOW_RUN_AS_ROOT="1",
                       OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMP_WAIT_POLICY="passive")
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True)


def main():
    options = arguments()
    rng = random.Random(options.seed)
    faults = []
    with tempfile.TemporaryDirectory(prefix="lockstep-relaunch-") as directory:
        directory = pathlib.Path(directory)
        segments = set(os.listdir("/dev/shm"))
        mark = f"{os.getpid()}-relaunch"
        process = start(options, directory, "killed", mark)
        metrics = Metrics(directory / "killed/metrics.jsonl")
        seconds = []
        for kill in range(options.kills):
            begin = metrics.step
            metrics.wait(lambda: metrics.starts == kill + 1 and metrics.step > begin + 20)
            time.sleep(rng.uniform(0, 0.2))
            victim = rng.choice(ranks_with(mark, options.trainer))
            os.kill(victim, signal.SIGKILL)
            killed = time.monotonic()
            time.sleep(0.02)  # lines of the dying
            metrics.read()
            reached = metrics.step
            metrics.wait(lambda: metrics.step > reached)
            if metrics.starts != kill + 2:
                faults.append(f"kill {kill + 1}: the run went on without a new start")
            seconds.append(time.monotonic() - killed)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        if process.returncode != 75:
            faults.append(f"exit code {process.returncode}: {errors}")
        left = ranks_with(mark, options.trainer)
        if left:
            faults.append(f"processes are left: {left}")
        if set(os.listdir("/dev/shm")) - segments:
            faults.append(f"shared memory is left: {set(os.listdir('/dev/shm')) - segments}")
        hidden = [path.name for path in (directory / "killed").rglob(".*")]
        if hidden:
            faults.append(f"temporary files are left: {hidden}")
        metrics.read()
        whole = start(options, directory, "whole", mark, "--max-steps", str(metrics.step))
        whole.communicate()
        if (directory / "killed/checkpoints/latest.h5").read_bytes() != \
                (directory / "whole/checkpoints/latest.h5").read_bytes():
            faults.append("the end differs from that of the undisturbed run")
    seconds.sort()
    median, p95 = statistics.median(seconds), seconds[min(len(seconds) - 1, int(0.95 * len(seconds)))]
    if median > MEDIAN_AT_MOST or p95 > P95_AT_MOST:
        faults.append(f"too slow: median at most {MEDIAN_AT_MOST} s, p95 at most {P95_AT_MOST} s")
    print(f"{options.kills} kills, {options.ranks} ranks: from SIGKILL to the first new step median {median:.2f} s, "
          f"p95 {p95:.2f} s, worst {seconds[-1]:.2f} s, seed {options.seed}")
    print("\n".join(faults) or "PASS")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
