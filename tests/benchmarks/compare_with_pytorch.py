#!/usr/bin/env python3
"""Step throughput of Lockstep over that of PyTorch, one thread each, measured in turns.

usage: compare_with_pytorch.py STEP_BENCHMARK [--works mlp-small,mlp-wide] [--turns 7] [--python /usr/bin/python3]

A turn runs ours, PyTorch as installed, and PyTorch tuned (OPENBLAS_CORETYPE=COOPERLAKE: OpenBLAS then uses AVX-512 on CPUs
that it does not know), in random order. The ratio of a turn is PyTorch's step time over ours; the table gives the median of
the ratios and their range. A ratio above 1 means that Lockstep is faster. Needs: python3-torch, libopenblas0-openmp.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
STEPS = {"mlp-small": 60, "mlp-wide": 5}


def run(command, **variables):
    environment = dict(os.environ, OMP_NUM_THREADS="1", **variables)
    output = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(output.stdout.strip().splitlines()[-1])


def measure(work, arguments):
    steps = str(STEPS[work])
    peer = [arguments.python, "-W", "ignore", os.path.join(HERE, "pytorch_step.py"), work, steps, "3"]
    runs = {"ours": lambda: run([arguments.step_benchmark, work, steps, "3"]),
            "installed": lambda: run(peer),
            "tuned": lambda: run(peer, OPENBLAS_CORETYPE="COOPERLAKE")}
    times = {name: [] for name in runs}
    for _ in range(arguments.turns):
        for name in random.sample(list(runs), len(runs)):
            times[name].append(runs[name]()["median_ms"])
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step_benchmark")
    parser.add_argument("--works", default="mlp-small,mlp-wide")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--python", default="/usr/bin/python3")
    arguments = parser.parse_args()
    print(f"{'work':10s} {'ours ms':>9s} {'tuned ms':>9s} {'inst. ms':>9s}   {'over tuned':>22s}   over installed")
    slower = False
    for work in arguments.works.split(","):
        times = measure(work, arguments)
        medians = {name: statistics.median(values) for name, values in times.items()}
        text = []
        for peer in ("tuned", "installed"):
            ratios = [theirs / ours for theirs, ours in zip(times[peer], times["ours"])]
            text.append(f"{statistics.median(ratios):5.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
            slower |= peer == "tuned" and statistics.median(ratios) < 1
        print(f"{work:10s} {medians['ours']:9.2f} {medians['tuned']:9.2f} {medians['installed']:9.2f}   "
              f"{text[0]:>22s}   {text[1]}", flush=True)
    sys.exit(1 if slower else 0)


main()
