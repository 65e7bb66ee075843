"""Machines that compute wrongly, and numbers of no use."""
import re

from campaign.arena import DIVERGED, OK, ROOT, Fault, check, one_error

LONG = 40  # epochs
SAMPLES, NUMBERS, STEPS = 1797, 64, 29  # of the digits, and of an epoch
PARAMETERS = 64 * 256 + 5 * 256 + 256 * 10 + 10  # at least so many, in whatever order

STEEP = """
[run]
name = "steep"
steps = 300
[data]
train = "{data}"
batch = 64
[[layer]]
type = "linear"
out = 16
[[layer]]
type = "tanh"
[[layer]]
type = "linear"
out = 1
[loss]
type = "mse"
[optimizer]
type = "sgd"
lr = 0.02
[checkpoint]
every = "100 steps"
"""


def run_with_fault(arena, random, config, ranks, victim, fault, at, *more):
    """A run in which a rank has a fault in about the step that is returned first: see faulty_rank.cpp."""
    call = random.randrange(1, SAMPLES * LONG // ranks)  # one for each sample of the rank
    run = arena.run()
    job = arena.start(ranks, run, *more, config=config, environment={
        "LD_PRELOAD": arena.preload("faulty_rank"), "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0", "LOCKSTEP_TEST_FAULT": fault,
        "LOCKSTEP_TEST_FAULT_AT": str(at), "LOCKSTEP_TEST_FAULT_RANK": str(victim), "LOCKSTEP_TEST_FAULT_CALL": str(call)})
    ended = job.wait(120)
    job.leaves_nothing()
    return call * ranks * STEPS // SAMPLES, run, ended


def flipped_bit(arena, _, random):
    """In the parameters of a node, which its ranks share: of one, or of the second of two."""
    ranks, victim, more = random.choice([(2, 0, []), (4, 0, []), (4, 2, ["--ranks-per-node", "2"])])
    config = arena.config(epochs=LONG, holdout=0)
    at = random.randrange(32 * PARAMETERS)
    step, run, ended = run_with_fault(arena, random, config, ranks, victim, "flip", at, "--set", 'audit.action="rollback"', *more)
    what = f"bit {at} flipped by rank {victim} of {ranks} {' '.join(more)} in step {step}"
    check(ended.code == OK, f"{what}: exit {ended.code}: {ended.err}")
    found = re.search(r"after step (\d+), .*rank \d+ on \S+.*\n.*\n? *back to step (\d+)", ended.err)
    check(found, f"{what}: neither named nor rolled back: {ended.err}")
    check(ended.err.count("back to step") == 1, f"{what}: rolled back more than once: {ended.err}")
    check(abs(int(found[1]) - step) <= STEPS, f"{what}: found after step {found[1]}")
    arena.same_end(run, config)


NANS = ["nan", "gradient", "input"]


def not_finite(arena, case, random):
    """One rank's loss, gradient or input is NaN at a random step: all ranks do what the configuration says."""
    fault, action = case
    ranks = random.choice([2, 4])
    victim = 0 if fault == "input" else random.randrange(ranks)
    policy = ["--set", f'divergence.action="{action}"'] + ["--set", "divergence.rate_factor=1"] * (action == "rollback")
    more = list(policy)
    if fault == "gradient":
        more += ["--ranks-per-node", "1"]
    config = arena.config(epochs=LONG, holdout=0)
    at = random.randrange(SAMPLES * NUMBERS)
    step, run, ended = run_with_fault(arena, random, config, ranks, victim, fault, at, *more)
    what = f"{fault} of rank {victim} of {ranks} in step {step}, {action}"
    check("is not finite" in ended.err, f"{what}: not named: {ended.err}")
    arena.whole(run)
    if action == "stop" or fault == "input" and action == "rollback":  # the input stays so: the past does not help
        one_error(ended, DIVERGED)
        check(run.status().startswith("failed 80"), f"{what}: STATUS is {run.status()!r}")
        ended = arena.start(random.choice([0, 2, 3]), run, "--resume", "auto", *policy, config=config).wait(120)
    check(ended.code == OK, f"{what}: exit {ended.code}: {ended.err}")
    if action == "skip":
        check("skipped, 1 of at most" in ended.err, f"{what}: not skipped: {ended.err}")
        return
    check(run.lines("end")[-1]["digest"] == arena.undisturbed(1, config)["digest"],
          f"{what}: other final bits than the undisturbed run")


def steep(arena, action, random):
    """A learning rate a thousand times too large: every number of ranks decides alike, to the last bit."""
    config = arena.folder / "steep.toml"
    with arena.lock:
        config.write_text(STEEP.format(data=ROOT / "datasets/digits.csv.gz"))
    more = ["--set", "optimizer.lr=20", "--set", f'divergence.action="{action}"', "--set", "divergence.limit=4"]
    if action == "rollback":
        more += ["--set", "divergence.rate_factor=0.1"]
    ends = []
    for ranks in (0, random.choice([2, 3, 4])):
        run = arena.run()
        ended = arena.start(ranks, run, *more, config=config).wait(120)
        check(ended.code == (OK if action == "rollback" else DIVERGED), f"np {ranks}: exit {ended.code}: {ended.err}")
        check("the learning rate" in ended.err, f"np {ranks}: no word of the learning rate: {ended.err}")
        arena.whole(run)
        ends.append((ended.code, ended.err, [path.read_bytes() for path in run.checkpoints()]))
    check(ends[0] == ends[1], f"np {ranks} ends in another way: {ends[1][:2]}, alone: {ends[0][:2]}")


def divergent(arena, case, random):
    fault, action = case
    return steep(arena, action, random) if fault == "steep" else not_finite(arena, case, random)


def divergence_cases(_, limit):
    kinds = [(fault, action) for action in ("stop", "rollback", "skip") for fault in [*NANS, "steep"]]
    # Neighbours differ in both, so that a sample has some of each.
    return [(*kinds[i * 5 % len(kinds)],) for i in range(limit)]


FAULTS = [
    Fault("D5", "one bit of a node's parameters flipped in memory", 5, 100, "", flipped_bit),
    Fault("G1", "NaN in a rank's loss, gradient or input; a rate x 1,000: stop, rollback, skip", 3, 50, "", divergent,
          divergence_cases),
]
