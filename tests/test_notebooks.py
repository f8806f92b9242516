"""Notebook sources: clean, stable, complete. Every failure names the chapter and the cell."""

import ast
import re
import subprocess
import sys

import nbformat
import pytest

from attention_lib.checks import CHECKERS
from tools.chapters import ROOT, cell_name, chapters
from tools.diagrams import DIAGRAMS, checksum

CHAPTERS = chapters()
each_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)

_VISIBLE_LINES = 18
_ALT = re.compile(r"^:alt:[ \t]*(.*)$", re.MULTILINE)
_FIGURE = re.compile(r"^```\{(?:figure|image)\}.*?^```", re.MULTILINE | re.DOTALL)


def read(path):
    return nbformat.read(path, as_version=4)


def offending(path, wrong):
    """The cells for which ``wrong(cell)`` says something, as people would name them."""
    notebook = read(path)
    return [
        f"{path.name}, {cell_name(notebook, index)}: {complaint}"
        for index, cell in enumerate(notebook.cells)
        if (complaint := wrong(cell))
    ]


def tags(cell):
    return cell.metadata.get("tags", [])


def calls(cell, name):
    """Every call of a function by that name in a code cell."""
    if cell.cell_type != "code":
        return []
    found = ast.walk(ast.parse(cell.source))
    return [n for n in found if isinstance(n, ast.Call) and getattr(n.func, "id", "") == name]


def test_every_notebook_is_in_the_table_of_contents():
    assert sorted((ROOT / "chapters").glob("*.ipynb")) == sorted(CHAPTERS)


@each_chapter
def test_it_is_a_valid_notebook_with_the_kernel_python3(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}


@each_chapter
def test_cells_carry_no_outputs(path):
    def wrong(cell):
        if cell.get("outputs") or cell.get("execution_count"):
            return "has outputs: run `make format`"

    assert not offending(path, wrong)


@each_chapter
def test_cell_ids_are_unique_and_readable(path):
    seen = set()

    def wrong(cell):
        known = cell.id in seen
        seen.add(cell.id)
        if known or not re.fullmatch(r"[a-z][a-z0-9-]{2,40}", cell.id):
            return "needs an id of its own that says what the cell does, such as 'loop-cost'"

    assert not offending(path, wrong)


@each_chapter
def test_code_cells_are_lint_clean(path):
    for command in (["check", "--output-format=concise"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, str(path)]
        done = subprocess.run(ruff, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr  # ruff names the cell


@each_chapter
def test_visible_code_cells_are_short(path):
    def wrong(cell):
        lines = len([line for line in cell.source.splitlines() if line.strip()])
        hidden = {"hide-cell", "hide-input"} & set(tags(cell))
        if cell.cell_type == "code" and not hidden and lines > _VISIBLE_LINES:
            return f"{lines} lines; expected at most {_VISIBLE_LINES}: split it or hide it"

    assert not offending(path, wrong)


@each_chapter
def test_code_hides_no_warning_and_shows_figures_through_show(path):
    forbidden = {
        "filterwarnings": "silences warnings: cure their cause",
        "simplefilter": "silences warnings: cure their cause",
        "plt.show": "calls plt.show(): end with show(fig, alt)",
        "savefig": "writes a file: end with show(fig, alt)",
    }

    def wrong(cell):
        if cell.cell_type == "code":
            return next((why for what, why in forbidden.items() if what in cell.source), None)

    assert not offending(path, wrong)


@each_chapter
def test_every_figure_has_alternative_text(path):
    def wrong(cell):
        draws = calls(cell, "heatmap") or "plt.subplots" in cell.source
        if cell.cell_type == "code" and draws and not calls(cell, "show"):
            return "draws a figure without show(fig, alt)"
        if cell.cell_type == "markdown":
            if re.search(r"!\[", cell.source):
                return "has a Markdown image: use a figure directive with :alt:"
            for figure in _FIGURE.findall(cell.source):
                alt = _ALT.search(figure)
                if not alt or len(alt.group(1)) < 40:
                    return "has a figure without an :alt: that says what it shows"

    assert not offending(path, wrong)


@each_chapter
def test_it_has_the_parts_that_every_chapter_has(path):
    notebook = read(path)
    text = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert notebook.cells[0].source.startswith("# "), "the first cell is the title"
    assert re.search(r"\*\*The question of this chapter: .*\?\*\*", text, re.DOTALL)
    objectives = re.search(r"What you will be able to do\n((?:- .*\n(?:  .*\n)*)+)", text)
    assert objectives and 3 <= objectives.group(1).count("\n- ") + 1 <= 5
    assert "**You need**" in text
    assert "sequence diagram" in text.lower() and "data flow" in text.lower()
    assert re.search(r"^## Check yourself$", text, re.MULTILINE)
    assert re.search(r"^## What we can do now, and what still fails$", text, re.MULTILINE)
    assert "**References.**" in text
    assert any("seed_everything(" in cell.source for cell in notebook.cells[:4])
    shown = sum(bool(calls(cell, "show")) for cell in notebook.cells)
    assert shown >= 2, "a star figure and at least one more"


@each_chapter
def test_every_exercise_has_a_level_a_hint_and_an_executed_solution(path):
    notebook = read(path)
    at = [i for i, c in enumerate(notebook.cells) if "```{exercise}" in c.source]
    assert 3 <= len(at) <= 5
    for start, end in zip(at, [*at[1:], len(notebook.cells)], strict=True):
        where = f"{path.name}, {cell_name(notebook, start)}"
        source = notebook.cells[start].source
        assert re.search(r"^:label: ex-", source, re.MULTILINE), f"{where}: no label"
        assert re.search(r"★{1,3} .*\d+ minutes", source), f"{where}: no difficulty or minutes"
        assert "```{admonition} Hint\n:class: dropdown" in source, f"{where}: no folded hint"
        rest = notebook.cells[start + 1 : end]
        assert any(
            "hide-cell" in tags(cell) and "Solution" in cell.metadata.mystnb.code_prompt_show
            for cell in rest
        ), f"{where}: no folded, executed solution"


@each_chapter
def test_the_untouched_exercise_is_told_what_is_missing(path):
    """A checker stands below every stub, and the solution must pass the same one."""
    notebook = read(path)
    checkers = {checker.__name__ for checker in CHECKERS.values()}
    for index, cell in enumerate(notebook.cells):
        if "# your code here" not in cell.source:
            continue
        used = {name for name in checkers if calls(cell, name)}
        later = [c for c in notebook.cells[index + 1 : index + 3] if "hide-cell" in tags(c)]
        where = f"{path.name}, {cell_name(notebook, index)}"
        assert used, f"{where}: no checker"
        assert any(calls(c, name) for c in later for name in used), f"{where}: unproven solution"


@pytest.mark.parametrize("source", sorted(DIAGRAMS.glob("*.mmd")), ids=lambda path: path.stem)
def test_every_diagram_is_drawn_from_its_present_source(source):
    drawing = source.with_suffix(".svg")
    assert drawing.exists(), f"{source.name} is not drawn: run `make diagrams`"
    first = drawing.read_text(encoding="utf-8").splitlines()[0]
    assert checksum(source) in first, f"{drawing.name} is out of date: run `make diagrams`"


def test_every_drawing_has_a_source():
    drawn = {path.stem for path in DIAGRAMS.glob("*.svg")}
    assert drawn == {path.stem for path in DIAGRAMS.glob("*.mmd")}
