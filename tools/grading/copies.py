"""Write what comes of a master: the student's notebook, the solution notebook, the answer key."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat

from _ext.addresses import library_source
from _ext.install import install_code
from tools.grading.key import Key
from tools.grading.master import SOLUTION, Cell, Master, parameters, without_objectives

_PLACE_FOR_TEXT = "*Your answer: replace this line.*"


def student_notebook(master: Master) -> nbformat.NotebookNode:
    """What is handed out: no solution, no hidden test, no rubric."""
    return _notebook(master, _for_student)


def solution_notebook(master: Master) -> nbformat.NotebookNode:
    """The same with every answer in its place. Hidden tests stay hidden: they serve again."""
    return _notebook(master, _for_solution)


def answer_key(master: Master) -> Key:
    """What the grader needs."""
    handed_out = student_notebook(master)
    return Key(
        name=master.name,
        title=master.title,
        seed=master.seed,
        shared=master.shared,
        given=master.given,
        questions=master.questions,
        handed_out=tuple(c.source for c in handed_out.cells if c.cell_type == "markdown"),
    )


def with_answers(master: Master, answered: set[int]) -> nbformat.NotebookNode:
    """A student's notebook in which only these questions are solved."""

    def write(cell: Cell, master: Master) -> str:
        return (_for_solution if cell.question in answered else _for_student)(cell, master)

    return _notebook(master, write)


def _notebook(master: Master, write) -> nbformat.NotebookNode:
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in master.cells:
        source = write(cell, master)
        if source:
            text = cell.kind in ("text", "question", "written", "solution")
            new = nbformat.v4.new_markdown_cell if text else nbformat.v4.new_code_cell
            notebook.cells.append(new(source, id=cell.id))
    install = install_code(notebook, library_source())
    folded = {"cellView": "form", "jupyter": {"source_hidden": True}}
    notebook.cells.insert(1, nbformat.v4.new_code_cell(install, id="install", metadata=folded))
    return notebook


def _for_student(cell: Cell, master: Master) -> str:
    if cell.kind == "solution":
        return ""
    if cell.kind == "written":
        return _PLACE_FOR_TEXT
    if cell.kind == "answer":
        # A function needs a body; between functions nothing has to stand.
        blank = SOLUTION.sub(
            lambda match: f"{match[1]}...  # your code\n" if match[1] else "", cell.source + "\n"
        )
        return blank.rstrip("\n")
    if cell.kind == "test" and not cell.test.public:
        return ""
    return _for_both(cell, master)


def _for_solution(cell: Cell, master: Master) -> str:
    if cell.kind == "written":
        return master.questions[cell.question - 1].rubric
    if cell.kind == "answer":
        return SOLUTION.sub(lambda match: match[2], cell.source + "\n").rstrip("\n")
    if cell.kind == "test" and not cell.test.public:
        return ""
    return _for_both(cell, master)


def _for_both(cell: Cell, master: Master) -> str:
    if cell.kind == "question":
        heading, _, rest = without_objectives(cell.source).partition("\n")
        return f"{heading} ({_points(master.questions[cell.question - 1].points)})\n{rest}".rstrip()
    if cell.kind == "test":
        arguments = ", ".join(parameters(cell.source))
        points = _points(cell.test.points)
        return (
            f"# A test ({points}): {cell.test.what}\n{cell.source}\n\n\n"
            f'{cell.test.name}({arguments})\nprint("passed")'
        )
    return cell.source


def _points(number: int) -> str:
    return f"{number} point" if number == 1 else f"{number} points"


def write_notebook(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write it beside, then rename, so that no half of one is ever handed out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}")
    nbformat.validate(notebook)
    nbformat.write(notebook, beside)
    os.replace(beside, path)
