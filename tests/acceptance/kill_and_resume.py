#!/usr/bin/env python3
"""Kills and stops runs at random instants, resumes each at another number of ranks, compares the ends.

Every run, however often disturbed, must end with the checkpoint of the run that nobody disturbed, byte by
byte. Killed: SIGKILL to one rank, to all ranks or to mpirun, at an instant between the start of the process
and its end; 5 s later no process may be left. Stopped: SIGUSR1 to mpirun while the run goes on; it must leave
with exit code 75 and a checkpoint of its last step.
"""

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RANKS = [1, 2, 3, 4, 8]
INTERRUPTED = 75


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainer", default=str(ROOT / "build/bin/trainer"))
    parser.add_argument("--config", default=str(ROOT / "scripts/configs/digits-mlp.toml"))
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--every", default="100 steps", help="distance of checkpoints")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--stops", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


class Campaign:
    def __init__(self, options, directory):
        self.options = options
        self.directory = pathlib.Path(directory)
        self.random = random.Random(options.seed)
        self.failures = 0
        self.seconds = {}
        self.environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                                OMP_WAIT_POLICY="passive")

    def start(self, ranks, run, *more, mark=""):
        o = self.options
        command = ["mpirun", "-q", "-np", str(ranks), "--oversubscribe", o.trainer, "train", o.config,
                   "--run-dir", str(self.directory / run), "--set", f"run.epochs={o.epochs}",
                   "--set", f'checkpoint.every="{o.every}"', *more]
        # Paths in the configuration are relative to the root of the sources.
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True, start_new_session=True,
                                env=dict(self.environment, LOCKSTEP_TEST_MARK=mark))

    def end_of(self, run):
        return (self.directory / run / "checkpoints/latest.h5").read_bytes()

    def undisturbed(self):
        for ranks in RANKS:
            begin = time.monotonic()
            process = self.start(ranks, f"whole{ranks}")
            _, errors = process.communicate()
            if process.returncode != 0:
                sys.exit(f"the undisturbed run failed with {process.returncode}:\n{errors}")
            self.seconds[ranks] = time.monotonic() - begin
        self.end = self.end_of("whole1")
        self.check(all(self.end_of(f"whole{ranks}") == self.end for ranks in RANKS),
                   "undisturbed runs on all numbers of ranks agree")

    def check(self, condition, what):
        if not condition:
            self.failures += 1
            print(f"  FAILED: {what}", flush=True)

    def marked(self, mark):
        """Process numbers and programs of what carries this mark in its environment."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                if f"LOCKSTEP_TEST_MARK={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append((int(entry.name), os.readlink(entry / "exe")))
            except OSError:
                pass  # it ended meanwhile
        return found

    def resume(self, other, run):
        process = self.start(other, run, "--resume", "auto")
        _, errors = process.communicate()
        self.check(process.returncode == 0, f"resumed run leaves with {process.returncode}: {errors}")
        if process.returncode == 0:
            self.check(self.end_of(run) == self.end, "same end")

    def ranks_of_trial(self):
        ranks = self.random.choice(RANKS)
        return ranks, self.random.choice([r for r in RANKS if r != ranks])

    def kill(self, trial):
        run = f"killed{trial}"
        mark = f"{os.getpid()}-{run}"
        ranks, other = self.ranks_of_trial()
        instant = self.random.uniform(0, self.seconds[ranks])
        process = self.start(ranks, run, mark=mark)
        time.sleep(instant)
        victims = [pid for pid, program in self.marked(mark)
                   if os.path.realpath(program) == os.path.realpath(self.options.trainer)]
        kind = self.random.choice(["one rank", "all ranks", "mpirun"]) if victims else "mpirun"
        if kind == "mpirun":
            victims = [process.pid]
        elif kind == "one rank":
            victims = [self.random.choice(victims)]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        killed = time.monotonic()
        saved = len(list((self.directory / run).glob("checkpoints/step-*.h5")))
        print(f"kill {trial + 1:2}: {ranks} ranks, {kind} after {instant:5.2f} s, {saved} checkpoints; "
              f"then {other} ranks", flush=True)
        self.resume(other, run)  # at once: orphans may still be there
        process.communicate()
        while self.marked(mark) and time.monotonic() < killed + 5:
            time.sleep(0.05)
        self.check(not self.marked(mark), "processes are left after 5 s")

    def stop(self, trial):
        run = f"stopped{trial}"
        ranks, other = self.ranks_of_trial()
        process = self.start(ranks, run)
        begin = time.monotonic()
        while not (self.directory / run / "STATUS").exists() and process.poll() is None:
            time.sleep(0.002)
        instant = self.random.uniform(0, max(0.0, self.seconds[ranks] - (time.monotonic() - begin)))
        time.sleep(instant)
        process.send_signal(signal.SIGUSR1)
        _, errors = process.communicate()
        print(f"stop {trial + 1:2}: {ranks} ranks, USR1 {instant:5.2f} s after the first step, exit "
              f"{process.returncode}; then {other} ranks", flush=True)
        if process.returncode != 0:  # 0: it was through already
            self.check(process.returncode == INTERRUPTED, f"exit {process.returncode}: {errors}")
            lines = [json.loads(line) for line in (self.directory / run / "metrics.jsonl").open()]
            last = {line["t"]: line["step"] for line in lines if "step" in line}
            self.check(last["checkpoint"] == last["end"], "the last step is in the checkpoint")
        self.resume(other, run)


def main():
    options = arguments()
    print(f"seed {options.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="lockstep-kill-") as directory:
        campaign = Campaign(options, directory)
        campaign.undisturbed()
        print("undisturbed: " + ", ".join(f"{r} ranks {s:.1f} s" for r, s in campaign.seconds.items()))
        for trial in range(options.kills):
            campaign.kill(trial)
        for trial in range(options.stops):
            campaign.stop(trial)
    trials = options.kills + options.stops
    print(f"{'PASS' if campaign.failures == 0 else 'FAIL'}: {trials} trials, {campaign.failures} failures, "
          f"seed {options.seed}")
    sys.exit(campaign.failures > 0)


if __name__ == "__main__":
    main()
