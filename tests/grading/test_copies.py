"""Students' copies run where Colab runs them: with PyTorch and the library, and nothing else."""

import sys

import pytest

from _ext.execution import ROOT
from _ext.install import imports
from tools import fresh
from tools.assignments import MASTERS
from tools.grading.copies import solution_notebook, student_notebook, write_notebook
from tools.grading.master import read_master

PATHS = sorted(MASTERS.glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_assignment_imports_the_library_and_pytorch_alone(path):
    copy = student_notebook(read_master(path, "a secret seed of a term"))
    found = imports(copy) - set(sys.stdlib_module_names)
    assert {"torch"} <= found <= {"torch", "attention_lib"}
    assert copy.cells[1].source.startswith("#@title Run this first")


def test_a_copy_with_answers_runs_whole_in_an_environment_that_has_only_pytorch(tmp_path):
    """From its install cell on, in an empty folder; all public tests pass."""
    path = MASTERS / "02_contextual_embeddings.ipynb"
    solved = solution_notebook(read_master(path, "a secret seed of a term"))
    write_notebook(solved, tmp_path / "solved.ipynb")
    empty = tmp_path / "empty"
    empty.mkdir()
    done = fresh.run(tmp_path / "solved.ipynb", fresh.environment(tmp_path), empty, str(ROOT))
    printed = [out.text for c in done.cells for out in c.get("outputs", []) if "text" in out]
    public = sum(source.startswith("# A test (") for source in (c.source for c in solved.cells))
    assert public >= 3 and printed.count("passed\n") == public
