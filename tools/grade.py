"""Grade a folder of submissions: `python -m tools.grade FOLDER KEY`, or `make grade`.

Each submission runs in a sandbox without network or files; the tests stay here. Into
`_build/grades/NAME/` go grades.csv and canvas.csv, a page of feedback and Gradescope's JSON for
each student, and where a person has to read: written.html with the answers and written.csv for
their points. With that filled in, the same command adds them up.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tools.grading.batch import grade_folder
from tools.grading.isolation import refusal
from tools.grading.key import Key
from tools.grading.points import Score, Written, score
from tools.grading.reports import write_reports
from tools.grading.sandbox import Limits

_ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Grade, write everything, and say what a person should look at."""
    parser = argparse.ArgumentParser(prog="make grade", description=__doc__.splitlines()[0])
    parser.add_argument("folder", help="notebooks, or one folder each")
    parser.add_argument("key", help="_build/assignments/keys/NN_topic.json")
    parser.add_argument("--unsafe", action="store_true", help="trust every submission")
    chosen = parser.parse_args()
    if not os.path.isdir(chosen.folder):
        sys.exit(f"cannot start: SUBMISSIONS={chosen.folder} is no folder of notebooks")
    if not os.path.isfile(chosen.key):
        sys.exit(f"cannot start: KEY={chosen.key} is no answer key: `make assignments` writes keys")
    if chosen.unsafe:
        print(
            "UNSAFE: submissions run in this process, without limits. Each can read and delete "
            "your files, stop this batch and change every grade.",
            file=sys.stderr,
        )
    elif why := refusal(Path(chosen.key)):
        sys.exit(f"cannot start: {why}")
    limits = None if chosen.unsafe else Limits()
    try:
        key = Key.read(Path(chosen.key))
        output = _ROOT / "_build" / "grades" / key.name
        scores = grade(Path(chosen.folder), key, output, limits)
    except ValueError as error:
        sys.exit(f"cannot grade: {error}")
    except KeyboardInterrupt:
        sys.exit("\nstopped; the same command goes on from here")
    for one in scores:
        for note in one.notes:
            print(f"{one.row.found.student}: {note}")
    print(f"{len(scores)} submissions graded: {output / 'grades.csv'}")


def grade(folder: Path, key: Key, output: Path, limits: Limits | None) -> list[Score]:
    """Grade a folder and write everything into ``output``; ``limits=None`` is ``--unsafe``.

    Raises:
        ValueError: the folder holds no submission.
    """
    rows = grade_folder(folder, key, output / "results", limits)
    written = Written(output / "written.csv")
    scores = [score(row, key, written) for row in rows]
    written.write(rows, key)
    write_reports(scores, key, output)
    return scores


if __name__ == "__main__":
    main()
