"""Build the book: `python -m tools.book [NN]`. Warnings are errors, and name chapter and cell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import yaml

from _ext.execution import ROOT
from tools import chapters

_LINE = re.compile(r"(\S+\.ipynb):(\d+)")
_COMPLAINT = re.compile(r"WARNING|ERROR|rror: .")
_CELL = 10_000  # MyST-NB reports line 3 of the second cell as 20003


def name_cells(message: str) -> str:
    """Turn a notebook's line numbers in a warning into cells and their ids."""

    def cell(match: re.Match) -> str:
        path, number = Path(match.group(1)), int(match.group(2))
        if number < _CELL or not path.exists():
            return match.group(0)
        notebook = nbformat.read(path, as_version=4)
        name = chapters.cell_name(notebook, number // _CELL - 1)
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        return f"{shown}, {name}, line {number % _CELL}"

    return _LINE.sub(cell, message)


def complaints(log: str) -> list[str]:
    """Find in the log of a failed build what is wrong; where nothing says so, give its end."""
    lines = [line.rstrip() for line in chapters.ANSI.sub("", log).splitlines() if line.strip()]
    told = list(dict.fromkeys(name_cells(line) for line in lines if _COMPLAINT.search(line)))
    return told or ["\n".join(lines[-20:])]


def pages() -> list[str]:
    """Every page that the table of contents promises, without its suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    return [toc["root"], *(e["file"] for part in toc["parts"] for e in part["chapters"])]


def build(output: Path, chosen: str) -> list[str]:
    """Run Jupyter Book into ``output``. Return what is wrong with the result."""
    # From scratch: after a failed build, an unchanged second one would pass without a word.
    shutil.rmtree(output / "_build", ignore_errors=True) if output != ROOT else [
        shutil.rmtree(ROOT / "_build" / part, ignore_errors=True) for part in ("html", ".doctrees")
    ]
    command = [
        str(Path(sys.executable).with_name("jupyter-book")),
        "build",
        str(ROOT),
        "--path-output",
    ]
    command += [str(output), "-W", "-n", "--keep-going", "--all", "--quiet"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=os.environ | {"BOOK_CHAPTER": chosen},
    )
    log = ROOT / "_build" / "book.log"
    log.parent.mkdir(exist_ok=True)
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        return complaints(done.stdout + done.stderr)
    html = output / "_build" / "html"
    absent = [name for name in pages() if not (html / f"{name}.html").exists()]
    return [f"{name}: no page was built" for name in absent]


def main() -> None:
    """Execute the chapters, build the pages, and say which to open."""
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    errors = chapters.run(chosen)
    if not errors:
        print("building the pages", flush=True)
        output = ROOT / "_build" / "draft" if chosen else ROOT
        errors = build(output, chosen)
    if errors:
        sys.exit("\n" + "\n\n".join(errors) + "\n\nthe book was not built: see above")
    page = pages()[0]
    if chosen:
        page = chapters.chapters(chosen)[0].relative_to(ROOT).with_suffix("").as_posix()
    print(f"open {(output / '_build' / 'html' / page).with_suffix('.html')}")


if __name__ == "__main__":
    main()
