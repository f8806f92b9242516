"""Write the chapters as notebooks for Colab and JupyterLab: `python -m tools.notebooks`.

What `make book` has read is used again, if it is there; outputs come from the cache of executed
chapters, which is filled first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from _ext.execution import ROOT
from tools import book, chapters

NOTEBOOKS = ROOT / "_build" / "notebooks"
_JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"


def build(output: Path = ROOT) -> list[str]:
    """Write a notebook for each chapter into ``output/_build/notebooks``.

    Returns:
        What is wrong with the result, in words.
    """
    command = [sys.executable, "-c", _JUPYTER_BOOK, "build", str(ROOT)]
    command += ["--path-output", str(output), "--builder", "custom"]
    command += ["--custom-builder", "notebooks", "-W", "-n", "--keep-going"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        return book.complaints(done.stdout + done.stderr)
    folder, promised = output / "_build" / "notebooks", {p.name for p in chapters.chapters()}
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)  # stylesheets of extensions, which no notebook uses
        elif path.name not in promised:
            path.unlink()  # of a chapter that has another name now
    absent = sorted(promised - {path.name for path in folder.iterdir()})
    return [f"{name}: no notebook was written" for name in absent]


def main() -> None:
    """Execute what is not in the cache, write the notebooks, and say where they are."""
    errors = chapters.run() or build()
    if errors:
        sys.exit("\n" + "\n\n".join(errors) + "\n\nthe notebooks were not written: see above")
    print(f"{len(chapters.chapters())} notebooks in {NOTEBOOKS}")


if __name__ == "__main__":
    main()
