"""Read a master notebook: text, answers, tests and drawn values, told apart by a first line.

===============================  ==================================================================
First line of a cell             What the cell is
===============================  ==================================================================
``## Question 2: its title``     text that opens a question; a line ``Objectives: 1, 3`` in it names
                                 which objectives of the chapter it asks for
``# SHARED``                     code that the notebook and the tests both need: imports
``# GIVEN``                      ``given(seed)``, a function that draws this term's values: in the
                                 copies the cell assigns them, and text writes ``{{name}}`` for one;
                                 the cell runs alone, so it imports what it needs
``# ANSWER``                     code with the solution between ``# BEGIN SOLUTION`` and
                                 ``# END SOLUTION``; in a function, students see ``...`` instead
``# PUBLIC TEST (2 points)``     a test that students see and run
``# HIDDEN TEST (2 points)``     a test that only the grader runs
``<!-- ANSWER (3 points) -->``   a written answer: what follows is a model answer and a rubric
``<!-- SOLUTION -->``            text for the solution notebook alone
anything else                    stays as it is in every copy
===============================  ==================================================================
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat

from tools.grading.key import Question, Test

_HEADING = re.compile(r"## Question (\d+): (.+)")
_OBJECTIVES = re.compile(r"^Objectives?: ([\d, ]+)$\n?", re.MULTILINE)
_TEST = re.compile(r"# (PUBLIC|HIDDEN) TEST \((\d+) points?\)")
_WRITTEN = re.compile(r"<!-- ANSWER \((\d+) points?\) -->")
_OTHERS = {"# SHARED": "shared", "# GIVEN": "given", "# ANSWER": "answer"}
_LOOKS_LIKE_ONE = re.compile(r"# [A-Z]{3,}[A-Z ]*(\(.*\))?|<!--.*-->|#+ [Qq]uestion\b.*")
SOLUTION = re.compile(r"^([ \t]*)# BEGIN SOLUTION\n(.*?)^[ \t]*# END SOLUTION$\n?", re.M | re.S)
_PLACE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class Cell:
    """One cell of a master.

    Attributes:
        id: of the notebook's cell.
        kind: ``text``, ``code``, ``question``, ``shared``, ``given``, ``answer``, ``test``,
            ``written`` or ``solution``.
        source: without the line that told the kind, and with this term's values.
        question: the number of the question it belongs to; 0 before the first.
        test: what a test cell holds.
    """

    id: str
    kind: str
    source: str
    question: int = 0
    test: Test | None = None


@dataclass(frozen=True)
class Master:
    """A master notebook, read for one term."""

    name: str
    title: str
    seed: str
    given: dict[str, Any]
    cells: tuple[Cell, ...]
    questions: tuple[Question, ...]

    @property
    def shared(self) -> str:
        """The code that notebook and tests both need."""
        return "\n\n".join(cell.source for cell in self.cells if cell.kind == "shared")


def number(seed: str, *names: str) -> int:
    """Draw a number below 2**31 for each name; nobody without the seed can tell it."""
    digest = hashlib.sha256("\0".join((seed, *names)).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def read_master(path: Path, seed: str) -> Master:
    """Read a master for the term that ``seed`` stands for.

    Raises:
        ValueError: a cell is not as the table above says; the message names it.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.source.strip()]
    drawn = _draw(path, notebook, seed)
    given = {name: value for values in drawn.values() for name, value in values.items()}
    cells: list[Cell] = []
    for raw in notebook.cells:
        try:
            cell = _cell(raw, cells[-1].question if cells else 0, drawn)
            _check(cell, cells, given)
            cells.append(cell)
        except (SyntaxError, ValueError) as error:
            raise ValueError(f"{path.name}, cell {raw.id}: {error}") from error
    if not (cells and cells[0].source.startswith("# ")):
        raise ValueError(f"{path.name}: expected the first cell to be a title: # Assignment ...")
    questions = _questions(path, notebook, cells)
    return Master(
        name=path.stem,
        title=cells[0].source.splitlines()[0].removeprefix("# "),
        seed=seed,
        given=given,
        cells=tuple(cells),
        questions=questions,
    )


def _draw(path: Path, notebook: nbformat.NotebookNode, seed: str) -> dict[str, dict[str, Any]]:
    """Run every ``given(seed)``; give its values by the cell's id.

    They go into the key and into code, so they must survive being written down.
    """
    given: dict[str, dict[str, Any]] = {}
    for raw in notebook.cells:
        if raw.source.splitlines()[0].strip() != "# GIVEN":
            continue
        scope: dict[str, Any] = {}
        exec(compile(raw.source, f"{path.name}, cell {raw.id}", "exec"), scope)
        if not callable(scope.get("given")):
            raise ValueError(f"{path.name}, cell {raw.id}: expected a function given(seed)")
        values = scope["given"](number(seed, path.stem, raw.id))
        if not isinstance(values, dict) or not _can_be_written(values):
            raise ValueError(
                f"{path.name}, cell {raw.id}: given(seed) returned {values!r}; expected a dict of "
                "numbers, strings and lists of them"
            )
        if twice := sorted(set().union(*given.values()) & values.keys()):
            raise ValueError(f"{path.name}, cell {raw.id}: {twice} are drawn a second time")
        given[raw.id] = values
    return given


