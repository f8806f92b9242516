"""No question is answered by a function that is there already: each asks for something new."""

import importlib
import inspect
import pkgutil

import pytest
import torch.nn.functional as F

import attention_lib
from tools.assignments import MASTERS
from tools.grading.copies import answer_key
from tools.grading.judge import Judge
from tools.grading.master import read_master

PATHS = sorted(MASTERS.glob("[0-9]*.ipynb"))


def library():
    """Every function of the library, private ones and checkers' references too, and PyTorch's."""
    found = {f"F.{name}": thing for name, thing in vars(F).items() if callable(thing)}
    for module in pkgutil.walk_packages(attention_lib.__path__, "attention_lib."):
        for name, thing in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(thing) and f"{thing.__module__}".startswith("attention_lib"):
                found[f"{thing.__module__}.{name}"] = thing
    return found


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_function_of_the_library_or_of_pytorch_earns_half_of_a_question(path):
    key = answer_key(read_master(path, "a secret seed of a term"))
    judge, candidates = Judge(key), library()
    assert len(candidates) > 400
    earned = {}
    for question in key.questions:
        for name, function in candidates.items():
            points = sum(o.points for o in judge.run(question, lambda _, f=function: f))
            if question.tests and points >= question.points / 2:
                earned[f"question {question.number}: {name}"] = points
    assert earned == {}
