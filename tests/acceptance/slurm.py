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
import shlex
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
    parser.add_argument("--epochs", type=int, default=120, help="more than the first piece can make")
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
                                OMP_WAIT_POLICY="passive",
                                OMPI_MCA_mpi_yield_when_idle="1")  # the nodes share the same cores

    def configure(self):
        control, *ports = free_ports(1 + NODES)
        processors = os.cpu_count()
        host = socket.gethostname()
        nodes = [f"NodeName=node{i + 1} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} "
                 f"Sockets=1 CoresPerSocket={processors} State=UNKNOWN" for i, port in enumerate(ports)]
        (self.directory / "slurm.conf").write_text("\n".join([
            "ClusterName=test", f"SlurmctldHost={host}(127.0.0.1)", "SlurmUser=root",
            f"SlurmctldPort={control}", "AuthType=auth/munge",
            f"AuthInfo=socket={self.directory}/munge.socket,cred_expire=5", "CredType=cred/munge",
            f"StateSaveLocation={self.directory}/state", f"SlurmdSpoolDir={self.directory}/%n.spool",
            f"TmpFS={self.directory}/%n.tmp",  # of PMIx: one for each node
            f"SlurmctldPidFile={self.directory}/slurmctld.pid", f"SlurmdPidFile={self.directory}/%n.pid",
            f"SlurmctldLogFile={self.directory}/slurmctld.log", f"SlurmdLogFile={self.directory}/%n.log",
            "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/affinity", "SwitchType=switch/none",
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
        if len(self.daemons) > 1:  # the steps of a job outlive the daemons
            self.call("scancel", "--user=root")
            with contextlib.suppress(TimeoutError):
                wait_for(lambda: not self.call("squeue", "-h").strip(), 30, "no job")
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


class Campaign:
    def __init__(self, options, cluster, directory):
        self.options, self.cluster, self.directory = options, cluster, directory
        self.faults = []

    def check(self, condition, what):
        print(f"{'ok    ' if condition else 'FAILED'} {what}", flush=True)
        if not condition:
            self.faults.append(what)

    def script(self):
        """The template with the lines changed that a user changes."""
        text = (ROOT / "scripts/slurm/train.sbatch").read_text()
        for old, new in (("config=scripts/configs/digits-mlp.toml", f"config={shlex.quote(self.options.config)}"),
                         ('run_directory="runs/job-$SLURM_JOB_ID"', f'run_directory="{self.directory}/run"'),
                         ("trainer=build/bin/trainer", f"trainer={shlex.quote(self.options.trainer)}"),
                         ("--resume auto &", f"--resume auto --set run.epochs={self.options.epochs} &")):
            assert old in text, old
            text = text.replace(old, new)
        path = self.directory / "train.sbatch"
        path.write_text(text)
        return path

    def job(self):
        fields = self.cluster.call("scontrol", "-o", "show", "job", self.number).split()
        return dict(field.split("=", 1) for field in fields if "=" in field)

    def run(self):
        answer = self.cluster.call("sbatch", "--parsable", f"--nodes={NODES}", f"--ntasks-per-node={RANKS_PER_NODE}",
                                   "--cpus-per-task=1", "--time=2", "--signal=B:USR1@90",
                                   f"--output={self.directory}/job.log", str(self.script()))
        self.number = answer.strip()
        assert self.number.isdigit(), answer
        status = self.directory / "run/STATUS"
        wait_for(lambda: status.exists() and len(self.lines("step")) > 3, 60, "the first steps")
        self.kill_a_rank()
        wait_for(lambda: len(self.lines("run")) == 2, 60, "the start after a rank was killed")
        wait_for(lambda: status.read_text().startswith("preempted"), 150, "the signal before the limit")
        self.check(status.read_text() == "preempted 75 SIGUSR1\n", "stopped by USR1 before the limit, code 75")
        saved = self.lines("checkpoint")[-1]["step"]
        self.check(saved == self.lines("end")[-1]["step"], f"everything up to step {saved} is saved")
        wait_for(lambda: self.job().get("JobState") in ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "NODE_FAIL"),
                 900, "the end of the job")
        job = self.job()
        self.check(job["JobState"] == "COMPLETED" and job["ExitCode"] == "0:0", f"the job ends as {job['JobState']}")
        self.check(int(job["Restarts"]) >= 1, f"queued again {job['Restarts']} times under its number")
        self.check(status.read_text() == "done 0\n", "the run is done")
        manifest = json.loads((self.directory / "run/manifest.json").read_text())
        self.check(manifest["ranks"] == NODES * RANKS_PER_NODE, f"{manifest['ranks']} ranks")
        print("       places " + json.dumps(manifest["places"]))
        self.compare()

    def lines(self, kind):
        lines = (json.loads(line) for line in (self.directory / "run/metrics.jsonl").open() if line.endswith("\n"))
        return [line for line in lines if line["t"] == kind]

    def kill_a_rank(self):
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and b"\0PMIX_RANK=3\0" in (entry / "environ").read_bytes() and \
                        f"\0SLURM_CONF={self.directory}/".encode() in (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
                    return
        self.check(False, "a rank to kill")

    def compare(self):
        subprocess.run([self.options.trainer, "train", self.options.config, "--run-dir", self.directory / "whole",
                        "--set", f"run.epochs={self.options.epochs}"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        ends = [(self.directory / run / "checkpoints/latest.h5").read_bytes() for run in ("run", "whole")]
        self.check(ends[0] == ends[1], "the last checkpoint is that of an undisturbed run on one rank, byte by byte")


def processes_of(directory):
    """What still runs with this cluster in its command line or environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if str(directory).encode() in text:
                    found.append(int(entry.name))
    return found


def main():
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("Slurm's daemons run as root: so must this test")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(1))  # by way of the daemons' end
    install()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-slurm-"))
    cluster = Cluster(directory)
    campaign = Campaign(options, cluster, directory)
    try:
        cluster.start()
        campaign.run()
    except (TimeoutError, KeyError, OSError) as error:
        campaign.check(False, f"{type(error).__name__}: {error}")
    finally:
        cluster.stop()
    end = time.monotonic() + 20
    while processes_of(directory) and time.monotonic() < end:
        time.sleep(0.2)
    campaign.check(not processes_of(directory), "no process is left")
    log = directory / "job.log"
    if campaign.faults and log.exists():
        print(log.read_text())
    if options.keep:
        print(f"kept: {directory}")
    else:
        shutil.rmtree(directory)
    print("FAIL" if campaign.faults else "PASS")
    sys.exit(bool(campaign.faults))


if __name__ == "__main__":
    main()
