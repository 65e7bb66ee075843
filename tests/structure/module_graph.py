#!/usr/bin/env python3
"""Checks the structure of the sources: who may include whom, what the top level holds, how long files are.

usage: module_graph.py ROOT         prints every violation, fails if there is one
       module_graph.py --self-test  shows on small trees that each rule can fail
"""
import re
import shutil
import subprocess

import trees

# Each module and what it may include besides itself: the module graph, transitive arrows written out.
MAY_INCLUDE = {
    "base": [],
    "kernels": ["base"],
    "nn": ["base", "kernels"],
    "optim": ["base"],
    "io": ["base"],
    "data": ["base", "io"],
    "comm": ["base"],
    "reduce": ["base", "comm"],
    "config": ["base"],
    # One step, and what it takes: it knows no configuration.
    "train": ["base", "nn", "optim", "io", "data", "comm", "reduce"],
    # From a configuration to objects.
    "setup": ["base", "nn", "optim", "data", "comm", "config", "train"],
    # The life of a run.
    "run": ["base", "kernels", "nn", "io", "data", "comm", "config", "train", "setup"],
    # A trained model at work.
    "infer": ["base", "nn", "io", "data", "comm", "config", "train", "setup", "run"],
    "cli": ["base", "kernels", "nn", "optim", "io", "data", "comm", "reduce", "config", "train", "setup", "run", "infer"],
}

# Headers of other projects that only certain modules may include.
OWNERS = [
    (r"mpi(\b|_)", ["comm"]),
    (r"(hdf5|H5)", ["io"]),
    (r"omp\.h", ["base"]),
    (r"(oneapi/)?dnnl", ["kernels"]),
    (r"(unsupported/)?Eigen/", ["base", "kernels"]),
    (r"toml", ["config"]),
    (r"CLI/", ["cli"]),
    (r"(zlib|xxhash)", ["io"]),
]

# Public headers include the standard library, whose headers have neither a dot nor a slash, and these.
PUBLIC_EXCEPTIONS = [("comm", "mpi.h"), ("base", "omp.h")]

TOP_LEVEL = {"CMakeLists.txt", "LICENSE", "README.md", "cmake", "datasets", "include", "scripts", "src", "tests"}

LINES_AT_MOST = 400

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
OPEN_ENDS = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")


def check_include(module, public, bracket, header):
    """Says what is wrong with one #include, or None."""
    if bracket == '"' or header.startswith("lockstep/"):
        parts = header.removeprefix("lockstep/").split("/")
        if len(parts) == 1 or parts[0] == module:  # a file beside this one
            return None
        if parts[0] not in MAY_INCLUDE:
            return f"includes \"{header}\", but there is no module '{parts[0]}'"
        if parts[0] not in MAY_INCLUDE[module]:
            allowed = ", ".join(MAY_INCLUDE[module]) or "nothing"
            return f"includes \"{header}\", but {module} may include only: {allowed}"
        return None
    for pattern, owners in OWNERS:
        if re.match(pattern, header) and module not in owners:
            return f"includes <{header}>, which belongs to {' and '.join(owners)}"
    if public and re.search(r"[./]", header) and (module, header) not in PUBLIC_EXCEPTIONS:
        return f"includes <{header}>, but public headers include only the standard library"
    return None


def source_files(root):
    """Yields (path, module, public) of each C++ file of the library and the program."""
    for folder, public in (("include/lockstep", True), ("src", False)):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".hpp", ".cpp", ".h"):
                yield path, path.relative_to(root / folder).parts[0], public


def check_sources(root):
    for path, module, public in source_files(root):
        where = path.relative_to(root)
        if module not in MAY_INCLUDE:
            yield f"{where}: '{module}' is no module: one of {', '.join(MAY_INCLUDE)}"
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            match = INCLUDE.match(line)
            problem = match and check_include(module, public, *match.groups())
            if problem:
                yield f"{where}:{number}: {problem}"
        if len(lines) > LINES_AT_MOST:
            yield f"{where}: {len(lines)} lines, at most {LINES_AT_MOST}: split it"


def check_open_ends(root):
    for folder in ("src", "include", "tests", "scripts", "cmake"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".cpp", ".hpp", ".h", ".py", ".sh", ".cmake", ".txt", ".toml"):
                continue
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                if match := OPEN_ENDS.search(line):
                    yield f"{path.relative_to(root)}:{number}: {match[1]}: do it or leave it"


def top_level(root):
    """Names at the top, without what git ignores; without git (a tarball), without what a build leaves."""
    git = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, check=False) if (root / ".git").exists() and shutil.which("git") else None
    if git and git.returncode == 0 and git.stdout:
        # A file that is deleted but still in the index does not count.
        files = [name for name in git.stdout.decode().split("\0") if name and (root / name).exists()]
        names = {name.split("/")[0] for name in files}
    else:
        names = {path.name for path in root.iterdir()}
        names = {name for name in names if not re.match(r"build|runs$", name)}
    return {name for name in names if not name.startswith(".")}


