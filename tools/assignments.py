"""Write every assignment for this term: `python -m tools.assignments`, or `make assignments`.

From each master in `assignments/` come a student's notebook, a solution notebook and an answer key.
The term's secret seed is ``SEED``; else it is drawn once and kept in `assignments/.seed`, which git
ignores. The same masters and the same seed give the same bytes.
"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from _ext.execution import ROOT
from tools.grading.copies import answer_key, solution_notebook, student_notebook, write_notebook
from tools.grading.master import read_master

MASTERS = ROOT / "assignments"
OUTPUT = ROOT / "_build" / "assignments"
_SHORTEST = 12


def term_seed(folder: Path = MASTERS) -> str:
    """Give the seed of this term; draw and keep one where nobody chose it.

    Raises:
        ValueError: ``SEED`` is so short that students could find it by trying.
    """
    chosen = os.environ.get("SEED", "")
    if chosen:
        if len(chosen) < _SHORTEST:
            raise ValueError(
                f"SEED has {len(chosen)} characters; expected {_SHORTEST} or more, or students "
                "find it by trying. Leave it out, and one is drawn"
            )
        return chosen
    kept = folder / ".seed"
    if not kept.exists():
        handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(16) + "\n")
        print(f"drew a seed for this term, kept in {kept}; delete that file for a new term")
    return kept.read_text().strip()


def write(master: Path, seed: str, output: Path) -> None:
    """Write what comes of one master into the folders of ``output``."""
    read = read_master(master, seed)
    write_notebook(student_notebook(read), output / "student" / master.name)
    write_notebook(solution_notebook(read), output / "solutions" / master.name)
    answer_key(read).write(output / "keys" / f"{master.stem}.json")


def main() -> None:
    """Write all of them, a line each."""
    masters = sorted(MASTERS.glob("[0-9]*.ipynb"))
    try:
        seed = term_seed()
        for master in masters:
            write(master, seed, OUTPUT)
            print(master.stem)
    except ValueError as error:
        sys.exit(f"\nnot all assignments were written: {error}")
    print(f"{len(masters)} assignments: student/, solutions/ and keys/ in {OUTPUT}")


if __name__ == "__main__":
    main()
