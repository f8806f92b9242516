"""What grading tests share: bubblewrap, and the copies and the key of one assignment."""

import os
import shutil
from types import SimpleNamespace

import pytest

from tools.assignments import MASTERS
from tools.grading.copies import answer_key, solution_notebook, student_notebook, with_answers
from tools.grading.master import read_master


@pytest.fixture(scope="session")
def bwrap():
    """Bubblewrap, without which nothing is graded."""
    if not shutil.which("bwrap"):
        said = "bubblewrap is not installed: apt install bubblewrap"
        pytest.fail(said) if os.environ.get("CI") else pytest.skip(said)


@pytest.fixture(scope="session")
def assignment(tmp_path_factory):
    """One assignment: its key, on disk too, and copies with all, no, or one question answered."""
    master = read_master(MASTERS / "04_scaling.ipynb", "the secret seed of a test")
    path = tmp_path_factory.mktemp("keys") / "04_scaling.json"
    answer_key(master).write(path)
    return SimpleNamespace(
        key=answer_key(master),
        path=path,
        solved=solution_notebook(master),
        untouched=student_notebook(master),
        answered=lambda *numbers: with_answers(master, set(numbers)),
    )
