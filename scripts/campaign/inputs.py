"""Wrong input: written by hand, in the table of tests/system, at one rank and at four; and made by mutation."""
import os
import subprocess

from campaign.arena import AS_ROOT, ROOT, Failed, Fault, check

MUTATIONS = 10_000  # inputs of a trial
GUIDED = 100_000  # inputs of a trial of libFuzzer
MEGABYTES, SECONDS = 512, 10  # what one input may take


def program(arena):
    return str(arena.build / "tests/system_tests")


def tests_of(program):
    listed = subprocess.run([program, "--gtest_list_tests"], capture_output=True, text=True, check=True).stdout
    suite, names = "", []
    for line in listed.splitlines():
        if line.endswith("."):
            suite = line
        elif line.startswith("  "):
            names.append(suite + line.split()[0])
    return names


def passes(program, name, environment):
    result = subprocess.run([program, f"--gtest_filter={name}"], capture_output=True, text=True, check=False,
                            env={**os.environ, **environment})
    check(result.returncode == 0 and "[  PASSED  ] 1 test" in result.stdout,
          f"exit {result.returncode}: {result.stdout[-2000:]}{result.stderr[-2000:]}")


def refused(arena, name, _):
    passes(program(arena), name, AS_ROOT)


def mutations(arena):
    return str(arena.build / "tests/fuzz_tests")


def parsers(arena):
    """Tests of the parsers that are the trainer's own: on random inputs libhdf5 crashes, whoever calls it."""
    return [name for name in tests_of(mutations(arena)) if name.startswith("Own/")]


def mutation_cases(arena, limit):
    """For each parser as many trials as make `limit` inputs."""
    return [(name, part) for part in range((limit or MUTATIONS) // MUTATIONS) for name in parsers(arena)]


def mutated(arena, case, random):
    passes(mutations(arena), case[0],
           {"LOCKSTEP_FUZZ_CASES": str(MUTATIONS), "LOCKSTEP_FUZZ_SEED": str(random.randrange(1, 2**31))})


def guided_cases(arena, limit):
    """Builds libFuzzer's program where there is none yet."""
    build = ROOT / "build-fuzz"
    made = [["cmake", "-S", ROOT, "-B", build, "-DCMAKE_CXX_COMPILER=clang++", "-DLOCKSTEP_FUZZ=ON",
             "-DCMAKE_BUILD_TYPE=RelWithDebInfo"], ["cmake", "--build", build, "--parallel", str(os.cpu_count()), "--target", "fuzz"]]
    for command in made:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise Failed(f"cannot build the program that fuzzes: {result.stdout[-2000:]}{result.stderr[-2000:]}\n"
                         "  it needs clang with libFuzzer (Debian: clang)")
    arena.known["fuzz"] = str(build / "tests/fuzz")
    formats = [name.rpartition("/")[2] for name in parsers(arena)]
    return [(name, part) for part in range((limit or GUIDED) // GUIDED) for name in formats]


def guided(arena, case, random):
    result = subprocess.run([arena.known["fuzz"], case[0], f"-runs={GUIDED}", f"-seed={random.randrange(1, 2**31)}",
                             f"-rss_limit_mb={MEGABYTES}", f"-timeout={SECONDS}", f"-artifact_prefix={ROOT}/build-fuzz/"],
                            capture_output=True, text=True, errors="replace", check=False)
    check(result.returncode == 0, f"exit {result.returncode}: {result.stderr[-3000:]}")


FAULTS = [
    Fault("F1", "mutated inputs, the same number for each parser", 10 * MUTATIONS, 100 * MUTATIONS, "", mutated,
          mutation_cases, MUTATIONS),
    Fault("F1s", f"inputs by coverage under ASan and UBSan, at most {MEGABYTES} MiB and {SECONDS} s", 0, 2 * GUIDED, "", guided,
          guided_cases, GUIDED),
    Fault("F2", "written bad input, np 1 and 4", 0, None, "", refused,
          lambda arena, _: [name for name in tests_of(program(arena)) if "/BadInput" in name]),
]
