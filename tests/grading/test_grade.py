"""A folder as students and downloads leave it is graded whole, goes on, and gives one table."""

import copy
import csv
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pytest
from bs4 import BeautifulSoup

from tools import grade
from tools.grading import worker
from tools.grading.batch import Row
from tools.grading.points import Written, defused, score
from tools.grading.reports import feedback
from tools.grading.submissions import Found, Unreadable, find, read_bytes, read_notebook
from tools.grading.worker import grade_apart

LIMITS = grade.Limits(cell=15, question=15, total=240, memory=2**30, processes=32)
HALF = "\\ud800"  # half a character, as JSON can hold it


def edited(notebook, **sources):
    """A copy with other sources for some cells, by id; ``None`` takes a cell out."""
    notebook = copy.deepcopy(notebook)
    names = {name.replace("_", "-"): source for name, source in sources.items()}
    notebook.cells = [cell for cell in notebook.cells if names.get(cell.id, "") is not None]
    for cell in notebook.cells:
        cell.source = names.get(cell.id, cell.source)
    return notebook


def without_ids(notebook):
    """As Colab writes it."""
    notebook = json.loads(nbformat.writes(notebook)) | {"nbformat_minor": 0}
    for cell in notebook["cells"]:
        del cell["id"]
    return json.dumps(notebook)


def fill(folder, assignment):
    """A dozen submissions, and what else lies about."""
    untouched, solved = assignment.untouched, assignment.solved
    (folder / "Empty").mkdir(parents=True)
    (folder / "Twice").mkdir()
    notebooks = {
        "doejane_LATE_421_9001_04_scaling.ipynb": solved,
        "untouched_422_9002_04_scaling-1.ipynb": untouched,
        "one.ipynb": assignment.answered(1),
        "two and three.ipynb": assignment.answered(2, 3),
        "=HYPERLINK(1).ipynb": assignment.answered(1),
        "<img src=x>.ipynb": edited(solved, answer_4="<script>alert(1)</script> **mine**"),
        "missing.ipynb": edited(solved, question_2=None, answer_2=None, test_one_key=None),
        "wrong kinds.ipynb": edited(
            solved, answer_1="score_std, divisor = '9', [1]", answer_3="freedom = 3"
        ),
        "nothing right.ipynb": edited(
            solved, answer_2="def silent_attention(*a):\n    raise ValueError('no <' + 'idea>')"
        ),
        "Twice/04_scaling.ipynb": solved,
        "Twice/copy.ipynb": untouched,
        "twice.ipynb": assignment.answered(3),
    }
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / name)
    (folder / "no ids.ipynb").write_text(without_ids(assignment.answered(1, 3)))
    (folder / "half.ipynb").write_text(without_ids(solved).replace("Two points", HALF))
    (folder / "deep.ipynb").write_text("[" * 10**6)
    (folder / "number.ipynb").write_text("3")
    (folder / "text.ipynb").write_bytes(b"\xff\xfeno notebook")
    (folder / "cells.ipynb").write_text(
        '{"nbformat": 4, "cells": [{"cell_type": [], "source": 3}]}'
    )
    (folder / "link.ipynb").symlink_to(assignment.path)
    (folder / "linked folder").symlink_to("/etc")
    os.mkfifo(folder / "pipe.ipynb")
    with open(folder / "large.ipynb", "wb") as file:
        file.truncate(2**30)
    (folder / os.fsdecode(b"caf\xe9.ipynb")).write_text("3")
    (folder / "readme.txt").write_text("not a submission")
    return len(notebooks) + 12


COMMAND = """
import sys
from pathlib import Path
from tools.grade import Key, grade
from tests.grading.test_grade import LIMITS
if __name__ == "__main__":
    grade(Path(sys.argv[1]), Key.read(Path(sys.argv[2])), Path(sys.argv[3]), LIMITS)
"""


