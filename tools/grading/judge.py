"""Run an instructor's tests on what a submission answers; the points are given here.

A test asks for functions and values of the notebook by the names of its parameters. Who hands them
over, a sandbox or a namespace of this process, it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tools.grading.key import Key, Question, Test
from tools.grading.master import number, parameters

_LONGEST = 2000  # characters of a message: values of a submission can stand in it


class Unanswered(Exception):
    """A submission has no answer; the message says why, in a student's words."""


class Raised(Exception):
    """A function of a submission, run elsewhere, raised an error.

    Attributes:
        kind: the name of its type.
        line: the submission's own line that raised it, where one is known.
    """

    kind: str
    line: str


@dataclass(frozen=True)
class Outcome:
    """What one test found.

    Attributes:
        test: the test.
        passed: whether it earned its points.
        note: why not, for the student: of a hidden test no more than what was asked for.
    """

    test: Test
    passed: bool
    note: str = ""

    @property
    def points(self) -> int:
        """What it earned."""
        return self.test.points if self.passed else 0


class Judge:
    """The tests of one key, ready to run."""

    def __init__(self, key: Key) -> None:
        self._key = key
        self._scope: dict[str, Any] = {}
        exec(compile(key.shared, f"{key.name}, shared", "exec"), self._scope)
        for test in (test for question in key.questions for test in question.tests):
            exec(compile(test.source, f"{key.name}, {test.name}", "exec"), self._scope)

    def run(self, question: Question, answer: Callable[[str], Any]) -> list[Outcome]:
        """Run the tests of one question.

        Args:
            question: which.
            answer: gives a function or a value of the submission by its name; raises
                :class:`Unanswered` where there is none.
        """
        return [self._run(test, answer) for test in question.tests]

    def _run(self, test: Test, answer: Callable[[str], Any]) -> Outcome:
        silent: list[str] = []
        try:
            arguments = {
                name: _heard(name, self._argument(test, name, answer), silent)
                for name in parameters(test.source)
            }
            self._scope[test.name](**arguments)
        except Unanswered as absent:
            return Outcome(test, False, str(absent))
        except Exception as error:
            if silent and not isinstance(error, Raised):
                said = f"`{silent[0]}` returned nothing: does it end with `return ...`?"
                return Outcome(test, False, said)
            return Outcome(test, False, _said(error, test.public))
        return Outcome(test, True)

    def _argument(self, test: Test, name: str, answer: Callable[[str], Any]) -> Any:
        if name == "seed":
            return number(self._key.seed, self._key.name, test.name)
        return self._key.given[name] if name in self._key.given else answer(name)


def _heard(name: str, value: Any, silent: list[str]) -> Any:
    """Note in ``silent`` when a function returns nothing: what a test says of that is no help."""
    if not callable(value):
        return value

    def function(*positional: Any, **by_name: Any) -> Any:
        result = value(*positional, **by_name)
        if result is None:
            silent.append(name)
        return result

    return function


def _said(error: Exception, public: bool) -> str:
    """Tell a student of an error. Its message may hold a hidden test's inputs."""
    said = f": {error}"[:_LONGEST] if public and str(error) else ""
    if not isinstance(error, Raised):
        return f"{type(error).__name__}{said}" if public else ""
    where = f", in `{error.line}`" if error.line else ""
    return f"your code raised {error.kind}{said}{where}"
