"""Requests to stop, and chains of stops and resumes."""
import signal
import time

from campaign.arena import EVERY, INTERRUPTED, OK, Fault, Job, check, send, wait_for


def stop_at_random(arena, _, random):
    """A signal at an instant between the start of the first process and the end of the run, in whatever phase."""
    ranks = random.choice([0, 2, 3, 4])
    number = random.choice([signal.SIGUSR1, signal.SIGTERM])
    to_mpirun = ranks and random.random() < 0.5  # which hands USR1 on, and ends the ranks at TERM
    run = arena.run()
    instant = random.uniform(0, arena.undisturbed(ranks)["seconds"])
    job = arena.start(ranks, run)
    time.sleep(instant)
    if not to_mpirun:
        wait_for(20, lambda: job.ranks() or job.ended())
    ready = job.ready(ranks)
    pids = job.ranks()
    if to_mpirun:
        job.process.send_signal(number)
    elif pids:
        send(random.choice(pids), number)
    reached = run.last_step()
    job.end_forgotten()
    ended = job.wait()
    what = f"{number.name} to {'mpirun' if to_mpirun else 'a rank'} of {ranks} {instant:.2f} s after the start, by step {reached}"
    preempted = run.status().startswith("preempted 75")
    codes = {OK, INTERRUPTED}
    if not ready:
        codes |= {-number, 128 + number, Job.FORGOTTEN}  # some rank had no handler yet
    if to_mpirun and number == signal.SIGTERM and (preempted or run.status().startswith("done 0") or not ready):
        codes |= {1, 128 + number}  # mpirun's own, which tells nothing of the ranks; it is a while until they are told
    check(ended.code in codes, f"{what}: exit {ended.code}, STATUS {run.status()!r}: {ended.err}")
    late = not ready or reached >= arena.undisturbed(1)["steps"] - EVERY
    check(ended.code != OK or late, f"{what}: it goes on")
    arena.whole(run)
    if preempted:
        check(max(run.saved(), default=0) == run.last_step(), f"{what}: step {run.last_step()} is lost: {run.saved()}")
    elif ended.code == INTERRUPTED:
        check(not run.last_step(), f"{what}: STATUS is {run.status()!r}")
    arena.finish(random.choice([1, 2, 3, 5]), run)
    job.leaves_nothing(memory=preempted)


def chain(arena, _, random):
    run = arena.run()
    steps = arena.undisturbed(1)["steps"]
    for ranks in [1, 2, 4, 8, 3, 5]:
        ended = arena.start(ranks, run, "--resume", "auto", "--max-steps", random.randrange(1, steps // 6)).wait()
        check(ended.code == INTERRUPTED, f"np {ranks} leaves with {ended.code}: {ended.err}")
    arena.finish(1, run)


FAULTS = [
    Fault("E1", "USR1 or TERM at a random instant of any phase, to mpirun or a rank", 5, 200, "", stop_at_random),
    Fault("H1", "chains of resumes over np 1, 2, 4, 8, 3, 5, 1", 2, 20, "", chain),
]
