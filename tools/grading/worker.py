"""Grade one submission in a process of its own, so that no answer can end more than itself.

The instructor's tests run here, on values of a submission: a number that a test counts up to, or
asks memory for, can stop this process, but not the batch.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

import nbformat

from tools.grading.in_process import InProcess
from tools.grading.judge import Judge
from tools.grading.key import Key
from tools.grading.sandbox import Limits, Stopped
from tools.grading.session import Session
from tools.grading.submissions import Notebook, Unreadable, read_notebook

_MEMORY = 4 * 2**30
_MORE = 10.0  # seconds that the tests of a question may take beyond those of the submission
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])  # torch is imported once


@dataclass
class Graded:
    """What grading one submission found; it can be written as JSON.

    Attributes:
        tests: for each test that was run, by its name, whether it passed and a note.
        written: what the student wrote, by the question's number.
        notes: what went wrong, a sentence each.
        errors: what cells raised, a line each.
        seconds: how long it took.
        final: whether the same would be found again; false where the grader itself failed.
    """

    tests: dict[str, tuple[bool, str]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    seconds: float = 0.0
    final: bool = True


def grade_apart(data: bytes, key: Key, limits: Limits) -> Graded:
    """Grade a notebook, its code in a sandbox and the tests in a process of their own."""
    graded, began = Graded(), time.monotonic()
    ended: set[int] = set()
    notes: list[str] = []
    for _ in range(len(key.questions) + 1):
        left = max(1.0, limits.total - (time.monotonic() - began))
        question = _grade_once(data, key, replace(limits, total=left), graded, ended)
        notes += graded.notes
        if question is None:
            break
        ended.add(question)
        notes.append(f"question {question}: its answers ended the process that judged them")
    graded.notes = [*dict.fromkeys(notes)]
    graded.seconds = time.monotonic() - began
    return graded


def _grade_once(
    data: bytes, key: Key, limits: Limits, graded: Graded, ended: set[int]
) -> int | None:
    """Fill in what a process tells; give the question that ended it, if one did."""
    ours, theirs = _CONTEXT.Pipe()
    done = set(graded.tests)
    questions = [
        question.number
        for question in key.questions
        if question.number not in ended and not done.issuperset(t.name for t in question.tests)
    ]
    process = _CONTEXT.Process(target=_work, args=(theirs, data, key, limits, questions))
    process.start()
    theirs.close()
    current, seconds = None, limits.total + 2 * _MORE
    try:
        while ours.poll(seconds):
            told = ours.recv()
            if told is None:
                return None
            current = told.pop("began", None)
            # What no alarm interrupts is waited for a little longer than the alarm takes.
            seconds = (limits.question if current else limits.total) + 2 * _MORE
            graded.tests |= told.pop("tests", {})
            for name, value in told.items():
                setattr(graded, name, value)
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()
        ours.close()
    if current is None:
        graded.notes = [*graded.notes, "the process that grades it ended: run the command again"]
        graded.final = False
    return current


def _work(tell: Connection, data: bytes, key: Key, limits: Limits, questions: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever grades ends this process
    threading.Thread(target=_end_with, args=(tell,), daemon=True).start()
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, resource.RLIM_INFINITY))
    try:
        notebook = read_notebook(data, key)
    except Unreadable as error:
        tell.send({"notes": [str(error)]})
        tell.send(None)
        return
    notes = [f"question {number} is not in the notebook" for number in notebook.missing]
    tell.send({"written": {str(n): text for n, text in notebook.written.items()}, "notes": notes})
    try:
        _judge(tell, notebook, key, limits, questions, notes)
    except Stopped as stopped:
        said = f"a sandbox {stopped}: run the command again"
        tell.send({"notes": [*notes, said], "final": False})
    tell.send(None)


def _judge(
    tell: Connection,
    notebook: Notebook,
    key: Key,
    limits: Limits,
    questions: list[int],
    notes: list[str],
) -> None:
    """Run the tests of these questions, and tell what each question found."""
    judge = Judge(key)
    signal.signal(signal.SIGALRM, _too_long)
    with Session(notebook.code, limits) as session:
        for question in key.questions:
            if not question.tests or question.number not in questions:
                continue
            session.begin(question.number)
            tell.send({"began": question.number})
            signal.setitimer(signal.ITIMER_REAL, limits.question + _MORE, 1.0)
            outcomes = judge.run(question, session.answer)
            signal.setitimer(signal.ITIMER_REAL, 0)
            tell.send(
                {
                    "tests": {each.test.name: (each.passed, each.note) for each in outcomes},
                    "notes": notes + session.notes,
                    "errors": [f"code cell {n}: {said}" for n, said in session.errors.items()],
                }
            )


def _end_with(tell: Connection) -> None:
    """End when whoever grades has ended: nothing ever comes from there."""
    with suppress(EOFError, OSError):
        tell.recv()
    os._exit(1)


def _too_long(*_: Any) -> None:
    raise TimeoutError("the test took longer than it may")


def grade_here(data: bytes, key: Key) -> Graded:
    """Grade a notebook in this process, which trusts it with everything."""
    began = time.monotonic()
    try:
        notebook = read_notebook(data, key)
    except Unreadable as error:
        return Graded(notes=[str(error)])
    cells = [nbformat.v4.new_code_cell(source) for source in notebook.code]
    submission, judge = InProcess(nbformat.v4.new_notebook(cells=cells)), Judge(key)
    outcomes = [
        outcome for question in key.questions for outcome in judge.run(question, submission.answer)
    ]
    return Graded(
        tests={each.test.name: (each.passed, each.note) for each in outcomes},
        written={str(n): text for n, text in notebook.written.items()},
        notes=[f"question {number} is not in the notebook" for number in notebook.missing],
        seconds=time.monotonic() - began,
    )
