#!/usr/bin/env python3
"""Loops over elementary functions are vector code, in each library of the mathematics.

usage: vector_code.py OBJDUMP LIBRARY...
Whether a compiler makes vector code of a loop changes no bit, so no other test sees it when it stops; the step of a small
transformer then takes a third longer. Counts the arithmetic of whole vectors and of single numbers in what objdump shows; loops
that are vector code have tails in scalar code, with two or three times as many instructions.
"""
import collections
import re
import subprocess
import sys

FUNCTIONS = ["SavedSlope<lockstep::(anonymous namespace)::Gelu>::forward",
             "SavedSlope<lockstep::(anonymous namespace)::Silu>::forward",
             "Elementwise<lockstep::(anonymous namespace)::Elu>::forward",
             "Elementwise<lockstep::(anonymous namespace)::Sigmoid>::forward",
             "Elementwise<lockstep::(anonymous namespace)::Tanh>::forward",
             "Recurrent<lockstep::(anonymous namespace)::LstmCell>",
             "Recurrent<lockstep::(anonymous namespace)::GruCell>",
             "kernels::exponentials(", "(anonymous namespace)::CrossEntropy::evaluate",
             "(anonymous namespace)::Adam<true>::step"]
LEAST = 0.2  # of the instructions for single numbers; 0.16 at most where loops are scalar code
ARITHMETIC = re.compile(r"\sv(?:add|sub|mul|div)([ps])s\s.*%([xyz])mm")


def counts(objdump, library):
    """For each of FUNCTIONS, how many instructions do arithmetic with whole vectors and with single numbers."""
    text = subprocess.run([objdump, "-d", "-C", "--no-show-raw-insn", library], capture_output=True, text=True,
                          check=True).stdout
    found = collections.defaultdict(lambda: [0, 0])
    names = []
    for line in text.splitlines():
        if line.endswith(">:"):
            names = [name for name in FUNCTIONS if name in line]
        elif names and (match := ARITHMETIC.search(line)):
            for name in names:
                if match[1] == "s":
                    found[name][1] += 1
                elif match[2] != "x":
                    found[name][0] += 1
    return found


def main():
    objdump, *libraries = sys.argv[1:]
    failed = False
    for library in libraries:
        found = counts(objdump, library)
        for name in FUNCTIONS:
            vectors, numbers = found[name]
            ok = vectors > 0 and vectors >= LEAST * numbers
            failed |= not ok
            print("ok    " if ok else "FAILED", f"{vectors} of vectors, {numbers} of numbers: {name}, {library}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
