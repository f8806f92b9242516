"""Run every test: `python -m tools.tests [NN]`.

The book is built first, so that its pages are those of the present sources. Then come the library,
the commands and the pages; at last nbval runs every notebook a second time and compares what it
prints with the executed copy.
"""

from __future__ import annotations

import subprocess
import sys

from tools import book, chapters


def main() -> None:
    """Run both, and fail if either does."""
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    book.main()
    pytest = [sys.executable, "-m", "pytest"]
    # Tests and chapters compute with one thread each, so every core takes files of its own. In
    # their own order: sorted by how many tests they hold, few and slow ones would come last.
    pytest += ["--numprocesses", str(chapters.side_by_side())]
    pytest += ["--dist", "loadfile", "--no-loadscope-reorder"]
    library = [*pytest, "tests"]
    failed = 0 if chosen else subprocess.run(library, cwd=chapters.ROOT).returncode
    copies = [
        str(chapters.EXECUTED / path.relative_to(chapters.ROOT))
        for path in chapters.chapters(chosen)
    ]
    nbval = ["-p", "no:cacheprovider", "-W", "default", "--nbval", "--nbval-current-env"]
    failed |= subprocess.run([*pytest, *nbval, *copies], cwd=chapters.ROOT).returncode
    sys.exit(failed)


if __name__ == "__main__":
    main()
