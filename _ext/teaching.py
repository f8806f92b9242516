"""Which question of an assignment asks for which objective of its chapter: a table."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from _ext.execution import ROOT

_ITEM = re.compile(r"^- (.+(?:\n  .+)*)", re.MULTILINE)


def objectives(chapter: Path) -> list[str]:
    """What a chapter promises: the list in its cell ``objectives``, without the closing marks."""
    notebook = nbformat.read(chapter, as_version=4)
    listed = next(cell.source for cell in notebook.cells if cell.id == "objectives")
    listed = listed[: listed.rindex("```")]
    return [" ".join(item.split()).rstrip(";.") for item in _ITEM.findall(listed)]


class ObjectivesTable(SphinxDirective):
    """Every objective of every chapter, and the questions that ask for it."""

    def run(self) -> list[nodes.Node]:
        """Write the table in Markdown, so that chapters become links."""
        from tools.grading.master import read_master

        lines = ["| objective | questions of the assignment |", "|:--|:--|"]
        for chapter in sorted((ROOT / "chapters").glob("[0-9]*.ipynb")):
            master = ROOT / "assignments" / chapter.name
            self.env.note_dependency(str(chapter))
            questions = ()
            if master.exists():
                self.env.note_dependency(str(master))
                questions = read_master(master, seed="only the headings are read").questions
            lines.append(f"| **{{doc}}`/chapters/{chapter.stem}`** | |")
            for number, objective in enumerate(objectives(chapter), start=1):
                asked = [
                    f"{question.number}. {question.title} ({question.points})"
                    for question in questions
                    if number in question.objectives
                ]
                lines.append(f"| {objective} | {'; '.join(asked)} |")
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("objectives-table", ObjectivesTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