def check_top_level(root):
    names = top_level(root)
    for name in sorted(names - TOP_LEVEL):
        yield f"{name}: does not belong at the top level"
    for name in sorted(TOP_LEVEL - names):
        yield f"{name}: missing at the top level"


def check(root):
    return [*check_sources(root), *check_open_ends(root), *check_top_level(root)]


# -- Self-test ---------------------------------------------------------------------------------------------------------

GOOD_TREE = {
    "CMakeLists.txt": "", "LICENSE": "", "README.md": "", "datasets/README.md": "", "cmake/a.cmake": "",
    "scripts/a.sh": "", "tests/a_test.cpp": "", ".gitignore": "", "build-x/left.txt": "", "runs/left.txt": "",
    "include/lockstep/base/a.hpp": "#include <omp.h>\n#include <vector>\n",
    "include/lockstep/comm/a.hpp": '#include <mpi.h>\n#include "lockstep/base/a.hpp"\n',
    "src/nn/a.cpp": '#include "nn/a.hpp"\n#include "b.hpp"\n#include "lockstep/kernels/a.hpp"\n',
    "src/nn/layers/a.cpp": '#include "nn/layers/b.hpp"\n',
    "src/kernels/a.cpp": "#include <Eigen/Core>\n#include <dnnl.h>\n#include <fmt/format.h>\n",
    "src/io/a.cpp": "#include <hdf5.h>\n#include <zlib.h>\n" + "\n" * (LINES_AT_MOST - 2),
    "src/train/a.cpp": '#include "lockstep/reduce/a.hpp"\n',
}

# File, its content, and words of the one message it must cause.
BAD_FILES = [
    ("src/nn/b.cpp", '#include "lockstep/comm/a.hpp"\n', "nn may include only"),
    ("src/nn/layers/b.cpp", '  #  include "comm/a.hpp"\n', "nn may include only"),
    ("src/nn/b.cpp", "#include <lockstep/optim/a.hpp>\n", "nn may include only"),
    ("src/base/b.cpp", '#include "lockstep/io/a.hpp"\n', "base may include only: nothing"),
    ("src/train/b.cpp", '#include "cli/a.hpp"\n', "train may include only"),
    ("src/train/b.cpp", '#include "lockstep/config/a.hpp"\n', "train may include only"),
    ("src/setup/b.cpp", '#include "lockstep/run/a.hpp"\n', "setup may include only"),
    ("src/run/b.cpp", '#include "infer/a.hpp"\n', "run may include only"),
    ("include/lockstep/reduce/b.hpp", '#include "lockstep/nn/a.hpp"\n', "reduce may include only"),
    ("src/io/b.cpp", '#include "lockstep/misc/a.hpp"\n', "no module 'misc'"),
    ("src/utils/b.cpp", "", "'utils' is no module"),
    ("src/train/b.cpp", "#include <mpi.h>\n", "belongs to comm"),
    ("src/data/b.cpp", "#include <hdf5.h>\n", "belongs to io"),
    ("src/data/b.cpp", "#include <H5Fpublic.h>\n", "belongs to io"),
    ("src/nn/b.cpp", "#include <omp.h>\n", "belongs to base"),
    ("src/nn/b.cpp", "#include <oneapi/dnnl/dnnl.hpp>\n", "belongs to kernels"),
    ("src/nn/b.cpp", "#include <Eigen/Dense>\n", "belongs to base and kernels"),
    ("include/lockstep/kernels/b.hpp", "#include <Eigen/Core>\n", "only the standard library"),
    ("include/lockstep/io/b.hpp", "#include <fmt/format.h>\n", "only the standard library"),
    ("include/lockstep/io/b.hpp", "#include <unistd.h>\n", "only the standard library"),
    ("src/nn/b.cpp", "\n" * (LINES_AT_MOST + 1), "split it"),
    ("tests/b_test.cpp", "// TO" "DO\n", "do it or leave it"),
    ("notes.txt", "", "does not belong"),
    ("bin/a", "", "does not belong"),
    ("LICENSE", None, "missing"),
]


def make_git(root):
    """The tree becomes a checkout, with a file that git ignores."""
    trees.write(root, ".gitignore", "/build*/\n/runs/\n/ignored\n")
    trees.write(root, "ignored", "")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)


def self_test():
    good = list(GOOD_TREE.items())
    cases = [(good, None)] + [([*good, (name, content)], words) for name, content, words in BAD_FILES]
    if shutil.which("git"):
        in_git = [*good, ("git", make_git)]
        cases += [(in_git, None), ([*in_git, ("notes.txt", "")], "does not belong")]
    return sum(not trees.judged_rightly(check, files, words) for files, words in cases)


if __name__ == "__main__":
    trees.main(__doc__, check, self_test)
