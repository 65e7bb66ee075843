"""Wrong input, written by hand: the table of tests/system, at one rank and at four."""
import os
import subprocess

from campaign.arena import AS_ROOT, Fault, check


def program(arena):
    return str(arena.build / "tests/system_bad_input_test")


def rows(arena, _):
    listed = subprocess.run([program(arena), "--gtest_list_tests"], capture_output=True, text=True, check=True).stdout
    suite, names = "", []
    for line in listed.splitlines():
        if line.endswith("."):
            suite = line
        elif line.startswith("  "):
            names.append(suite + line.split()[0])
    return names


def refused(arena, name, _):
    result = subprocess.run([program(arena), f"--gtest_filter={name}"], capture_output=True, text=True, check=False,
                            env={**os.environ, **AS_ROOT})
    check(result.returncode == 0 and "[  PASSED  ] 1 test" in result.stdout, result.stdout[-2000:])


FAULTS = [
    Fault("F2", "written bad input, np 1 and 4", 0, None, "", refused, rows),
]
