"""Grade 200 submissions in one run: `python -m tests.grading.many`, or `make grade-many`.

A quarter of them is hostile, the others are right, partly right or untouched. Interrupted, it goes
on where it was; at the end everybody's points are compared with what the answers are worth.
"""

import sys
import time

import nbformat
from tqdm import tqdm

from tests.grading.adversaries import ADVERSARIES, hostile_cell
from tools.assignments import MASTERS
from tools.chapters import ROOT
from tools.grade import grade
from tools.grading.copies import answer_key, with_answers, write_notebook
from tools.grading.master import read_master
from tools.grading.sandbox import Limits

COUNT = 200
FOLDER = ROOT / "_build" / "grade-many"
ANSWERED = ({1, 2, 3}, {1}, set(), {2, 3}, {1, 3}, {2}, {1, 2, 3}, {3}, {1, 2})


def submissions(master, folder):
    """Write them; give the points that each is worth."""
    near = {"SOLVED": folder / "000.ipynb", "OTHER": folder / "001.ipynb", "OUTSIDE": FOLDER}
    names = {name: str(path) for name, path in near.items()}
    names |= {"KEY": str(FOLDER / "key.json"), "PORT": 9}  # the port that discards
    points = {question.number: question.points for question in master.questions if question.tests}
    worth = {}
    for number in tqdm(range(COUNT), desc="writing", unit="submission"):
        answered = {3} if number % 4 == 3 else ANSWERED[number % len(ANSWERED)]
        notebook = with_answers(master, answered)
        notebook.cells.append(nbformat.v4.new_code_cell(f"# {number}", id="own"))
        if number % 4 == 3:
            name = [*ADVERSARIES][number // 4 % len(ADVERSARIES)]
            notebook.cells.append(
                nbformat.v4.new_code_cell(hostile_cell(name, names), id="hostile")
            )
        write_notebook(notebook, folder / f"{number:03}.ipynb")
        worth[f"{number:03}"] = sum(points[question] for question in answered)
    return worth


def main():
    """Grade them and compare."""
    master = read_master(MASTERS / "04_scaling.ipynb", "the secret seed of two hundred")
    worth = submissions(master, FOLDER / "submissions")
    answer_key(master).write(FOLDER / "key.json")
    before = sorted(FOLDER.iterdir())
    began = time.monotonic()
    scores = grade(FOLDER / "submissions", answer_key(master), FOLDER / "grades", Limits())
    minutes = (time.monotonic() - began) / 60
    wrong = [
        f"{one.row.found.student}: {one.total:g} points instead of {worth[one.row.found.student]}"
        for one in scores
        if one.total != worth[one.row.found.student]
    ]
    if left := set(FOLDER.iterdir()) - {*before, FOLDER / "grades"}:
        wrong.append(f"left outside: {left}")
    noted = sum(bool(one.notes) for one in scores)
    print(f"{len(scores)} submissions in {minutes:.1f} minutes, {noted} with notes")
    sys.exit("\n".join(wrong) or None)


if __name__ == "__main__":
    main()
