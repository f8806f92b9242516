"""A master with a slip is refused, and the message names the cell; nothing is written of it."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tools import assignments
from tools.grading.key import Key
from tools.grading.master import read_master

TITLE = "# Assignment 1: a title"
QUESTION = "## Question 1: One\nObjectives: 1\n\nWhat is {{n}} + 1?"
GIVEN = '# GIVEN\ndef given(seed):\n    return {"n": seed % 7}'
ANSWER = "# ANSWER\nnext_one = ...\n# BEGIN SOLUTION\nnext_one = n + 1\n# END SOLUTION"
TEST = '# HIDDEN TEST (1 point)\ndef test_it(next_one, n):\n    """It is right."""\n    assert n'
CELLS = {"title": TITLE, "q": QUESTION, "given": GIVEN, "answer": ANSWER, "test": TEST}

SLIPS = {
    "a marker misspelt": (
        {"test": TEST.replace("HIDDEN", "HIDEN")},
        "cell test: .*no kind of cell",
    ),
    "a solution without an end": (
        {"answer": ANSWER.replace("# END SOLUTION", "")},
        "cell answer: expected `# BEGIN SOLUTION`",
    ),
    "a solution in a plain cell": ({"answer": ANSWER[9:]}, "cell answer: a solution stands"),
    "a test without a docstring": (
        {"test": TEST.replace('"""It is right."""', "pass")},
        "cell test: test_it: expected .* a docstring",
    ),
    "a public test with the seed": (
        {"test": TEST.replace("HIDDEN", "PUBLIC").replace("(next_one, n)", "(next_one, seed)")},
        "its seed would tell",
    ),
    "a test of nothing that students write": (
        {"test": TEST.replace("(next_one, n)", "(n)")},
        "asks for nothing that a student writes",
    ),
    "code that does not parse": ({"test": TEST + "\n  x ="}, "cell test: "),
    "a value that nobody draws": (
        {"q": QUESTION.replace("{{n}}", "{{m}}")},
        "{{m}} is drawn by no",
    ),
    "a draw that cannot be written down": (
        {"given": GIVEN.replace("seed % 7", "{seed}")},
        "cell given: .*expected a dict",
    ),
    "a question without tests": ({"test": "1 + 1"}, "question 1: expected tests"),
    "a question without objectives": (
        {"q": QUESTION.replace("Objectives: 1\n", "")},
        "question 1: expected a line",
    ),
    "a question counted wrong": (
        {"q": QUESTION.replace("1: One", "2: One")},
        "expected question 1",
    ),
    "no title": ({"title": "Assignment"}, "expected the first cell to be a title"),
}


def write(path, cells):
    made = [
        (new_markdown_cell if name in ("title", "q") else new_code_cell)(source, id=name)
        for name, source in cells.items()
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return path


def test_without_a_slip_it_is_read(tmp_path):
    master = read_master(write(tmp_path / "01_x.ipynb", CELLS), "a secret seed")
    assert master.given["n"] in range(7)
    assert [question.points for question in master.questions] == [1]
    assert f"What is {master.given['n']} + 1?" in master.cells[1].source


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused_by_its_cell(tmp_path, slip):
    changed, message = SLIPS[slip]
    path = write(tmp_path / "01_x.ipynb", CELLS | changed)
    with pytest.raises(ValueError, match=message) as refused:
        assignments.write(path, "a secret seed", tmp_path / "output")
    assert "01_x.ipynb" in str(refused.value)
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"format": 99}', '{"format": 1, "name": 3}'])
def test_what_is_no_answer_key_is_refused(tmp_path, text):
    (tmp_path / "key.json").write_text(text)
    with pytest.raises(ValueError, match="no answer key that can be read"):
        Key.read(tmp_path / "key.json")


def test_a_seed_is_drawn_once_and_a_short_one_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("SEED", raising=False)
    drawn = assignments.term_seed(tmp_path)
    assert len(drawn) >= 32 and assignments.term_seed(tmp_path) == drawn
    assert (tmp_path / ".seed").stat().st_mode & 0o077 == 0
    monkeypatch.setenv("SEED", "short")
    with pytest.raises(ValueError, match="12 or more"):
        assignments.term_seed(tmp_path)