@pytest.fixture(scope="module")
def graded(bwrap, assignment, tmp_path_factory):
    """The folder, graded once after an interruption and once at a stretch."""
    base = tmp_path_factory.mktemp("class")
    folder, again, whole = (base / name for name in ("submissions", "again", "whole"))
    count = fill(folder, assignment)
    command = [sys.executable, "-c", COMMAND, str(folder), str(assignment.path), str(again)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        until = time.monotonic() + 180
        while len(kept := [*again.glob("results/[0-9a-f]*.json")]) < 4 and first.poll() is None:
            assert time.monotonic() < until
            time.sleep(0.1)
        first.kill()
    assert not (again / "grades.csv").exists(), "it was stopped before its end"
    times = {path: path.stat().st_mtime_ns for path in kept}
    grade.grade(folder, assignment.key, again, LIMITS)
    scores = grade.grade(folder, assignment.key, whole, LIMITS)
    return SimpleNamespace(
        folder=folder,
        output=whole,
        again=again,
        count=count,
        kept=times,
        scores={one.row.found.student: one for one in scores},
    )


def table(path):
    with open(path, encoding="utf-8", newline="") as file:
        return [*csv.DictReader(file)]


def test_an_interrupted_batch_goes_on_and_gives_the_same_table(graded):
    assert len(graded.kept) >= 4
    assert graded.kept == {path: path.stat().st_mtime_ns for path in graded.kept}
    tables = [table(output / "grades.csv") for output in (graded.again, graded.output)]
    assert all(row.pop("seconds") for rows in tables for row in rows)
    assert tables[0] == tables[1] and len(tables[0]) == graded.count


@pytest.mark.parametrize(
    ("student", "points"),
    {
        "doejane": [2, 5, 4, None],
        "untouched": [0, 0, 0, 0],
        "one": [2, 0, 0, 0],
        "two and three": [0, 5, 4, 0],
        "=HYPERLINK(1)": [2, 0, 0, 0],
        "missing": [2, 0, 4, None],
        "wrong kinds": [0, 5, 0, None],
        "nothing right": [2, 0, 4, None],
        "no ids": [2, 0, 4, 0],
        "half": [2, 5, 4, None],
        "Twice": [2, 5, 4, None],
        "Twice (2)": [0, 0, 0, 0],
        "twice (3)": [0, 0, 4, 0],
        "deep": [0, 0, 0, 0],
        "link": [0, 0, 0, 0],
        "Empty": [0, 0, 0, 0],
    }.items(),
)
def test_each_submission_earns_what_its_answers_earn(graded, student, points):
    assert [*graded.scores[student].points.values()] == points


@pytest.mark.parametrize(
    ("student", "note"),
    {
        "deep": "not JSON that can be read",
        "number": "without a notebook's cells",
        "caf\ufffd": "without a notebook's cells",
        "text": "not JSON that can be read",
        "cells": "without a notebook's cells",
        "link": "a link, which was not followed",
        "linked folder": "a link, which was not followed",
        "pipe": "it is no file",
        "large": "1,073,741,824 bytes",
        "Empty": "holds no notebook",
        "missing": "question 2 is not in the notebook",
        "Twice": "3 submissions are of this student",
        "twice (3)": "3 submissions are of this student",
        "doejane": "points of question 4 are still to be given",
    }.items(),
)
def test_the_notes_say_what_to_look_at(graded, student, note):
    rows = {row["student"]: row for row in table(graded.output / "grades.csv")}
    assert note in rows[student]["notes"]


def test_an_honest_submission_has_no_note(graded):
    clean = ("untouched", "one", "two and three", "no ids", "=HYPERLINK(1)")
    assert not [note for student in clean for note in graded.scores[student].notes]


def test_canvas_gets_numbers_from_file_names_and_nobody_twice(graded):
    rows = table(graded.output / "canvas.csv")
    assert [*rows[0]] == ["Student", "ID", "SIS Login ID", "Section", "Assignment 4: scaling"]
    found = {row["Student"]: row for row in rows}
    assert found["doejane"]["ID"] == "421" and found["untouched"]["ID"] == "422"
    assert found["one"]["Assignment 4: scaling"] == "2"
    assert found["doejane"]["Assignment 4: scaling"] == "", "a person has not read question 4"
    assert not [student for student in found if student.casefold().startswith("twice")]


def test_tables_hold_no_formula(graded):
    for path in graded.output.glob("*.csv"):
        assert not re.search(r"(^|,)\"?[=+@-]", path.read_text(), re.MULTILINE)
    assert "'=HYPERLINK(1)" in (graded.output / "grades.csv").read_text()
    assert [defused(text) for text in ("=1", "+1", "-1", "@a", "a=1")] == [
        *("'=1", "'+1", "'-1", "'@a", "a=1")
    ]


def test_feedback_is_one_file_that_shows_words_of_students_as_words(graded, assignment):
    pages = [*graded.output.glob("feedback/*.html")]
    assert len(pages) == graded.count
    for path in pages:
        page = BeautifulSoup(path.read_text(encoding="utf-8"), "lxml")
        assert not page.find_all(["script", "img", "link", "iframe", "a"])
        assert len(page.find_all("h2")) == len(assignment.key.questions)
    text = BeautifulSoup(feedback(graded.scores["<img src=x>"], assignment.key), "lxml").text
    assert "<script>alert(1)</script> **mine**" in text and "11 of 15 points" in text
    assert "<img src=x>" in text and "not yet graded of 4" in text


def test_feedback_tells_of_a_hidden_test_no_more_than_what_it_is_about(graded, assignment):
    page = feedback(graded.scores["nothing right"], assignment.key)
    text = BeautifulSoup(page, "lxml").text
    assert text.count(": no <idea>") == 2, "once for the public test, once for its cell"
    assert text.count("your code raised ValueError") == 3
    assert "The answer is right on random queries" in text
    everything = "".join(
        path.read_text() for path in graded.output.glob("*/*") if path.suffix in (".html", ".json")
    )
    assert assignment.key.seed not in everything and "expected = " not in everything


def test_gradescope_reads_scores_below_their_most(graded, assignment):
    for path in graded.output.glob("gradescope/*.json"):
        found = json.loads(path.read_text())
        assert found["score"] == sum(test["score"] for test in found["tests"])
        assert sum(test["max_score"] for test in found["tests"]) == 15
    assert json.loads((graded.output / "gradescope/doejane.json").read_text())["score"] == 11


def test_points_that_a_person_gives_count_in_the_next_run(graded, assignment):
    path = graded.again / "written.csv"
    lines = table(path)
    assert "doejane" in {line["student"] for line in lines}
    assert "untouched" not in {line["student"] for line in lines}
    for line in lines:
        given = {"doejane": "3.5", "missing": "5", "half": "four"}.get(line["student"], "")
        line["points given"] = given
        line["comment"] = "- good" if given else ""
    with open(path, "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, lines[0], delimiter=";")  # as some spreadsheets write
        writer.writeheader()
        writer.writerows(lines)
    scores = grade.grade(graded.folder, assignment.key, graded.again, LIMITS)
    found = {one.row.found.student: one for one in scores}
    assert found["doejane"].total == 14.5 and not found["doejane"].notes
    assert "expected a number from 0 to 4" in "".join(found["missing"].notes)
    assert "'four'" in "".join(found["half"].notes)
    again = grade.grade(graded.folder, assignment.key, graded.again, LIMITS)
    assert again == scores, "a third run reads what the second wrote"
    assert "<blockquote>- good</blockquote>" in feedback(found["doejane"], assignment.key)
    kept = {line["student"]: line for line in table(path)}["doejane"]
    assert kept["points given"] == "3.5" and kept["comment"] == "'- good"


def test_one_page_has_all_written_answers_and_what_earns_points(graded, assignment):
    page = BeautifulSoup((graded.output / "written.html").read_text(encoding="utf-8"), "lxml")
    assert assignment.key.questions[3].rubric in page.text
    students = [heading.text for heading in page.find_all("h2")]
    assert "<img src=x>" in students and "untouched" not in students
    assert not page.find_all(["script", "img"])


def test_a_copy_of_a_students_own_text_is_told_from_what_was_handed_out(assignment):
    notebook = edited(assignment.untouched, answer_4="Mine.")
    notebook.cells.append(nbformat.v4.new_markdown_cell("And more."))
    read = read_notebook(nbformat.writes(notebook).encode(), assignment.key)
    assert read.written == {1: "", 2: "", 3: "", 4: "Mine.\n\nAnd more."}
    assert read.missing == ()
    assert not any("pip" in source for source in read.code)


def test_an_answer_that_stops_the_grader_costs_only_its_question(bwrap, assignment, monkeypatch):
    endless = "def test_the_divisor(divisor):\n    '''Counts.'''\n    sum(range(10**divisor))"
    first, *others = assignment.key.questions
    tests = (first.tests[0], replace(first.tests[1], source=endless))
    key = replace(assignment.key, questions=(replace(first, tests=tests), *others))
    notebook = edited(assignment.solved, answer_1="score_std, divisor = 0, 30")
    limits = replace(LIMITS, question=1.0)
    monkeypatch.setattr(worker, "_MORE", 1.0)
    graded = grade_apart(nbformat.writes(notebook).encode(), key, limits)
    row = Row(Found("student", "", None), graded)
    assert score(row, key, Written(assignment.path.with_name("none"))).total == 9
    assert graded.notes == ["question 1: its answers ended the process that judged them"]


def test_a_folder_without_submissions_is_said_to_be_one(tmp_path):
    with pytest.raises(ValueError, match="holds no notebook"):
        find(tmp_path)


def test_a_link_that_takes_a_files_place_is_not_followed(tmp_path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(Unreadable, match="link"):
        read_bytes(tmp_path / "link")


def test_the_command_says_what_is_missing(monkeypatch, tmp_path, assignment):
    def said(*arguments):
        monkeypatch.setattr(sys, "argv", ["grade", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            grade.main()
        return str(ended.value)

    assert "no folder of notebooks" in said(tmp_path / "absent", assignment.path)
    assert "no folder of notebooks" in said("", assignment.path)
    assert "`make assignments` writes keys" in said(tmp_path, tmp_path / "absent.json")
    (tmp_path / "key.json").write_text("{}")
    assert "no answer key that can be read" in said(tmp_path, tmp_path / "key.json", "--unsafe")
    assert "holds no notebook" in said(tmp_path, assignment.path, "--unsafe")
    monkeypatch.setattr(grade, "refusal", lambda key: "bubblewrap is not installed")
    assert "bubblewrap is not installed" in said(tmp_path, assignment.path)


def test_unsafe_warns_and_grades_honest_submissions_alike(
    monkeypatch, capsys, tmp_path, assignment, graded
):
    for name in ("one", "two and three", "missing"):
        (tmp_path / f"{name}.ipynb").write_bytes((graded.folder / f"{name}.ipynb").read_bytes())
    monkeypatch.setattr(grade, "_ROOT", tmp_path / "root")
    monkeypatch.setattr(sys, "argv", ["grade", str(tmp_path), str(assignment.path), "--unsafe"])
    grade.main()
    printed = capsys.readouterr()
    assert "UNSAFE" in printed.err and "3 submissions graded" in printed.out
    for row in table(tmp_path / "root/_build/grades/04_scaling/grades.csv"):
        assert row["total"] == f"{graded.scores[row['student']].total:g}"
