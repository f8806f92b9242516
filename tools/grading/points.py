"""The points of a submission: those of tests, and those that a person gives in written.csv."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from tools.grading.batch import Row, write_text
from tools.grading.key import Key, Question

_COLUMNS = ("student", "question", "points of", "points given", "comment")


@dataclass(frozen=True)
class Given:
    """What a person gave for one written answer.

    Attributes:
        points: ``None`` until somebody has read the answer.
        comment: for the student.
        complaint: why what stands there does not count.
    """

    points: float | None = None
    comment: str = ""
    complaint: str = ""


class Written:
    """Points for written answers: a table that a person fills in between two runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cells: dict[tuple[str, str], tuple[str, str]] = {}
        if path.exists():
            text = path.read_text(encoding="utf-8-sig")
            mark = ";" if ";" in text.partition("\n")[0] else ","
            for row in csv.DictReader(io.StringIO(text, newline=""), delimiter=mark):
                where = row.get("student") or "", row.get("question") or ""
                comment = row.get("comment") or ""
                if comment == defused(comment[1:]):
                    comment = comment[1:]
                self._cells[where] = row.get("points given") or "", comment

    def given(self, row: Row, question: Question) -> Given:
        """Look up one answer; one that nobody wrote earns nothing."""
        if not row.graded.written.get(str(question.number), "").strip():
            return Given(0, "nothing was written")
        points, comment = self._cells.get(
            (defused(row.found.student), str(question.number)), ("", "")
        )
        if not points.strip():
            return Given(None, comment)
        try:
            number = float(points.replace(",", "."))
        except ValueError:
            number = -1.0
        if not 0 <= number <= question.points:
            said = f"{self._path.name}: {points!r} for question {question.number}"
            return Given(None, comment, f"{said}: expected a number from 0 to {question.points}")
        return Given(int(number) if number == int(number) else number, comment)

    def write(self, rows: list[Row], key: Key) -> None:
        """Write the table again, with what was filled in and a line for each new answer."""
        lines = [_COLUMNS]
        for row in rows:
            for question in key.questions:
                text = row.graded.written.get(str(question.number), "")
                if question.written and text.strip():
                    where = defused(row.found.student), str(question.number)
                    lines.append((*where, question.points, *self._cells.get(where, ("", ""))))
        if len(lines) > 1:
            write_csv(self._path, lines)


@dataclass(frozen=True)
class Score:
    """The points of one submission.

    Attributes:
        row: the submission.
        points: by the question's number; ``None`` where a person has not given any yet.
        given: for written questions.
    """

    row: Row
    points: dict[int, float | None]
    given: dict[int, Given]

    @property
    def complete(self) -> bool:
        """Whether nothing is left for a person to read."""
        return None not in self.points.values()

    @property
    def total(self) -> float:
        """What has been earned so far."""
        return sum(points or 0 for points in self.points.values())

    @property
    def notes(self) -> list[str]:
        """All that a person should look at."""
        waiting = [number for number, points in self.points.items() if points is None]
        complaints = [given.complaint for given in self.given.values() if given.complaint]
        if waiting and not complaints:
            complaints = [f"points of question {n} are still to be given" for n in waiting]
        return [*self.row.notes, *complaints]


def score(row: Row, key: Key, written: Written) -> Score:
    """Add up the points of one submission."""
    given = {q.number: written.given(row, q) for q in key.questions if q.written}
    points = {
        question.number: given[question.number].points
        if question.written
        else sum(t.points for t in question.tests if row.graded.tests.get(t.name, (False,))[0])
        for question in key.questions
    }
    return Score(row, points, given)


def defused(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def write_csv(path: Path, lines: list[tuple]) -> None:
    """Write a table; texts are defused."""
    file = io.StringIO(newline="")
    table = csv.writer(file, lineterminator="\n")
    for line in lines:
        cells = [defused(cell) if isinstance(cell, str) else cell for cell in line]
        table.writerow(["" if cell is None else cell for cell in cells])
    write_text(path, file.getvalue())
