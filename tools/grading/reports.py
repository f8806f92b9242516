"""Write what grading found: tables for the instructor and two systems, a page for each student."""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path

from tools.grading.batch import write_text
from tools.grading.key import Key, Question
from tools.grading.points import Score, write_csv

_HEAD = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --quiet: light-dark(#57606a, #a8b0b8); }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0; }
tr { border-top: 1px solid light-dark(#d0d7de, #3d444d); }
td:last-child, th:last-child { text-align: right; white-space: nowrap; padding-right: 0; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; }
.note, blockquote { color: var(--quiet); }
</style>
"""


def write_reports(scores: list[Score], key: Key, output: Path) -> None:
    """Write grades.csv, canvas.csv and a file for each student into ``output``."""
    names = _file_names(scores)
    for one, name in zip(scores, names, strict=True):
        write_text(output / "feedback" / f"{name}.html", feedback(one, key))
        gradescope = json.dumps(_gradescope(one, key), indent=1, ensure_ascii=False)
        write_text(output / "gradescope" / f"{name}.json", gradescope + "\n")
    for folder, ending in (("feedback", "html"), ("gradescope", "json")):
        for left in (output / folder).glob(f"*.{ending}"):
            if left.stem not in names:
                left.unlink()  # of a submission that has gone since
    write_text(output / "written.html", _to_read(scores, key))
    heads = [f"question {question.number}" for question in key.questions]
    write_csv(
        output / "grades.csv",
        [("student", *heads, "total", "seconds", "notes")]
        + [
            (
                one.row.found.student,
                *one.points.values(),
                one.total,
                round(one.row.graded.seconds, 1),
                "; ".join(one.notes),
            )
            for one in scores
        ],
    )
    write_csv(
        output / "canvas.csv",
        [("Student", "ID", "SIS Login ID", "Section", key.title)]
        + [
            (one.row.found.student, one.row.found.number, "", "", one.total if one.complete else "")
            for one in scores
            if one.row.found.alone
        ],
    )


def _file_names(scores: list[Score]) -> list[str]:
    """Names that every file system takes, each its own, whatever the students are called."""
    names: list[str] = []
    for one in scores:
        name = re.sub(r"[^\w.() -]", "_", one.row.found.student)[:80].strip(". ") or "_"
        names.append(name if name not in names else f"{name}~{len(names)}")
    return names


def feedback(one: Score, key: Key) -> str:
    """Write the page of one student: no file but itself, every word of the student's escaped."""
    notes = "".join(f"<li>{escape(note)}</li>" for note in one.row.notes)
    errors = "".join(f"<li>{escape(error)}</li>" for error in one.row.graded.errors)
    said = f"<ul>{notes}</ul>" if notes else ""
    if errors:
        said += f"<details><summary>Cells that raised an error</summary><ul>{errors}</ul></details>"
    title, student = escape(key.title), escape(one.row.found.student)
    most = sum(question.points for question in key.questions)
    questions = "\n".join(_question(one, question) for question in key.questions)
    return (
        f"{_HEAD}<title>{title}: {student}</title>\n<h1>{title}</h1>\n"
        f"<p>{student}: <strong>{one.total:g} of {most} points</strong></p>\n"
        f"{said}\n{questions}\n</html>\n"
    )


def _to_read(scores: list[Score], key: Key) -> str:
    """Write the page of written answers, beside which a person fills in written.csv."""
    parts = [f"{_HEAD}<title>{escape(key.title)}: written answers</title>"]
    for question in key.questions:
        if question.written:
            title = (
                f"Question {question.number}: {escape(question.title)} ({question.points} points)"
            )
            parts.append(f'<h1>{title}</h1>\n<pre class="note">{escape(question.rubric)}</pre>')
            for one in scores:
                if text := one.row.graded.written.get(str(question.number), "").strip():
                    student = escape(one.row.found.student)
                    parts.append(f"<h2>{student}</h2>\n<pre>{escape(text)}</pre>")
    return "\n".join([*parts, "</html>\n"])


def _question(one: Score, question: Question) -> str:
    points = one.points[question.number]
    earned = "not yet graded" if points is None else f"{points:g}"
    head = f"<h2>Question {question.number}: {escape(question.title)}</h2>"
    if question.written:
        given = one.given[question.number]
        text = one.row.graded.written.get(str(question.number), "")
        comment = f"<blockquote>{escape(given.comment)}</blockquote>" if given.comment else ""
        return f"{head}<p>{earned} of {question.points}</p>{comment}<pre>{escape(text)}</pre>"
    lines = []
    for test in question.tests:
        passed, note = one.row.graded.tests.get(test.name, (False, "not run"))
        more = f'<pre class="note">{escape(note)}</pre>' if note else ""
        what = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(test.what))
        lines.append(
            f"<tr><td>{'passed' if passed else 'failed'}</td><td>{what}{more}</td>"
            f"<td>{test.points if passed else 0} of {test.points}</td></tr>"
        )
    return (
        f"{head}<table><tr><th>Test</th><th>What it finds out</th><th>Points</th></tr>"
        f"{''.join(lines)}</table>"
    )


def _gradescope(one: Score, key: Key) -> dict:
    """Give what Gradescope reads as results.json."""
    tests = []
    for question in key.questions:
        number = f"{question.number}"
        if question.written:
            given = one.given[question.number]
            waiting = "" if given.points is not None else "not yet graded"
            tests.append(
                {
                    "number": number,
                    "name": f"Question {number}: {question.title}",
                    "score": given.points or 0,
                    "max_score": question.points,
                    "output": given.comment or waiting,
                }
            )
        for place, test in enumerate(question.tests, 1):
            passed, note = one.row.graded.tests.get(test.name, (False, "not run"))
            tests.append(
                {
                    "number": f"{number}.{place}",
                    "name": test.what,
                    "score": test.points if passed else 0,
                    "max_score": test.points,
                    "output": note,
                }
            )
    return {
        "score": one.total,
        "execution_time": round(one.row.graded.seconds),
        "output": "\n".join(one.row.notes),
        "visibility": "visible",
        "tests": tests,
    }
