"""Checks of a tree of files, and how they show on small trees that each of them can fail."""
import pathlib
import sys
import tempfile


def write(root, name, content):
    """Writes a file of a tree; None removes it."""
    path = root / name
    if content is None:
        path.unlink()
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def judged_rightly(check, files, words):
    """Whether `check` finds just one fault in a tree of (name, content), and says `words` in it; none if there are none."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, content in files:
            if callable(content):
                content(root)
            else:
                write(root, name, content)
        found = list(check(root))
    right = len(found) == 1 and words in found[0] if words else not found
    if not right:
        print(f"{files[-1][0]}: expected {words or 'nothing'}, found {found}")
    return right


def main(usage, check, self_test):
    """Of a script with one argument: a root to check, or --self-test, which counts the trees that were judged wrongly."""
    if len(sys.argv) != 2:
        sys.exit(usage)
    if sys.argv[1] == "--self-test":
        wrong = self_test()
        print(f"self-test: {wrong} trees judged wrongly")
        sys.exit(1 if wrong else 0)
    faults = list(check(pathlib.Path(sys.argv[1]).resolve()))
    print("\n".join(faults) or "no fault")
    sys.exit(1 if faults else 0)
