"""One submission in a sandbox: its cells are run, then its names answer for it.

A cell that ends its sandbox is left out of the next one, so that the others keep what they earn; a
question that does so is over, and the next one gets a fresh sandbox.
"""

from __future__ import annotations

import builtins
import time
from collections.abc import Callable
from typing import Any

from tools.grading.judge import Raised, Unanswered
from tools.grading.sandbox import Limits, Sandbox, Stopped

# Types that a test may expect; all others arrive as Raised alone.
_KINDS = {
    kind.__name__: type(kind.__name__, (Raised, kind), {})
    for kind in (
        *(AssertionError, AttributeError, IndexError, KeyError, NotImplementedError),
        *(RuntimeError, TypeError, ValueError, ZeroDivisionError),
    )
}


class Session:
    """The answers of one submission, a context manager.

    Attributes:
        notes: what went wrong with the sandbox, a sentence each.
        errors: what cells raised, by their place among the code cells, from 1.
    """

    def __init__(self, cells: tuple[str, ...], limits: Limits) -> None:
        self.notes: list[str] = []
        self.errors: dict[int, str] = {}
        self._cells = dict(enumerate(cells, 1))
        self._lines = {line.strip() for source in cells for line in source.splitlines()}
        self._limits = limits
        self._until = time.monotonic() + limits.total
        self._sandbox: Sandbox | None = None
        self._left = 0.0
        self._over = ""
        self._question = ""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        if self._sandbox:
            self._sandbox.__exit__()
            self._sandbox = None

    def begin(self, question: int) -> None:
        """Give a question its time, and a sandbox where the last one is gone."""
        self._question, self._left, self._over = f"question {question}", self._limits.question, ""
        if not self._sandbox:
            self._start()

    def answer(self, name: str) -> Any:
        """Give a function or a value by its name.

        Raises:
            Unanswered: there is none, or the sandbox is gone.
        """
        match self._ask({"get": name}):
            case {"value": value}:
                return value
            case {"callable": _}:
                return self._function(name)
            case {"error": [_, str(message), _]}:
                raise Unanswered(f"`{name}`: {message}")
        raise Unanswered(f"`{name}` is not there: no cell defined it")

    def _function(self, name: str) -> Callable:
        def function(*positional: Any, **by_name: Any) -> Any:
            match self._ask({"call": name, "with": [list(positional), by_name]}):
                case {"value": value}:
                    return value
                case {"error": [str(kind), str(message), str(line)]}:
                    error = _KINDS.get(kind, Raised)(message)
                    # Shown of hidden tests, too: no place for the inputs that they passed in.
                    error.kind = kind if kind in vars(builtins) else "an error"
                    error.line = line if line in self._lines else ""
                    raise error
            raise Unanswered(f"`{name}` gave no answer that can be read")

        return function

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._over:
            raise Unanswered(self._over)
        began = time.monotonic()
        try:
            return self._sandbox.ask(request, min(self._left, self._until - began))
        except Stopped as stopped:
            self._over = f"{self._question} {stopped}"
            self.notes.append(self._over)
            self.__exit__()
            raise Unanswered(self._over) from None
        finally:
            self._left -= time.monotonic() - began

    def _start(self) -> None:
        """Run the cells, from the first again whenever one of them ends the sandbox."""
        while not self._sandbox:
            left = self._until - time.monotonic()
            if left <= 0:
                self._over = "the notebook used up its time"
                if self._over not in self.notes:
                    self.notes.append(self._over)
                return
            self._sandbox = Sandbox(self._limits)
            for number, source in list(self._cells.items()):
                left = self._until - time.monotonic()
                try:
                    answer = self._sandbox.ask({"run": source}, min(self._limits.cell, left))
                except Stopped as stopped:
                    self.notes.append(f"code cell {number} {stopped}, and was left out")
                    del self._cells[number]
                    self.__exit__()
                    break
                match answer:
                    case {"error": [str(kind), str(message), str(line)]}:
                        self.errors[number] = f"{kind}: {message}" + (f", in `{line}`" * bool(line))
