"""Every assignment: its solutions earn all points, each its own, and an untouched copy none."""

import json
import re

import nbformat
import pytest

from tools.assignments import MASTERS, write
from tools.chapters import ROOT
from tools.grading.copies import answer_key, solution_notebook, student_notebook, with_answers
from tools.grading.in_process import InProcess
from tools.grading.judge import Judge
from tools.grading.master import SOLUTION, read_master
from tools.grading.sandbox import Limits
from tools.grading.worker import grade_apart

PATHS = sorted(MASTERS.glob("[0-9]*.ipynb"))
SEEDS = ("the first secret seed", "another secret seed")
each_master = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def points(key, notebook):
    """The points of each question that has tests."""
    submission, judge = InProcess(notebook), Judge(key)
    return {
        question.number: sum(outcome.points for outcome in judge.run(question, submission.answer))
        for question in key.questions
        if question.tests
    }


@each_master
@pytest.mark.parametrize("seed", SEEDS)
def test_solutions_earn_all_points_and_an_untouched_copy_none(path, seed):
    master = read_master(path, seed)
    key = answer_key(master)
    most = {question.number: question.points for question in key.questions if question.tests}
    assert most and all(most.values())
    assert points(key, solution_notebook(master)) == most
    assert points(key, student_notebook(master)) == dict.fromkeys(most, 0)


@each_master
def test_solutions_earn_all_points_in_a_sandbox_too(bwrap, path):
    master = read_master(path, SEEDS[0])
    data = nbformat.writes(solution_notebook(master)).encode()
    key = answer_key(master)
    graded = grade_apart(data, key, Limits())
    tests = {test.name for question in key.questions for test in question.tests}
    assert {name for name, (passed, _) in graded.tests.items() if passed} == tests
    assert not graded.notes and not graded.errors


@each_master
def test_the_solution_of_one_question_earns_the_points_of_that_question(path):
    master = read_master(path, SEEDS[0])
    key = answer_key(master)
    most = {question.number: question.points for question in key.questions if question.tests}
    for number in most:
        earned = points(key, with_answers(master, {number}))
        assert earned == dict.fromkeys(most, 0) | {number: most[number]}


@each_master
def test_a_copy_holds_no_solution_no_hidden_test_and_no_rubric(path):
    master = read_master(path, SEEDS[0])
    copy = "\n".join(cell.source for cell in student_notebook(master).cells)
    assert "SOLUTION" not in copy and "HIDDEN" not in copy and master.seed not in copy
    raw = nbformat.read(path, as_version=4)
    for cell in raw.cells:
        for match in SOLUTION.finditer(cell.source + "\n"):
            own = [line.strip() for line in match[2].splitlines() if len(line.strip()) > 12]
            assert not [line for line in own if line in copy]
    for question in master.questions:
        hidden = [test for test in question.tests if not test.public]
        assert not [test.name for test in hidden if test.name in copy]
        assert not [test.what for test in hidden if test.what in copy]
        sentences = [s for s in re.split(r"[.:]\s", question.rubric) if len(s) > 20]
        assert bool(sentences) == bool(question.written)
        assert not [sentence for sentence in sentences if sentence in copy]


@each_master
def test_another_seed_changes_what_is_drawn_and_the_same_seed_gives_the_same_bytes(path, tmp_path):
    written = {}
    for folder, seed in {"a": SEEDS[0], "b": SEEDS[0], "c": SEEDS[1]}.items():
        write(path, seed, tmp_path / folder)
        files = sorted((tmp_path / folder).rglob("*.*"))
        written[folder] = {f.relative_to(tmp_path / folder): f.read_bytes() for f in files}
    assert len(written["a"]) == 3
    assert written["a"] == written["b"]
    keys = {
        f: json.loads(next(v for k, v in written[f].items() if k.suffix == ".json")) for f in "ac"
    }
    assert keys["a"]["given"] != keys["c"]["given"]


@each_master
def test_titles_points_and_objectives_are_those_of_the_chapter(path):
    master = read_master(path, SEEDS[0])
    chapter = nbformat.read(ROOT / "chapters" / path.name, as_version=4)
    listed = next(cell.source for cell in chapter.cells if cell.id == "objectives")
    objectives = re.findall(r"^- ", listed, re.MULTILINE)
    assert master.title.startswith(f"Assignment {int(path.stem[:2])}: ")
    asked = {number for question in master.questions for number in question.objectives}
    assert asked <= set(range(1, len(objectives) + 1))
    assert len(asked) >= len(objectives) - 1, "nearly every objective is asked for"
    total = sum(question.points for question in master.questions)
    opening = master.cells[0].source
    assert f"{total} points" in opening, f"the opening should say {total} points"
    assert any(question.written for question in master.questions)
