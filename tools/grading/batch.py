"""Grade a folder, several submissions at once; each result is kept, so a batch can go on later."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue

import psutil
import torch
from tqdm import tqdm

from tools.grading.key import Key
from tools.grading.sandbox import Limits
from tools.grading.submissions import Found, Unreadable, find, read_bytes
from tools.grading.worker import Graded, grade_apart, grade_here

_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Row:
    """One submission and what was found."""

    found: Found
    graded: Graded

    @property
    def notes(self) -> list[str]:
        """All that a person should look at."""
        return [self.found.note, *self.graded.notes] if self.found.note else self.graded.notes


def grade_folder(folder: Path, key: Key, output: Path, limits: Limits | None) -> list[Row]:
    """Grade every submission of a folder, in the order of the students' names.

    Args:
        folder: of submissions.
        key: of the assignment.
        output: where results are kept: what is there already is not graded again.
        limits: of each sandbox, of which every processor runs one at a time; ``None`` grades in
            this process, one submission after the other.

    Raises:
        ValueError: the folder holds no submission.
    """
    submissions = find(folder)
    output.mkdir(parents=True, exist_ok=True)
    cores = _cores(limits)
    free: SimpleQueue[int] = SimpleQueue()
    for core in cores:
        free.put(core)

    def grade(data: bytes) -> Graded:
        if limits is None:
            return grade_here(data, key)
        core = free.get()
        try:
            return grade_apart(data, key, replace(limits, core=core))
        finally:
            free.put(core)

    grade_one = partial(_grade_one, grade, _state(key, limits), output)
    rows = []
    pool = ThreadPoolExecutor(len(cores)) if limits else None
    try:
        results = (pool.map if pool else map)(grade_one, submissions)
        for row in tqdm(results, total=len(submissions), desc=key.name, unit="submission"):
            rows.append(row)
    finally:
        if pool:
            pool.shutdown(cancel_futures=True)
    return rows


def _cores(limits: Limits | None) -> list[int]:
    """The processors to use: as many as memory allows sandboxes, a little over their limits."""
    if limits is None:
        return []
    fitting = int(psutil.virtual_memory().total / (1.5 * limits.memory))
    return sorted(os.sched_getaffinity(0))[: max(1, fitting)]


def _grade_one(grade: Callable[[bytes], Graded], state: bytes, output: Path, found: Found) -> Row:
    if found.path is None:
        return Row(found, Graded())
    try:
        data = read_bytes(found.path)
    except Unreadable as error:
        return Row(found, Graded(notes=[str(error)]))
    kept = output / f"{hashlib.sha256(state + data).hexdigest()}.json"
    try:
        return Row(found, Graded(**json.loads(kept.read_text(encoding="utf-8"))))
    except (OSError, TypeError, ValueError):
        graded = grade(data)
    if graded.final:
        write_text(kept, json.dumps(asdict(graded), indent=1))
    return Row(found, graded)


def _state(key: Key, limits: Limits | None) -> bytes:
    """What a result depends on beside the submission."""
    digest = hashlib.sha256(
        repr((key, limits, torch.__version__, platform.python_version())).encode()
    )
    for folder in ("tools/grading", "attention_lib"):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.digest()


def write_text(path: Path, text: str) -> None:
    """Write it beside, then rename, so that no half of a file is ever read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{threading.get_ident()}-{path.name}")
    beside.write_text(text, encoding="utf-8", newline="")
    beside.replace(path)
