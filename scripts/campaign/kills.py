"""Processes that die."""
import signal
import time

from campaign.arena import EVERY, IN_USE, OK, Fault, check, send, wait_for


def kill_at_random(arena, _, random):
    ranks = random.choice([2, 4, 8])
    run = arena.run()
    # Saves beside training may lose what was trained meanwhile; saves that training waits for may not.
    waits = random.random() < 0.5
    more = ["--set", "checkpoint.overhead=1"] if waits else []
    calm = arena.undisturbed(ranks)
    instant = random.uniform(0, calm["seconds"])
    step = random.randrange(1, calm["steps"]) if random.random() < 0.5 else None  # half of them while it trains
    job = arena.start(ranks, run, *more)
    if step is None:
        time.sleep(instant)
    else:
        run.trains(step)
    pids = job.ranks()
    kind = random.choice(["rank 0", "another rank", "all ranks", "mpirun"]) if len(pids) == ranks else "mpirun"
    victims = {"rank 0": pids[:1], "another rank": [random.choice(pids[1:] or [0])], "all ranks": pids,
               "mpirun": [job.process.pid]}[kind]
    for pid in victims:
        send(pid, signal.SIGKILL)
    killed = time.monotonic()
    wait_for(1, lambda: not job.ranks())  # they may have written more
    reached = run.last_step()
    arena.whole(run)
    segments = len(run.lines("run"))
    again = arena.start(random.choice([1, 2, 3, 4, 5, 8]), run, "--resume", "auto", *more)
    first = FirstStep(run, segments)
    wait_for(60, lambda: first.seen() or again.ended(), 0.005)
    wait_for(60, lambda: run.last_step() > reached or again.ended(), 0.005)
    seconds = time.monotonic() - killed
    in_time = wait_for(killed + 5 - time.monotonic(), lambda: not job.ranks())
    ended = again.wait(120)
    again.leaves_nothing()
    check(ended.code == OK, f"{kind} killed after {reached} steps; relaunched: {ended.code}: {ended.err}")
    check(in_time, f"{kind} killed: {job.ranks()} live 5 s later")
    if first.step is not None:
        lost = reached - (first.step - 1)
        check(lost <= (1 if waits else 2) * EVERY, f"{lost} steps lost, saves are {EVERY} apart")
    arena.same_end(run)
    if reached == 0:
        job.end_forgotten()
    job.wait()
    # While Open MPI starts or ends, only mpirun can clean up after it.
    job.leaves_nothing(memory=kind != "mpirun" or 0 < reached < arena.undisturbed(1)["steps"])
    return seconds if first.step is not None else None


class FirstStep:
    """The first step of the segment after `segments` others."""

    def __init__(self, run, segments):
        self.run = run
        self.segments = segments
        self.step = None

    def seen(self):
        segment = 0
        for line in self.run.lines():
            segment += line["t"] == "run"
            if segment > self.segments and line["t"] == "step":
                self.step = line["step"]
                return True
        return False


def launch_many(arena, _, random):
    """mpirun is killed, and before its ranks are gone many want to go on."""
    config = arena.config(epochs=300)
    run = arena.run()
    job = arena.start(2, run, config=config)
    run.trains(random.randrange(1, 200))
    job.process.kill()
    time.sleep(0.1)
    jobs = [arena.start(random.choice([1, 2]), run, "--resume", "auto", config=config)
            for _ in range(random.choice([2, 10]))]
    codes = []
    for other in jobs:
        ended = other.wait(120)
        codes.append(ended.code)
        # 0: it had the directory after the first was through, and found nothing to do.
        check(ended.code in (OK, IN_USE), f"exit {ended.code}: {ended.err}")
    check(OK in codes, "nobody went on")
    last = 0
    for line in run.lines():
        last = 0 if line["t"] == "run" else last
        if line["t"] == "step":
            check(line["step"] > last, "two wrote metrics.jsonl at once")
            last = line["step"]
    arena.same_end(run, config)
    job.wait()
    job.leaves_nothing()


FAULTS = [
    Fault("A1", "SIGKILL at a random instant: rank 0, another, all, mpirun; relaunch at another np", 10, 200,
          "s to the first new step", kill_at_random, limits={0.5: 2, 0.95: 5}),
    Fault("A5", "SIGKILL mpirun, 0.1 s later two or ten launches into its directory", 3, 30, "", launch_many),
]
