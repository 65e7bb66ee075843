"""Requests to stop, and chains of stops and resumes."""
import signal
import time

from campaign.arena import EVERY, INTERRUPTED, OK, Fault, check, send, wait_for


def stop_at_random(arena, _, random):
    """A signal at an instant between the start of the processes and the end of the run, in whatever phase."""
    ranks = random.choice([0, 2, 3, 4])
    run = arena.run()
    instant = random.uniform(0, arena.undisturbed(ranks)["seconds"])
    job = arena.start(ranks, run)
    ready = wait_for(20, lambda: job.ready(ranks) or job.ended()) and not job.ended()
    time.sleep(max(0.0, job.begin + instant - time.monotonic()))
    pids = job.ranks()
    by_mpirun = random.random() < 0.5 and ranks
    if by_mpirun:
        job.process.send_signal(signal.SIGUSR1)  # handed on to all
    elif pids:
        send(random.choice(pids), random.choice([signal.SIGUSR1, signal.SIGTERM]))
    reached = run.last_step()
    ended = job.wait()
    check(ready or ended.code == INTERRUPTED, "it ended before its ranks had signal handlers")
    check(ended.code in (OK, INTERRUPTED), f"exit {ended.code} {instant:.2f} s after the start: {ended.err}")
    late = by_mpirun or not pids or reached >= arena.undisturbed(1)["steps"] - EVERY
    check(ended.code == INTERRUPTED or late, f"goes on, though a rank had a signal by step {reached}")
    arena.whole(run)
    if ended.code == INTERRUPTED and run.last_step():
        check(max(run.saved(), default=0) == run.last_step(), f"step {run.last_step()} is lost: {run.saved()}")
        check(run.status().startswith("preempted 75"), f"STATUS is {run.status()!r}")
    arena.finish(random.choice([1, 2, 3, 5]), run)
    job.leaves_nothing()


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
