"""Find submissions in a folder and read them, whatever students or a download left there."""

from __future__ import annotations

import json
import os
import re
import stat
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tools.grading.key import Key

LARGEST = 20 * 2**20
_LONGEST = 50_000  # characters of a written answer
_CANVAS = re.compile(r"(?P<student>[^_]+)_(LATE_)?(?P<number>\d+)_\d+_.*")
_QUESTION = re.compile(r"\s*## Question (\d+)\b")
_INSTALL = "#@title Run this first"


class Unreadable(Exception):
    """A file is no notebook; the message says why, in a student's words."""


@dataclass(frozen=True)
class Found:
    """One submission of a folder.

    Attributes:
        student: as its file or folder is called; a second one of the same name gets a number.
        number: the student's number at Canvas, from the file name; else empty.
        path: of the notebook; ``None`` where there is none.
        note: what is wrong before anything is read.
        alone: whether no other submission is of the same student.
    """

    student: str
    number: str
    path: Path | None
    note: str = ""
    alone: bool = True


def find(folder: Path) -> list[Found]:
    """Find the submissions of a folder: notebooks in it, or one folder each, in order.

    Raises:
        ValueError: there are none.
    """
    found = []
    for entry in sorted(folder.iterdir()):
        # A name that is no text is made one: it goes into tables.
        name = os.fsencode(entry.stem).decode("utf-8", "replace")
        if name.startswith((".", "__")):
            continue
        if entry.is_symlink():
            found.append(Found(name, "", None, "it is a link, which was not followed"))
        elif entry.is_dir():
            found += _in_folder(entry, os.fsencode(entry.name).decode("utf-8", "replace"))
        elif entry.suffix == ".ipynb":
            canvas = _CANVAS.fullmatch(name)
            found.append(
                Found(canvas["student"], canvas["number"], entry)
                if canvas
                else Found(name, "", entry)
            )
    if not found:
        raise ValueError(f"{folder} holds no notebook (*.ipynb) and no folder with one")
    return _told_apart(found)


def _in_folder(folder: Path, name: str) -> list[Found]:
    inside = [
        Path(at, file)
        for at, _, files in os.walk(folder)
        for file in files
        if file.endswith(".ipynb") and not file.startswith(".") and ".ipynb_checkpoints" not in at
    ]
    if not inside:
        return [Found(name, "", None, "its folder holds no notebook (*.ipynb)")]
    return [Found(name, "", path) for path in sorted(inside)]


def _told_apart(found: list[Found]) -> list[Found]:
    """Number the submissions of one student: a person says which one counts."""
    same = defaultdict(list)
    for one in found:
        same[one.number or unicodedata.normalize("NFKC", one.student).casefold()].append(one)
    taken = {one.student for one in found}
    apart = []
    for group in same.values():
        for place, one in enumerate(group, 1):
            if len(group) > 1:
                student = one.student
                while place > 1 and (student in taken):
                    student, place = f"{one.student} ({place})", place + 1
                taken.add(student)
                said = f"{len(group)} submissions are of this student: one can count"
                one = replace(one, student=student, note=one.note or said, alone=False)
            apart.append(one)
    return sorted(apart, key=lambda one: one.student)


@dataclass(frozen=True)
class Notebook:
    """What counts of a notebook.

    Attributes:
        code: the sources of its code cells, without the one that installs.
        written: what the student wrote under each question, by its number.
        missing: the questions whose heading is gone.
    """

    code: tuple[str, ...]
    written: dict[int, str]
    missing: tuple[int, ...]


def read_bytes(path: Path) -> bytes:
    """Read a regular file of a size that a notebook can have.

    Raises:
        Unreadable: it is not one.
    """
    try:
        # Not a link, nor a pipe that would have to be waited for.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Unreadable(f"it cannot be opened, or is a link ({error.strerror})") from error
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable("it is no file")
        if status.st_size > LARGEST:
            raise Unreadable(f"it has {status.st_size:,} bytes; {LARGEST:,} are the most")
        return file.read(LARGEST)


def read_notebook(data: bytes, key: Key) -> Notebook:
    """Read what counts of a notebook of any minor version of format 4.

    Raises:
        Unreadable: it is none.
    """
    try:
        content = json.loads(data)
        if content.get("nbformat") != 4:
            raise Unreadable(f"it is no notebook of format 4: {content.get('nbformat')!r:.20}")
        cells = [(cell["cell_type"], _source(cell["source"]), cell) for cell in content["cells"]]
    except (MemoryError, RecursionError, ValueError) as bad:
        raise Unreadable("it is no notebook: it is not JSON that can be read") from bad
    except (AttributeError, LookupError, TypeError) as bad:
        raise Unreadable("it is no notebook: it is JSON, but without a notebook's cells") from bad
    code = tuple(
        source
        for kind, source, cell in cells
        if kind == "code" and cell.get("id") != "install" and not source.startswith(_INSTALL)
    )
    handed_out = {text.strip() for text in key.handed_out}
    written: dict[int, list[str]] = {}
    question = 0
    for kind, source, _ in cells:
        if kind != "markdown":
            continue
        if heading := _QUESTION.match(source):
            question = int(heading[1])
            written.setdefault(question, [])
        if question in written and source.strip() and source.strip() not in handed_out:
            written[question].append(source)
    return Notebook(
        code=code,
        written={
            q.number: "\n\n".join(written.get(q.number, []))[:_LONGEST] for q in key.questions
        },
        missing=tuple(q.number for q in key.questions if q.number not in written),
    )


def _source(source: Any) -> str:
    """Join lines; half characters, which no file can hold, become question marks."""
    text = source if isinstance(source, str) else "".join(source)
    return text.encode("utf-8", "replace").decode("utf-8")
