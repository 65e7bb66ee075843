#!/usr/bin/env python3
"""Cuts a machine off from the others for good, and closes ports between machines: two network namespaces of this machine.

A training under `trainer launch` must go on without the machine within the bound of scripts/README.md, and end with the bits
of an undisturbed run on one rank. With ports closed, ranks must say which address does not answer, and leave with 71.
As root, with ip (Debian package iproute2); leaves no namespace and no process.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from campaign.arena import AS_ROOT, OK, ROOT, Run, wait_for  # noqa: E402

MACHINES = ("cut1", "cut2")
EVERY = 200  # steps between checkpoints

AGENT = """#!/bin/sh
# ssh, as far as mpirun needs it: HOST COMMAND...
host=$1
shift
[ -e {directory}/off-$host ] && exit 255
exec ip netns exec "$host" unshare --uts sh -c "hostname $host; $*"
"""

# A run of some seconds.
TRAIN = ("train", f"{ROOT}/scripts/configs/digits-mlp.toml", "--set", f"data.train={ROOT}/datasets/digits.csv.gz",
         "--set", "run.epochs=250", "--set", f"checkpoint.every={EVERY} steps", "--set", "checkpoint.best=none")


def ip(*words):
    subprocess.run(["ip", *words], check=True)


class Network:
    """Machines on a switch, each with a second interface whose packets come to nothing, as behind closed ports."""

    def __init__(self, directory):
        self.directory = directory
        self.agent = directory / "agent"
        self.agent.write_text(AGENT.format(directory=directory))
        self.agent.chmod(0o755)

    def __enter__(self):
        ip("link", "add", "cutswitch", "type", "bridge")
        ip("link", "set", "cutswitch", "up")
        for number, name in enumerate(MACHINES, 1):
            ip("netns", "add", name)
            ip("link", "add", f"port{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"port{name}", "master", "cutswitch", "up")
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "addr", "add", f"10.77.1.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            hosts = pathlib.Path("/etc/netns", name, "hosts")
            hosts.parent.mkdir(parents=True, exist_ok=True)
            hosts.write_text("127.0.0.1 localhost\n10.77.1.1 cut1\n10.77.1.2 cut2\n")
        ip("-n", "cut1", "link", "add", "eth1", "type", "veth", "peer", "name", "eth1", "netns", "cut2")
        for number, name in enumerate(MACHINES, 1):
            ip("-n", name, "addr", "add", f"10.77.2.{number}/24", "dev", "eth1")
            ip("-n", name, "link", "set", "eth1", "up")
            ip("-n", name, "neigh", "replace", f"10.77.2.{3 - number}", "lladdr", "02:00:00:00:00:99", "dev", "eth1",
               "nud", "permanent")
        return self

    def __exit__(self, *_):
        for name in MACHINES:
            pids = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), 9)
            subprocess.run(["ip", "netns", "del", name])
            pathlib.Path("/etc/netns", name, "hosts").unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                pathlib.Path("/etc/netns", name).rmdir()
            # It goes with its namespace, but only when the last process there is buried.
            subprocess.run(["ip", "link", "del", f"port{name}"], stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "del", "cutswitch"])

    def cut_off(self, name, off=True):
        ip("link", "set", f"port{name}", "down" if off else "up")
        flag = self.directory / f"off-{name}"
        flag.touch() if off else flag.unlink()
        if not off:  # nobody may go on believing that it cannot be reached
            for machine in MACHINES:
                ip("-n", machine, "neigh", "flush", "dev", "eth0")

    def start(self, words, **environment):
        """On the first machine."""
        line = [self.agent, MACHINES[0], "exec", *map(shlex.quote, words)]
        return subprocess.Popen(
            line, cwd=self.directory, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **AS_ROOT, "OMP_WAIT_POLICY": "passive", "OMPI_MCA_plm_rsh_agent": str(self.agent),
                 "OMPI_MCA_oob_tcp_if_include": "eth0", "OMPI_MCA_btl_tcp_if_include": "eth0", **environment})


def digest(text):
    return re.search(r"digest ([0-9a-f]{32})", text)[1]


def cut(network, trainer, right, name, limit, bound):
    """Returns the seconds from the cut to the first new checkpoint."""
    run = Run(network.directory / name)
    job = network.start([trainer, "launch", "--hosts", "cut1:1,cut2:1", *TRAIN, "--run-dir", name,
                         "--set", f"watchdog.limit={limit}", "--set", f"watchdog.slow_limit={limit}"])
    wait_for(60, lambda: run.saved() or job.poll() is not None)
    network.cut_off("cut2")
    begin, before = time.monotonic(), max(run.saved(), default=0)
    wait_for(120, lambda: max(run.saved(), default=0) > before + EVERY or job.poll() is not None)
    seconds = time.monotonic() - begin
    text = job.communicate(timeout=120)[0]
    network.cut_off("cut2", off=False)
    assert job.returncode == OK and digest(text) == right, text
    assert "cut2 does not answer: on without it" in text, text
    assert seconds < bound, f"{seconds:.1f} s until it went on\n{text}"
    return seconds


def closed_ports(network, trainer, mpirun):
    job = network.start([mpirun, "-q", "--host", "cut1:1,cut2:1", "-np", "2", "--mca", "btl_tcp_if_include", "eth1", "-x",
                         "LOCKSTEP_START_LIMIT", trainer, *TRAIN, "--run-dir", "closed"],
                        LOCKSTEP_START_LIMIT="5")
    text = job.communicate(timeout=60)[0]
    assert job.returncode == 71, f"exit {job.returncode}: {text}"
    assert "error: rank 0 of 2 on cut1 has waited 5 s" in text and "no answer from 10.77.2.2:" in text, text
    return re.search(r"trainer: error: [^\n]*\n[^\n]*", text)[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainer", default=str(ROOT / "build/bin/trainer"))
    parser.add_argument("--mpirun", default="mpirun")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Network(pathlib.Path(folder)) as network:
        alone = network.start([options.trainer, *TRAIN, "--run-dir", "alone"]).communicate()[0]
        print(f"undisturbed: {digest(alone)}", flush=True)
        for turn in range(options.repeats):
            # Where the watchdog ends the ranks first, mpirun has something to say to the lost machine.
            for limit, bound in (("600 s", 30), ("3 s", 60)):
                seconds = cut(network, options.trainer, digest(alone), f"run-{turn}-{limit[:-2]}", limit, bound)
                print(f"cut off, watchdog.limit {limit}: goes on after {seconds:.1f} s, same bits", flush=True)
        print(closed_ports(network, options.trainer, options.mpirun))
    return 0


if __name__ == "__main__":
    sys.exit(main())