def _can_be_written(values: dict[str, Any]) -> bool:
    try:
        return json.loads(json.dumps(values)) == values
    except (TypeError, ValueError):
        return False


def _cell(raw: nbformat.NotebookNode, question: int, drawn: dict[str, dict]) -> Cell:
    first, _, rest = raw.source.partition("\n")
    first, rest, test = first.strip(), rest.strip("\n"), None
    kind = "code" if raw.cell_type == "code" else "text"
    if heading := _HEADING.fullmatch(first):
        kind, rest, question = "question", raw.source, int(heading[1])
    elif found := _TEST.fullmatch(first):
        kind, test = "test", _test(found, rest)
    elif _WRITTEN.fullmatch(first):
        kind, rest = "written", raw.source
    elif first == "<!-- SOLUTION -->":
        kind = "solution"
    elif first in _OTHERS:
        kind = _OTHERS[first]
        if kind == "given":
            rest = "\n".join(f"{name} = {value!r}" for name, value in drawn[raw.id].items())
    elif _LOOKS_LIKE_ONE.fullmatch(first):
        raise ValueError(f"{first!r} opens no kind of cell; the table in master.py names them")
    else:
        rest = raw.source
    if raw.cell_type == "markdown":
        rest = _PLACE.sub(lambda match: str(_value(match[1], drawn)), rest)
    return Cell(raw.id, kind, rest, question, test)


def _value(name: str, drawn: dict[str, dict[str, Any]]) -> Any:
    values = {name: value for cell in drawn.values() for name, value in cell.items()}
    if name not in values:
        raise ValueError(f"{{{{{name}}}}} is drawn by no # GIVEN cell; drawn: {[*values]}")
    return values[name]


def _test(found: re.Match, source: str) -> Test:
    tree = ast.parse(source)
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.FunctionDef):
        raise ValueError("a test cell holds one function and nothing else")
    function = tree.body[0]
    what = ast.get_docstring(function) or ""
    if not function.name.startswith("test_") or not what:
        raise ValueError(
            f"{function.name}: expected a name test_... and a docstring that says to a student "
            "what is tested"
        )
    if found[1] == "PUBLIC" and "seed" in parameters(source):
        raise ValueError(f"{function.name} is public: its seed would tell the hidden inputs")
    return Test(function.name, int(found[2]), found[1] == "PUBLIC", what.splitlines()[0], source)


def parameters(source: str) -> list[str]:
    """The names that a test asks for."""
    return [argument.arg for argument in ast.parse(source).body[0].args.args]


def _check(cell: Cell, before: list[Cell], given: dict[str, Any]) -> None:
    """A cell that can only be a slip is refused."""
    if cell.kind in ("answer", "test", "written", "solution") and not cell.question:
        raise ValueError("it stands before the first question")
    if cell.kind == "answer":
        without = SOLUTION.sub("", cell.source + "\n")
        if without == cell.source + "\n" or "SOLUTION" in without:
            raise ValueError("expected `# BEGIN SOLUTION` ... `# END SOLUTION`, each on its line")
    elif "BEGIN SOLUTION" in cell.source or "END SOLUTION" in cell.source:
        raise ValueError("a solution stands in a cell that does not begin with # ANSWER")
    if cell.kind == "test":
        asked = set(parameters(cell.source)) - given.keys() - {"seed"}
        if not asked:
            raise ValueError(f"{cell.test.name} asks for nothing that a student writes")
        if cell.test.name in {other.test.name for other in before if other.test}:
            raise ValueError(f"a second test is called {cell.test.name}")


def _questions(path: Path, notebook: Any, cells: list[Cell]) -> tuple[Question, ...]:
    found = []
    for cell in cells:
        if cell.kind != "question":
            continue
        where = f"{path.name}, question {cell.question}"
        if cell.question != len(found) + 1:
            raise ValueError(f"{where}: expected question {len(found) + 1} here")
        own = [other for other in cells if other.question == cell.question]
        tests = tuple(other.test for other in own if other.test)
        written = [other for other in own if other.kind == "written"]
        if bool(tests) == bool(written) or len(written) > 1:
            raise ValueError(f"{where}: expected tests, or else one written answer")
        objectives = _OBJECTIVES.search(cell.source)
        if not objectives:
            raise ValueError(f"{where}: expected a line such as `Objectives: 1, 3`")
        opening, _, rubric = written[0].source.partition("\n") if written else ("", "", "")
        found.append(
            Question(
                number=cell.question,
                title=_HEADING.match(cell.source)[2],
                objectives=tuple(int(n) for n in objectives[1].replace(",", " ").split()),
                tests=tests,
                written=int(_WRITTEN.fullmatch(opening.strip())[1]) if written else 0,
                rubric=rubric.strip(),
            )
        )
    if not found:
        raise ValueError(f"{path.name}: no `## Question 1: ...`")
    return tuple(found)


def without_objectives(source: str) -> str:
    """The text of a question as students read it."""
    return _OBJECTIVES.sub("", source)
