#!/usr/bin/env python3
"""Makes the trainer suffer, again and again, and compares how it ends: the fault campaign.

A run is a function of configuration, data and seed, so the oracle is the undisturbed run: every fault must end in the same
final bits, or in a documented exit code with one line that says why, or in a run that goes on with a warning. Never in a
crash by a signal, a hang, a silent difference, a lost checkpoint.

With no failure in N trials the probability of one is below 3/N with a confidence of 95 %.
"""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import platform
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from campaign import cost, disk, files, hangs, inputs, kills, machines, stops  # noqa: E402
from campaign.arena import ROOT, Arena, Failed, Job, check  # noqa: E402

MODULES = [cost, disk, files, hangs, inputs, kills, machines, stops]
FAULTS = sorted((fault for module in MODULES for fault in module.FAULTS), key=lambda fault: fault.name)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", 
                        help="all trials, up to an hour, and the limits of times (default: a sample, up to 4 minutes)")
    parser.add_argument("--only", metavar="A1,C2", help="these faults (default: all)")
    parser.add_argument("--trials", type=int, metavar="N", help="so many of each fault (default: as the tier says)")
    parser.add_argument("--seed", type=int, default=1, help="of the random instants and choices (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="trials side by side (default: processors)")
    parser.add_argument("--build", default=ROOT / "build", help="build directory with tests (default: build)")
    parser.add_argument("--trainer", help="program to test (default: bin/trainer of the build directory)")
    return parser.parse_args()


@dataclasses.dataclass
class Row:
    fault: object
    trials: int
    failures: list
    figures: list
    seconds: float

    def bound(self):
        return f"{100 * 3 / self.trials:.2g} %" if self.trials > 3 and not self.failures else "-"

    def quantile(self, share):
        ordered = sorted(self.figures)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def worst(self):
        if not self.figures:
            return "-"
        return f"{', '.join(f'{self.quantile(share):.3f}' for share in (0.5, 0.95, 1))} {self.fault.unit}"


def attempt(arena, fault, case):
    """The figure and the failure of one trial."""
    try:
        return fault.trial(arena, case, arena.random(fault.name, case)), None
    except Failed as failure:
        return None, f"{fault.name} {case}: {failure}"
    except Exception:  # a fault of the campaign is a failure, too
        return None, f"{fault.name} {case}: {traceback.format_exc()}"


def suffer(arena, fault, options, pool):
    limit = fault.full if options.full else fault.quick
    limit = options.trials or limit or None  # 0 trials, but asked for by name: all
    begin = time.monotonic()
    row = Row(fault, 0, [], [], 0)
    try:
        cases = fault.cases(arena, limit) if fault.cases else list(range(limit))
        check(cases, f"{limit} trials are too few, there are {fault.each} in one")
    except Failed as failure:
        row.failures.append(f"{fault.name}: {failure}")
        print(f"FAILED {row.failures[0]}", file=sys.stderr, flush=True)
        return row
    row.trials = len(cases) * fault.each
    run = map if fault.alone else pool.map
    for figure, failure in run(lambda case: attempt(arena, fault, case), cases):
        if failure:
            row.failures.append(failure)
            print(f"FAILED {failure}", file=sys.stderr, flush=True)
        elif figure is not None:
            row.figures.append(figure)
    limits = fault.limits if options.full else {}  # tests share their machine: a time says nothing there
    for share, most in limits.items():
        if row.figures and row.quantile(share) > most:
            row.failures.append(f"{fault.name}: quantile {share} is above {most} {fault.unit}")
            print(f"FAILED {row.failures[-1]}", file=sys.stderr, flush=True)
    row.seconds = time.monotonic() - begin
    return row


def show(rows):
    lines = [["fault", "", "trials", "failures", "95 % bound", "median, 95 %, worst", "time"]]
    for row in rows:
        lines.append([row.fault.name, row.fault.what, f"{row.trials:,}", str(len(row.failures)), row.bound(), row.worst(),
                      f"{row.seconds:.0f} s"])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())


def main():
    options = arguments()
    unknown = set(options.only.split(",")) - {fault.name for fault in FAULTS} if options.only else set()
    if unknown:
        sys.exit(f"chaos.py: no fault {', '.join(sorted(unknown))}; known: {', '.join(fault.name for fault in FAULTS)}")
    chosen = [fault for fault in FAULTS if (fault.name in options.only.split(",") if options.only
                                             else options.full or fault.quick != 0)]
    trainer = pathlib.Path(options.trainer or pathlib.Path(options.build) / "bin/trainer").resolve()
    if not trainer.exists():
        sys.exit(f"chaos.py: {trainer} is missing: build it first, as scripts/test.sh does")
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        arena = Arena(str(trainer), pathlib.Path(options.build).resolve(), folder, options.seed)
        try:
            rows = [suffer(arena, fault, options, pool) for fault in chosen]
        finally:
            Job.forget()
    show(rows)
    failures = sum(len(row.failures) for row in rows)
    print(f"{time.strftime('%Y-%m-%d')}, seed {options.seed}, {'full' if options.full else 'quick'}, {os.cpu_count()} processors "
          f"({platform.machine()}), {(time.monotonic() - begin) / 60:.1f} minutes: "
          f"{sum(row.trials for row in rows):,} trials, {failures} failures")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
