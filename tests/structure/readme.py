#!/usr/bin/env python3
"""Checks that what the pages say is there, and how they are written.

usage: readme.py ROOT         prints every fault of README.md and of all pages in the folders, fails if there is one
       readme.py --self-test  shows on small trees that each check can fail
"""
import re

import trees

FOLDERS = ("cmake", "datasets", "include", "scripts", "src", "tests")
README_BYTES = 15_000
COLUMNS = 120
PROGRAM = "tests/examples/five_to_ten.cpp"


def pages(root):
    """README.md and the pages in the folders; what is fetched into datasets/NAME is not ours."""
    found = [root / "README.md"]
    for folder in FOLDERS:
        found += sorted((root / folder).rglob("*.md"))
    return [page for page in found if not re.match(r"datasets/.+/", page.relative_to(root).as_posix())]


def parts(text):
    """Yields (line number, line, kind) with kind code, table, heading or prose."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        fence = line.lstrip().startswith("```")
        if fence or fenced:
            yield number, line, "code"
        else:
            yield number, line, {"|": "table", "#": "heading"}.get(line.lstrip()[:1], "prose")
        fenced ^= fence
    if fenced:
        yield number, "", "open"


def anchors(page):
    """What links can name of a page: its headings as git hosts write them."""
    headings = [line for _, line, kind in parts(page.read_text(encoding="utf-8")) if kind == "heading"]
    plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", line.lstrip("# ")) for line in headings]
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def check_links(page, text):
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists():
            yield f"a link leads nowhere: {link}"
        elif anchor and (target.suffix != ".md" or anchor not in anchors(target)):
            yield f"no such heading: {link}"


def check_names(root, text):
    """Files named from the root, as in tests/a.py. NAME stands for what the reader chooses."""
    for name in re.findall(r"(?<![\w./-])(?:scripts|tests|src|include|cmake)/[\w./-]*\w", text):
        if "NAME" not in name and not (root / name).exists():
            yield f"no such file: {name}"


def check_lines(text):
    for number, line, kind in parts(text):
        if kind == "open":
            yield f"{number}: a code block without an end"
        if kind not in ("prose", "heading"):
            continue
        if len(line) > COLUMNS:
            yield f"{number}: {len(line)} columns, at most {COLUMNS}"
        bare = re.sub(r"`[^`]*`|\*\*[^*]*\*\*|\]\([^)]*\)", "x", line)
        if kind == "prose" and re.search(r"[\w)\]%][.!?][)\"]? +[A-Z]", bare):
            yield f"{number}: two sentences on a line"


def check_page(root, page):
    text = page.read_text(encoding="utf-8")
    yield from check_links(page, text)
    yield from check_names(root, text)
    yield from check_lines(text)


def check_readme(root):
    readme = (root / "README.md").read_text(encoding="utf-8")
    if (size := len(readme.encode())) > README_BYTES:
        yield f"README.md: {size} bytes, at most {README_BYTES}"
    program = (root / PROGRAM).read_text(encoding="utf-8")
    if program[program.index("int main()"):].strip() not in readme:
        yield f"README.md: the ten-line program differs from {PROGRAM}"
    for page in pages(root)[1:]:
        name = page.relative_to(root).as_posix()
        if not re.search(rf"\]\({re.escape(name)}[#)]", readme):
            yield f"README.md: nothing leads to {name}"


def check(root):
    for page in pages(root):
        yield from (f"{page.relative_to(root)}: {fault}" for fault in check_page(root, page))
    yield from check_readme(root)


# -- Self-test ---------------------------------------------------------------------------------------------------------

GOOD_README = """# A title
One sentence, see [the sources](src/README.md#one-way) or `src/a.cpp`, `src/NAME.cpp`.
Version 1.5 of [another place](https://example.org/x), e.g. this.

| a table | """ + "x" * COLUMNS + """. It |
|---|---|

```cpp
int main() { return 0; } // """ + "y" * COLUMNS + """. It
int main() {}
```
"""
GOOD_TREE = {
    "README.md": GOOD_README,
    "src/README.md": "# Sources\n[back](../README.md), [here](#one-way), [a](a.cpp)\n\n## One `way`\n",
    "src/a.cpp": "",
    "datasets/fetched/README.md": "[not ours](nowhere)\n",
    PROGRAM: "#include <cstdio>\n\nint main() {}\n",
}

# File, its content, and words of the one fault it must cause.
BAD_FILES = [
    ("src/README.md", "[a](b.cpp)\n\n## One way\n", "src/README.md: a link leads nowhere: b.cpp"),
    ("src/README.md", "[a](src/a.cpp)\n\n## One way\n", "a link leads nowhere: src/a.cpp"),
    ("src/README.md", "![a](a.png)\n\n## One way\n", "a link leads nowhere: a.png"),
    ("src/README.md", "[a](#another)\n\n## One way\n", "no such heading: #another"),
    ("src/README.md", "# Sources\n", "no such heading: src/README.md#one-way"),
    ("src/README.md", "Named: `src/b.cpp`.\n\n## One way\n", "no such file: src/b.cpp"),
    ("src/README.md", "```\ntests/b.py\n```\n\n## One way\n", "no such file: tests/b.py"),
    ("src/README.md", "x" * (COLUMNS + 1) + "\n\n## One way\n", f"1: {COLUMNS + 1} columns"),
    ("src/README.md", "A sentence. Another.\n\n## One way\n", "1: two sentences"),
    ("src/README.md", "- A `name`. Another.\n\n## One way\n", "1: two sentences"),
    ("src/README.md", "## One way\n```\ncode\n", "a code block without an end"),
    ("src/more/PAGE.md", "A page.\n", "nothing leads to src/more/PAGE.md"),
    ("README.md", GOOD_README + "word\n" * (README_BYTES // 5), "bytes, at most"),
    ("README.md", GOOD_README.replace("int main() {}", "int main() { }"), "the ten-line program differs"),
]


def self_test():
    good = list(GOOD_TREE.items())
    cases = [(good, None)] + [([*good, (name, content)], words) for name, content, words in BAD_FILES]
    return sum(not trees.judged_rightly(check, files, words) for files, words in cases)


if __name__ == "__main__":
    trees.main(__doc__, check, self_test)
