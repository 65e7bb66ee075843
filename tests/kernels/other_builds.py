#!/usr/bin/env python3
"""The known answers as other compilers and tunings compute them; and that they can be wrong.

usage: other_builds.py SOURCE_DIR WORK_DIR COMPILER...
"""
import concurrent.futures
import pathlib
import subprocess
import sys

SOURCES = ["tests/kernels/known_answers_main.cpp", "src/base/portable_math.cpp", "src/base/random.cpp",
           "src/kernels/known_answers.cpp", "src/kernels/tile.cpp", "src/kernels/conv_tile.cpp",
           "src/kernels/packing.cpp", "src/kernels/tree_tile.cpp", "src/nn/known_answers.cpp"]
FLAGS = ["-std=c++20", "-fno-math-errno", "-fno-trapping-math", "-Iinclude", "-Isrc", "-w"]
# The cost model of Zen 3 splits fused multiply-adds that were not asked for by name.
RIGHT = ["-O3", "-march=x86-64-v3", "-mtune=znver3", "-ffp-contract=off"]
WRONG = ["-O3", "-march=x86-64-v3", "-mtune=znver3", "-ffp-contract=fast"]


def answers(source, work, compiler, flags):
    """What the program says, compiled so: nothing, or what differs."""
    program = work / "_".join([*pathlib.Path(compiler).parts[1:], *flags]).replace("=", "-")
    subprocess.run([compiler, *flags, *FLAGS, *SOURCES, "-lfmt", "-o", str(program)], cwd=source, check=True)
    ended = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    if ended.returncode != (1 if ended.stdout else 0):
        return f"ended with {ended.returncode}: {ended.stderr}"
    return ended.stdout


def main():
    source, work, *compilers = sys.argv[1:]
    work = pathlib.Path(work)
    work.mkdir(parents=True, exist_ok=True)
    builds = [(compiler, RIGHT) for compiler in compilers] + [(compilers[0], WRONG)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        said = list(pool.map(lambda build: answers(source, work, *build), builds))
    failed = False
    for (compiler, flags), text in zip(builds, said):
        expected = flags is RIGHT
        ok = text == "" if expected else "the digest of the results is" in text
        failed |= not ok
        print("ok    " if ok else "FAILED", compiler, *flags, text.strip() or "as everywhere")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
