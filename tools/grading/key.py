"""The answer key of an assignment: what the grader knows, and no student sees."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

_FORMAT = 1


@dataclass(frozen=True)
class Test:
    """One test of a question.

    Attributes:
        name: of the function, ``test_...``.
        points: what passing it earns.
        public: whether the student's notebook shows it.
        what: what it finds out, in a student's words: the first line of its docstring.
        source: the function. Its parameters are names of the student's notebook, names that
            ``given`` holds, or ``seed``.
    """

    name: str
    points: int
    public: bool
    what: str
    source: str


@dataclass(frozen=True)
class Question:
    """One question: its tests, or, where a person reads the answer, its points and rubric.

    Attributes:
        number: as the heading counts it, from 1.
        title: the rest of the heading.
        objectives: which of the chapter's objectives it asks for, counted from 1.
        tests: what earns its points; none for a written question.
        written: points that a person gives.
        rubric: what that person looks for.
    """

    number: int
    title: str
    objectives: tuple[int, ...]
    tests: tuple[Test, ...] = ()
    written: int = 0
    rubric: str = ""

    @property
    def points(self) -> int:
        """The most that can be earned."""
        return self.written or sum(test.points for test in self.tests)


@dataclass(frozen=True)
class Key:
    """All that grading one assignment takes.

    Attributes:
        name: of the master, such as ``04_scaling``.
        title: as students read it.
        seed: of the term: hidden inputs are drawn from it.
        shared: code that runs before the tests, and stands in the students' notebooks, too.
        given: values drawn for this term, by name.
        questions: in order.
        handed_out: the text cells of the student's notebook; what differs was written by the
            student.
    """

    name: str
    title: str
    seed: str
    shared: str
    given: dict[str, Any] = field(default_factory=dict)
    questions: tuple[Question, ...] = ()
    handed_out: tuple[str, ...] = ()

    def write(self, path: Path) -> None:
        """Write it as JSON that nobody else on this machine may read."""
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}")
        beside.unlink(missing_ok=True)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"format": _FORMAT} | asdict(self), file, indent=1, ensure_ascii=False)
            file.write("\n")
        beside.replace(path)

    @classmethod
    def read(cls, path: Path) -> Key:
        """Read what :meth:`write` wrote.

        Raises:
            ValueError: the file is no answer key, or one of another version.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            if found.pop("format") != _FORMAT:
                raise ValueError("another version wrote it")
            found["questions"] = tuple(
                Question(
                    **question
                    | {
                        "objectives": tuple(question["objectives"]),
                        "tests": tuple(Test(**test) for test in question["tests"]),
                    }
                )
                for question in found["questions"]
            )
            return cls(**found | {"handed_out": tuple(found["handed_out"])})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is no answer key that can be read ({error}); expected a file that "
                "`make assignments` wrote into _build/assignments/keys"
            ) from error
