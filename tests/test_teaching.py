"""What instructors read: objectives with their questions, how to cite, no solutions."""

import re

import pytest

from _ext.addresses import Addresses
from _ext.citing import entry
from _ext.teaching import objectives
from tests.visits import HTML
from tools.assignments import MASTERS
from tools.chapters import ROOT, chapters
from tools.grading.exchange import FRAME
from tools.grading.master import read_master
from tools.grading.sandbox import Limits
from tools.grading.submissions import LARGEST

MASTER_FILES = sorted(MASTERS.glob("[0-9]*.ipynb"))


def test_every_chapter_lists_objectives():
    for chapter in chapters():
        found = objectives(chapter)
        assert len(found) >= 4
        assert all(re.match(r"[a-z].*[^.;`\s]$|[a-z].*`$", text) for text in found), found


def test_the_page_maps_every_question_to_an_objective():
    page = (HTML / "appendices" / "teaching.html").read_text(encoding="utf-8")
    for path in MASTER_FILES:
        for question in read_master(path, seed="any seed").questions:
            shown = f"{question.number}. "
            assert question.objectives and shown in page
            plain = re.sub(r"[`$\\].*", "", question.title)  # where its markup begins
            assert plain.strip() in page


@pytest.mark.parametrize("path", MASTER_FILES, ids=lambda path: path.stem)
def test_no_page_tells_a_solution_or_a_hidden_test(path):
    pages = "\n".join(p.read_text(encoding="utf-8") for p in HTML.rglob("*.html"))
    master = read_master(path, seed="any seed")
    names = [t.name for q in master.questions for t in q.tests]
    rubrics = [line for q in master.questions for line in q.rubric.splitlines() if len(line) > 30]
    assert names and rubrics
    # A name may be that of an example on the instructors' page; what it looks for may not.
    whats = [t.what for q in master.questions for t in q.tests if not t.public]
    assert [told for told in rubrics + whats if told in pages] == []
    assert not list(HTML.rglob(f"*assignments*/{path.name}"))


def test_a_citation_names_what_is_known():
    known = Addresses(repository="https://github.com/o/n", commit="a" * 40, site="https://b.org/")
    whole = entry("Attention, executed", "The authors", known, 2026)
    assert "url = {https://b.org/}" in whole and "Commit aaaaaaaaaaaa}" in whole
    assert "author = {{The authors}}" in whole and whole.count("{") == whole.count("}")
    bare = entry("Attention, executed", "The authors", Addresses(), 2026)
    assert "url" not in bare and "note" not in bare


def test_the_bounds_that_instructors_read_are_those_of_the_sandbox():
    limits, mib = Limits(), 2**20
    rows = {
        "a cell, a question, a submission": (
            f"{limits.cell:g}, {limits.question:g}, {limits.total:g} seconds"
        ),
        "memory, of all processes together": f"{limits.memory / 2**30:g} GiB",
        "processes": f"{limits.processes}",
        "what is printed": f"{limits.output // mib} MiB",
        "files that it may write": f"{limits.scratch // mib} MiB, gone afterwards",
        "a notebook; an answer": f"{LARGEST // mib} MiB; {FRAME // mib} MiB",
    }
    page = (ROOT / "appendices" / "teaching.md").read_text(encoding="utf-8")
    assert [row for row in rows.items() if "| {} | {} |".format(*row) not in page] == []
