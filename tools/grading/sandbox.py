"""A process that sees and reaches nothing: where a submission's code runs.

bubblewrap gives it namespaces of its own: no network, no other process, no file but the read-only
interpreter, its packages and the course's library, two small folders in memory to write to, no
privilege. What namespaces do not bound (time, memory, processes, output) a watch bounds from
outside, and ends the whole sandbox at once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tools.grading.exchange import receive, send
from tools.grading.syscalls import system_call_filter

_ROOT = Path(__file__).resolve().parents[2]
_MIB = 2**20
_WATCH = 0.1  # seconds between two looks
_KEPT = 2**12  # bytes of what was printed: the cause, where a sandbox does not start
_START = 60.0  # seconds that an interpreter may take to import torch on a busy machine


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes:
        cell: seconds a cell.
        question: seconds for all the tests of a question.
        total: seconds a submission, sandboxes' starts included.
        memory: bytes in use by all its processes; what they share counts in each.
        processes: at once, with eight threads each on average.
        output: bytes printed by one sandbox.
        scratch: bytes of each of the folders that can be written to, and of a file.
        core: the one processor that it keeps busy, by its number; by default the last.
    """

    cell: float = 60.0
    question: float = 20.0
    total: float = 600.0
    memory: int = 2 * 2**30
    processes: int = 64
    output: int = 4 * _MIB
    scratch: int = 64 * _MIB
    core: int | None = None


class Stopped(Exception):
    """The sandbox is gone; the message says why, as the end of a sentence."""


def command(limits: Limits, channel: int, system_calls: int) -> list[str]:
    """Build the command line of one sandbox.

    Args:
        limits: what it may use.
        channel: the descriptor of its end of a socket.
        system_calls: a descriptor that the filter is read from.
    """
    python = Path(sys.prefix).resolve()
    line = [
        *("bwrap", "--unshare-all", "--unshare-user", "--disable-userns"),
        *("--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"),
        *("--new-session", "--die-with-parent", "--clearenv", "--hostname", "sandbox"),
        *("--seccomp", str(system_calls)),
    ]
    for folder in ("bin", "lib", "lib32", "lib64"):
        line += ["--ro-bind-try", f"/usr/{folder}", f"/usr/{folder}"]
        at_root = Path("/", folder)
        if at_root.is_symlink():
            line += ["--symlink", f"usr/{folder}", str(at_root)]
        else:
            line += ["--ro-bind-try", str(at_root), str(at_root)]
    line += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    # Before what may lie in one of them, such as an environment in /tmp.
    size = ["--size", str(limits.scratch)]
    line += ["--proc", "/proc", "--dev", "/dev", *size, "--tmpfs", "/dev/shm"]
    line += [*size, "--tmpfs", "/tmp"]
    base = Path(sys.base_prefix)
    for folder in dict.fromkeys([base, base.resolve(), python]):
        if folder != Path("/usr"):
            line += ["--ro-bind", str(folder), str(folder)]
    own = ("attention_lib", "tools/grading/exchange.py", "tools/grading/runner.py")
    for path in own:
        line += ["--ro-bind", str(_ROOT / path), f"/course/{path}"]
    line += ["--remount-ro", "/dev", "--remount-ro", "/"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "LD_LIBRARY_PATH": str(base / "lib"),  # of a Python that is a shared library
        "HOME": "/tmp",
        "USER": "student",
        "LANG": "C.UTF-8",
        "PYTHONPATH": "/course",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "agg",
        "PIP_NO_INDEX": "1",
        "TQDM_DISABLE": "1",
    }
    for name, value in environment.items():
        line += ["--setenv", name, value]
    rlimits = {
        "RLIMIT_DATA": 2 * limits.memory,  # refuses at once what the watch would only see later
        "RLIMIT_FSIZE": limits.scratch,
        "RLIMIT_NOFILE": 256,
        "RLIMIT_CORE": 0,
    }
    line += ["--chdir", "/tmp", str(python / "bin" / "python"), "-m", "tools.grading.runner"]
    return [*line, str(channel), *(str(word) for pair in rlimits.items() for word in pair)]


class Sandbox:
    """One running sandbox, a context manager.

    Raises:
        FileNotFoundError: bubblewrap is not installed.
        Stopped: it did not start.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._reason = ""
        self._printed = bytearray()
        self._count = 0
        self._over = threading.Event()
        if not shutil.which("bwrap"):
            raise FileNotFoundError("bwrap")
        self._channel, theirs = socket.socketpair()
        rules, into = os.pipe()
        os.write(into, system_call_filter())
        os.close(into)
        with theirs, open(rules, "rb"), _on(limits.core):
            self._process = subprocess.Popen(
                command(limits, theirs.fileno(), rules),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=[theirs.fileno(), rules],
            )
        self._threads = [threading.Thread(target=t, daemon=True) for t in (self._read, self._watch)]
        for thread in self._threads:
            thread.start()
        try:
            self.ask({"get": "..."}, _START)
        except Stopped as stopped:
            self.__exit__()
            printed = bytes(self._printed).decode("utf-8", "replace").strip()
            raise Stopped(f"did not start: it {stopped}. {printed}") from None

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self._end("was closed")
        self._over.set()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        self._process.stdout.close()
        self._channel.close()

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Ask one thing of the runner.

        Raises:
            Stopped: no answer came, or one that is no message; the sandbox is gone.
            ValueError: the request holds no plain value.
        """
        deadline = time.monotonic() + seconds
        # What was sent before anybody asked carries another word, and is passed over.
        word = secrets.token_hex(8)
        try:
            send(self._channel, [word, request], deadline)
            while True:
                match receive(self._channel, deadline):
                    case [str(heard), dict(answer)] if heard == word:
                        return answer
        except TimeoutError:
            self._end("took longer than it may")
        except (EOFError, OSError):
            # What ended it, if the watch did, is known only after the processes are gone.
            self._process.wait()
            self._end("ended its process")
        except ValueError as error:
            self._end(f"sent something that is no message ({error})")
        raise Stopped(self._reason)

    def _read(self) -> None:
        while part := self._process.stdout.read1(2**16):
            self._count += len(part)
            self._printed += part[: max(0, _KEPT - len(self._printed))]
            if self._count > self._limits.output:
                self._end(f"printed more than {self._limits.output // _MIB} MiB")

    def _watch(self) -> None:
        while not self._over.wait(_WATCH) and self._process.poll() is None:
            processes = self._processes()
            memory, threads = _use(processes)
            most = self._limits.processes
            if len(processes) > most or threads > 8 * most or memory > self._limits.memory:
                # One wording: which of them a fork bomb meets first is chance.
                size = f"{self._limits.memory / 2**30:g} GiB of memory"
                self._end(f"used more than {size} or {most} processes")

    def _processes(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children(recursive=True)
        return []

    def _end(self, reason: str) -> None:
        self._reason = self._reason or reason
        # The first process within: with it, the kernel ends all others of its namespace.
        for process in (*self._first(), self._process):
            with contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
                process.kill()

    def _first(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            return psutil.Process(self._process.pid).children()
        return []


@contextlib.contextmanager
def _on(core: int | None) -> Iterator[None]:
    """Start processes on one processor: however many they become, the others stay free."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before) if core is None else core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _use(processes: list[psutil.Process]) -> tuple[int, int]:
    """Add up the memory in bytes and the threads of processes."""
    memory = threads = 0
    for process in processes:
        with contextlib.suppress(psutil.Error), process.oneshot():
            memory += process.memory_info().rss
            threads += process.num_threads()
    return memory, threads
