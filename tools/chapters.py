"""Execute the chapters: `python -m tools.chapters [NN]`.

A chapter whose code, library and packages have not changed is taken from the cache. Each executed
copy is written to `_build/executed/`, where nbval compares a second run with it.
"""

from __future__ import annotations

import re
import resource
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution

from _ext.execution import CACHE, ROOT, cache_folder

EXECUTED = ROOT / "_build" / "executed"
_CACHES_KEPT = 3
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Run:
    """One chapter's execution: the notebook with outputs, its cost, and what failed."""

    notebook: nbformat.NotebookNode
    seconds: float
    peak_mib: float
    error: str = ""


def chapters(chosen: str = "") -> list[Path]:
    """List the notebooks of _toc.yml in reading order; with ``chosen`` ("05"), that one alone.

    Raises:
        SystemExit: a notebook that the table of contents names is missing, or none is chosen.
    """
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]
    names = [entry["file"] for part in parts for entry in part["chapters"]]
    paths = [ROOT / f"{name}.ipynb" for name in names if name.startswith("chapters/")]
    absent = [path.name for path in paths if not path.exists()]
    if absent:
        sys.exit(f"_toc.yml names chapters that do not exist: {', '.join(absent)}")
    paths = [path for path in paths if path.name.startswith(chosen)]
    if not paths:
        sys.exit(f"CHAPTER={chosen}: no such chapter; expected two digits, such as 02")
    return paths


def execute(path: Path, timeout: float) -> Run:
    """Execute one notebook from a fresh kernel, in this process's child."""
    notebook = nbformat.read(path, as_version=4)
    result = single_nb_execution(
        notebook,
        cwd=str(path.parent),
        timeout=timeout,
        allow_errors=False,
        extra_arguments=["--IPKernelApp.log_level=40"],  # no note about local sockets
    )
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak_mib = peak / (2**20 if sys.platform == "darwin" else 2**10)
    error = _where_it_failed(path, notebook, result.exc_string) if result.err else ""
    return Run(notebook, result.time, peak_mib, error)


def cell_name(notebook: nbformat.NotebookNode, index: int) -> str:
    """Name a cell for people: its place, counted from 1 as readers do, and its id."""
    return f"cell {index + 1} ({notebook.cells[index].id})"


def _where_it_failed(path: Path, notebook: nbformat.NotebookNode, traceback: str) -> str:
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                lines = ANSI.sub("", "\n".join(output.traceback)).splitlines()
                shown = "\n".join(f"    {line}" for line in lines[-25:])
                what = f"{output.ename}: {output.evalue}".strip()
                return f"{path.name}, {cell_name(notebook, index)}: {what}\n{shown}"
    # No output holds the error: a time-out, or a kernel that died. The cell is the last to start.
    started = [i for i, c in enumerate(notebook.cells) if c.get("execution_count")]
    running = next(
        (
            i
            for i, c in enumerate(notebook.cells)
            if c.cell_type == "code" and i > max(started, default=-1)
        ),
        0,
    )
    return f"{path.name}, {cell_name(notebook, running)}: {traceback.strip().splitlines()[-1]}"


def _fresh_process() -> ProcessPoolExecutor:
    """Start a process for one chapter, so that its children's peak memory is this chapter's."""
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


def _prune() -> None:
    """Keep the caches of the last few states of the library, for going back and forth."""
    folders = sorted(CACHE.glob("*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[_CACHES_KEPT:]:
        get_cache(folder).clear_cache()
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()


def run(chosen: str = "") -> list[str]:
    """Execute what is not in the cache, one line a chapter. Return what failed, in words."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    timeout = config["execute"]["timeout"]
    cache = get_cache(cache_folder())
    errors = []
    for path in chapters(chosen):
        print(f"{path.stem:<32}", end="", flush=True)
        source = nbformat.read(path, as_version=4)
        try:
            record = cache.match_cache_notebook(source)
        except KeyError:
            with _fresh_process() as process:
                done = process.submit(execute, path, timeout).result()
            if done.error:
                print(f"failed after {done.seconds:.1f} s", flush=True)
                errors.append(done.error)
                continue
            cost = {"execution_seconds": done.seconds, "peak_mib": done.peak_mib}
            bundle = CacheBundleIn(done.notebook, str(path), data=cost)
            record = cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
            note = ""
        else:
            note = "  (unchanged)"
        seconds, peak = record.data["execution_seconds"], record.data["peak_mib"]
        print(f"{seconds:7.1f} s {peak:7.0f} MiB{note}", flush=True)
        copy = EXECUTED / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(cache.merge_match_into_notebook(source)[1], copy)
    _prune()
    return errors


def main() -> None:
    """Execute the chapters and report."""
    errors = run(sys.argv[1] if len(sys.argv) > 1 else "")
    if errors:
        sys.exit("\n" + "\n\n".join(errors))


if __name__ == "__main__":
    main()
