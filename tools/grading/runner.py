"""What runs inside the sandbox: the cells of a submission, then whatever the grader asks of it.

The submission can do with this process what it likes, so the grader believes nothing that comes
from here. One request at a time, sent with a random word, and answered with the same word and a
dict of one key:

==================================  ==============================================
``{"run": source}``                 ``done``, or ``error``
``{"get": name}``                   ``value``, ``callable``, ``absent``, or ``error``
``{"call": name, "with": values}``  ``value``, or ``error``
==================================  ==============================================

``values`` is a list of arguments and a dict of those by keyword; an error is a dict of three
strings: its type, its message, and the submission's own line. The seeds are the same before every
cell and every ``get``, so that two runs agree.
"""

from __future__ import annotations

import os
import random
import resource
import socket
import sys
import traceback
from typing import Any

import numpy as np
import torch
from IPython.core.interactiveshell import InteractiveShell

from tools.grading.exchange import receive, send

_LONGEST = 500


class Shell(InteractiveShell):
    """A notebook's shell without a screen: magics work, errors are one line."""

    def enable_gui(self, gui: str | None = None) -> None:
        """There is no window to open: `%matplotlib inline` has nothing to do."""

    def showtraceback(self, *arguments: Any, **options: Any) -> None:
        """Print the error without its stack."""
        print(*traceback.format_exception_only(*sys.exc_info()[:2]), sep="", end="")


def main() -> None:
    """Answer requests until the grader is gone."""
    channel = socket.socket(fileno=int(sys.argv[1]))
    for limit, most in zip(sys.argv[2::2], sys.argv[3::2], strict=True):
        resource.setrlimit(getattr(resource, limit), (int(most), int(most)))
    os.nice(5)  # what watches over this process comes first
    shell = Shell.instance(colors="nocolor", history_length=0)
    shell.history_manager.enabled = False
    while True:
        try:
            word, request = receive(channel)
        except EOFError:
            return
        answer = _answer(shell, request)
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            send(channel, [word, answer])
        except ValueError as error:
            said = f"the answer cannot be read: {error}"[:_LONGEST]
            send(channel, [word, {"error": ["", said, ""]}])


def _answer(shell: Shell, request: dict[str, Any]) -> dict[str, Any]:
    try:
        if "run" in request:
            _seed()
            result = shell.run_cell(request["run"])
            error = result.error_before_exec or result.error_in_exec
            return {"error": _described(error)} if error else {"done": None}
        if "get" in request:
            _seed()
            value = shell.user_ns.get(request["get"], ...)
            if value is ...:
                return {"absent": None}
            return {"callable": None} if callable(value) else {"value": value}
        positional, by_name = request["with"]
        return {"value": shell.user_ns[request["call"]](*positional, **by_name)}
    except BaseException as error:  # also SystemExit: a submission does not end the runner with it
        return {"error": _described(error)}


def _described(error: BaseException) -> list[str]:
    line = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if "ipython-input" in frame.filename:
            line = frame.line or ""
    return [text[:_LONGEST] for text in (type(error).__name__, str(error), line)]


def _seed() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


if __name__ == "__main__":
    main()
