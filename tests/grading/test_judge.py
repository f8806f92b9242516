"""What a student is told of a test."""

import pytest

from tools.grading import key as keys
from tools.grading.judge import Judge, Raised, Unanswered
from tools.grading.key import Key, Question

TWICE = 'def test_twice(double, seed):\n    """It doubles."""\n    assert double(seed) == 2 * seed'


def judged(function, public):
    test = keys.Test("test_twice", 2, public, "It doubles.", TWICE)
    question = Question(1, "Double", (1,), tests=(test,))
    key = Key("01_x", "Assignment 1: x", "a secret seed", shared="", questions=(question,))

    def answer(name):
        if function is None:
            raise Unanswered(f"`{name}` is not there")
        return function

    (outcome,) = Judge(key).run(question, answer)
    return outcome


def test_a_right_answer_earns_the_points_without_a_word():
    outcome = judged(lambda x: x + x, public=True)
    assert (outcome.passed, outcome.points, outcome.note) == (True, 2, "")


@pytest.mark.parametrize("public", [True, False])
def test_a_function_that_returns_nothing_is_told_so(public):
    outcome = judged(lambda x: None, public)
    assert not outcome.passed
    assert outcome.note == "`double` returned nothing: does it end with `return ...`?"


@pytest.mark.parametrize("public", [True, False])
def test_an_absent_answer_is_told_so(public):
    assert judged(None, public).note == "`double` is not there"


def test_only_a_public_test_tells_what_was_compared():
    assert "assert" in judged(lambda x: x, public=True).note.lower()
    assert judged(lambda x: x, public=False).note == ""


def test_an_error_of_the_answer_is_told_with_its_own_line():
    def fails(x):
        error = Raised(f"of {x}")
        error.kind, error.line = "KeyError", "table[x]"
        raise error

    assert judged(fails, public=False).note == "your code raised KeyError, in `table[x]`"
    assert "KeyError: of " in judged(fails, public=True).note
