#!/usr/bin/env python3
"""Runs scripts/slurm/train.sbatch on a real Slurm: three nodes of this machine, two ranks on each.

The job trains longer than its time limit allows. Before the limit Slurm sends USR1; the job must save, leave
with exit code 75 and be queued again under its number, until it is done; its last checkpoint must be that of an
undisturbed run on one rank, byte by byte. Installs Debian's packages of Slurm and munge if they are missing, as
root; uses neither their services nor their configuration, and leaves no process.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODES = 3
RANKS_PER_NODE = 2
PACKAGES = ["slurmctld", "slurmd", "slurm-client", "slurm-wlm-basic-plugins", "munge"]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trainer", default=str(ROOT / "build/bin/trainer"))
    parser.add_argument("--config", default=str(ROOT / "scripts/configs/digits-mlp.toml"))
    parser.add_argument("--epochs", type=int, default=3000, help="more than the first piece can make")
    parser.add_argument("--keep", action="store_true", help="keep the directory with all logs")
    return parser.parse_args()


def install():
    if all(shutil.which(program, path="/usr/sbin:/usr/bin") for program in ("slurmctld", "slurmd", "munged")):
        return
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    print(f"installing {' '.join(PACKAGES)}", flush=True)
    for line in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
        subprocess.run(["apt-get", "-q", *line], check=True, env=environment, stdout=subprocess.DEVNULL)


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


class Cluster:
    """munged, slurmctld and one slurmd for each node, all in one directory."""

    def __init__(self, directory):
        self.directory = directory
        self.daemons = []
        self.environment = dict(os.environ, SLURM_CONF=str(directory / "slurm.conf"),
                                # Nodes of one machine: nothing but its own network lies between them.
                                OMPI_MCA_btl="self,tcp", OMPI_MCA_btl_tcp_if_include="lo",
                                OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                                OMP_WAIT_POLICY="passive")

    def configure(self):
        control, *ports = free_ports(1 + NODES)
        processors = os.cpu_count()
        host = socket.gethostname()
        nodes = [f"NodeName=node{i + 1} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
                 f"CPUs={max(processors, RANKS_PER_NODE)} State=UNKNOWN" for i, port in enumerate(ports)]
        (self.directory / "slurm.conf").write_text("\n".join([
            "ClusterName=test", f"SlurmctldHost={host}(127.0.0.1)", "SlurmUser=root",
            f"SlurmctldPort={control}", "AuthType=auth/munge",
            f"AuthInfo=socket={self.directory}/munge.socket,cred_expire=5", "CredType=cred/munge",
            f"StateSaveLocation={self.directory}/state", f"SlurmdSpoolDir={self.directory}/%n.spool",
            f"TmpFS={self.directory}/%n.tmp",  # of PMIx: one for each node
            f"SlurmctldPidFile={self.directory}/slurmctld.pid", f"SlurmdPidFile={self.directory}/%n.pid",
            f"SlurmctldLogFile={self.directory}/slurmctld.log", f"SlurmdLogFile={self.directory}/%n.log",
            "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "SwitchType=switch/none",
            "MpiDefault=none", "SelectType=select/cons_tres", "SelectTypeParameters=CR_CPU",
            "SlurmdParameters=config_overrides", "ReturnToService=2", "KillWait=5", "MinJobAge=600",
            "SchedulerParameters=sched_interval=2", *nodes,
            "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP", ""]))
        for name in ["state"] + [f"node{i + 1}.tmp" for i in range(NODES)]:
            (self.directory / name).mkdir()
        key = self.directory / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)

    def daemon(self, *line):
        log = (self.directory / f"{pathlib.Path(line[0]).name}.out").open("a")
        self.daemons.append(subprocess.Popen(line, env=self.environment, stdout=log, stderr=log,
                                             start_new_session=True))

    def start(self):
        self.configure()
        d = self.directory
        self.daemon("/usr/sbin/munged", "--foreground", "--force", f"--socket={d}/munge.socket",
                    f"--key-file={d}/munge.key", f"--pid-file={d}/munge.pid", f"--log-file={d}/munge.log",
                    f"--seed-file={d}/munge.seed")
        wait_for(lambda: (d / "munge.socket").exists(), 20, "munged")
        self.daemon("/usr/sbin/slurmctld", "-D", "-i")
        for i in range(NODES):
            self.daemon("/usr/sbin/slurmd", "-D", "-N", f"node{i + 1}")
        wait_for(lambda: self.call("sinfo", "-h", "-o", "%D %t").strip() == f"{NODES} idle", 60, "idle nodes")

    def call(self, *line):
        done = subprocess.run(line, env=self.environment, cwd=ROOT, capture_output=True, text=True)
        return done.stdout + done.stderr

    def stop(self):
        for process in reversed(self.daemons):  # munged last: the others speak through it
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {seconds} s for: {what}")
        time.sleep(0.2)
if __name__ == "__main__":
    directory = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-slurm-"))
    install()
    c = Cluster(directory)
    try:
        c.start()
        print(c.call("sinfo"))
        print(c.call("srun", "--mpi=list"))
        for line in sys.argv[1:]:
            t=time.time()
            print(line, c.call("bash", "-c", line), time.time()-t)
    finally:
        c.stop()
        print(directory)
