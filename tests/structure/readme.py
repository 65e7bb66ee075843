#!/usr/bin/env python3
"""Checks that what the README shows is what the sources hold.  usage: readme.py ROOT"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
readme = (root / "README.md").read_text()
faults = []

program = (root / "tests/examples/five_to_ten.cpp").read_text()
if program[program.index("int main()"):].strip() not in readme:
    faults.append("the ten-line program differs from tests/examples/five_to_ten.cpp")
for link in re.findall(r"\]\(([^)#:]+)\)", readme):
    if not (root / link).exists():
        faults.append(f"a link leads nowhere: {link}")
for name in re.findall(r"(?:scripts|tests|src|include)/[\w./-]*\w", readme):
    if "NAME" not in name and not (root / name).exists():
        faults.append(f"no such file: {name}")

print("\n".join(faults) or "README: in step with the sources")
sys.exit(1 if faults else 0)
