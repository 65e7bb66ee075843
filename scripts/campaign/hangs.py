"""Processes that stand still."""
import signal
import time

from campaign.arena import HANG, OK, Fault, check, one_error, send, stands, wait_for

LIMIT = 2  # seconds
WATCHED = ["--set", f'watchdog.limit="{LIMIT} s"']


def stopped_for_ever(arena, _, random):
    ranks = random.choice([2, 3, 4])
    victim = random.randrange(ranks)
    config = arena.config(epochs=100)
    run = arena.run()
    job = arena.start(ranks, run, *WATCHED, config=config)
    run.trains(random.randrange(1, 100))
    send(job.ranks()[victim], signal.SIGSTOP)
    stopped = time.monotonic()
    ended = job.wait()
    seconds = time.monotonic() - stopped
    one_error(ended, HANG)
    check(f"error: rank {victim} on " in ended.err and "its process is stopped" in ended.err, f"not named: {ended.err}")
    check(seconds <= LIMIT + 5, f"{seconds:.1f} s after the stop")
    job.leaves_nothing()
    arena.finish(ranks, run, config)
    return seconds


def suspended(arena, _, random):
    """Ctrl-Z for three times the limit, or a rank that stands still half of the time: no alarm."""
    ranks = random.choice([2, 3])
    config = arena.config(epochs=100)
    run = arena.run()
    job = arena.start(ranks, run, *WATCHED, config=config)
    run.trains(random.randrange(1, 100))
    if random.random() < 0.5:
        job.process.send_signal(signal.SIGTSTP)
        check(wait_for(LIMIT, lambda: len(job.ranks()) == ranks and all(map(stands, job.ranks()))), "the ranks are not suspended")
        reached = run.last_step()
        time.sleep(3 * LIMIT)
        check(run.last_step() == reached and not job.ended(), "it trains while suspended")
        job.process.send_signal(signal.SIGCONT)
    else:
        slow = job.ranks()[random.randrange(ranks)]
        end = time.monotonic() + 2 * LIMIT
        stood = 0
        while time.monotonic() < end and not job.ended():
            send(slow, signal.SIGSTOP)
            time.sleep(LIMIT / 10)
            stood += stands(slow)
            send(slow, signal.SIGCONT)
            time.sleep(LIMIT / 10)
        check(stood, "the rank never stood still")
    ended = job.wait(120)
    check(ended.code == OK, f"exit {ended.code}: {ended.err}")
    arena.same_end(run, config)


FAULTS = [
    Fault("B1", f"SIGSTOP one rank for ever (watchdog.limit {LIMIT} s)", 1, 20, "s to the end of the job", stopped_for_ever),
    Fault("B2", "SIGTSTP mpirun for 3 x the limit, SIGCONT; a rank at 50 % duty", 1, 20, "", suspended),
]
