"""Find out whether a sandbox isolates on this machine, by trying to get out of one."""

from __future__ import annotations

import os
import secrets
import socket
import sys
from pathlib import Path

from tools.grading.sandbox import Limits, Sandbox, Stopped

_ROOT = Path(__file__).resolve().parents[2]
_ADVICE = """\
Submissions are graded only where bubblewrap isolates them.
- Debian 12, Ubuntu 24.04 or newer: apt install bubblewrap (0.8 is the oldest that does)
- Ubuntu also refuses the namespaces that it needs, until
  sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
- in a container: start it so that it may make user namespaces
- macOS, Windows: use a Linux machine, WSL 2 or a container
--unsafe grades without: every submission can then read your files and change all grades."""

_ATTEMPTS = """
import ctypes, os, pathlib, socket
libc = ctypes.CDLL(None)
found = []

def attempt(what, action):
    try:
        if action() is not False:
            found.append(what)
    except OSError:
        pass

def is_open(path):
    return bool(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1))

def datagram():
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"probe", ("127.0.0.1", PORT))
    return False  # whether it arrived is seen outside

def create(folder):
    pathlib.Path(folder, PROBE).write_text("")

def create_outside(folder):
    create(folder)
    return False  # perhaps in memory of the sandbox; whether it lies in the folder is seen outside

attempt("reached a port of this machine", lambda: socket.create_connection(("127.0.0.1", PORT), 2))
attempt("", datagram)
for path in HIDDEN:
    attempt(f"read {path}", lambda: is_open(path))
for folder in ("/", "/dev", "/usr/lib"):
    attempt(f"wrote into {folder}", lambda: create(folder))
for folder in FOLDERS:
    attempt("", lambda: create_outside(folder))
processes = [*filter(str.isdigit, os.listdir("/proc"))]
attempt("saw the processes of this machine", lambda: len(processes) > 9)
attempt("is the administrator", lambda: os.getuid() == 0)
status = open("/proc/self/status").read()
attempt("has privileges", lambda: int(status.split("CapEff:")[1].split()[0], 16) != 0)
attempt("may use any system call", lambda: os.memfd_create("probe"))
attempt("made a user namespace", lambda: libc.unshare(0x10000000) == 0)
"""


def refusal(key: Path) -> str:
    """Say why nothing is graded on this machine; empty where sandboxes isolate.

    Args:
        key: the answer key, which must not be seen.
    """
    try:
        holes = find_holes([key, *_private()])
    except FileNotFoundError:
        return f"bubblewrap (bwrap) is not installed.\n{_ADVICE}"
    except RuntimeError as error:
        return f"{error}.\n{_ADVICE}"
    except Stopped as stopped:
        return f"bubblewrap does not work here: a sandbox {stopped}\n{_ADVICE}"
    if holes:
        return f"a sandbox does not isolate here: code in it {', '.join(holes)}.\n{_ADVICE}"
    return ""


def _private() -> list[Path]:
    own = [_ROOT / "assignments", _ROOT / "tools" / "assignments.py", _ROOT / "_build"]
    return [path for path in (*own, Path.home() / ".ssh", Path("/etc/passwd")) if path.exists()]


def find_holes(hidden: list[Path]) -> list[str]:
    """Try to get out of a sandbox, and list what succeeded.

    Args:
        hidden: files and folders that must not be seen.
    """
    with socket.socket() as listener, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        datagrams.setblocking(False)
        folders = [
            sys.prefix,
            sys.base_prefix,
            "/course/attention_lib",
            str(Path.home()),
            os.getcwd(),
        ]
        probe = f".probe-{secrets.token_hex(8)}"
        names = {"PORT": port, "HIDDEN": [str(path) for path in hidden], "FOLDERS": folders}
        names["PROBE"] = probe
        given = "".join(f"{name} = {value!r}\n" for name, value in names.items())
        with Sandbox(Limits()) as sandbox:
            ran = sandbox.ask({"run": given + _ATTEMPTS}, 30.0)
            if "done" not in ran:
                raise Stopped(f"could not be tried: {ran}")
            holes = sandbox.ask({"get": "found"}, 5.0)["value"]
        try:
            datagrams.recv(16)
            holes.append("sent a datagram to this machine")
        except BlockingIOError:
            pass
        for written in (Path(folder, probe) for folder in folders):
            if written.exists():
                holes.append(f"wrote into {written.parent}")
                written.unlink()
    return holes
