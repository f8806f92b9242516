"""Execute the chapters: `python -m tools.chapters [NN]`.

A chapter whose code, library and packages have not changed is taken from the cache. The others run
side by side, one on each core. Each executed copy is written to `_build/executed/`, where nbval
compares a second run with it.
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.cache.db import NbCacheRecord
from jupyter_cache.executors.utils import single_nb_execution
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from _ext.execution import CACHE, ROOT, cache_folder

EXECUTED = ROOT / "_build" / "executed"
_CACHES_KEPT = 3
os.environ["TQDM_DISABLE"] = "1"  # a page shows how a run ended, not how it crept along
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


def execute(path: Path, notebook: nbformat.NotebookNode) -> Run:
    """Execute a notebook that was read from ``path``, from a fresh kernel.

    Runs in a process of its own, so that the peak memory of its children is this chapter's.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(_execute_here, path, notebook, _timeout()).result()


def execute_all(jobs: Iterable[tuple[Path, nbformat.NotebookNode]]) -> Iterator[Run]:
    """Execute notebooks side by side, and yield what came of them in the order given."""
    with ThreadPoolExecutor(side_by_side()) as pool:
        yield from pool.map(lambda job: execute(*job), jobs)  # stopped by hand, it starts no more


def side_by_side() -> int:
    """How many to run at once: one on each core that this process may use, and at most four.

    More, each with a model in training or a browser, would cost memory.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(4, cores)


def _timeout() -> float:
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return config["execute"]["timeout"]


def _execute_here(path: Path, notebook: nbformat.NotebookNode, timeout: float) -> Run:
    started: list[int] = []
    begin = time.perf_counter()
    try:
        failure = single_nb_execution(
            notebook,
            cwd=str(path.parent),
            timeout=timeout,
            allow_errors=False,
            extra_arguments=["--IPKernelApp.log_level=40"],  # no note about local sockets
            on_cell_start=lambda cell, cell_index: started.append(cell_index),
        ).err
    except DeadKernelError as died:
        failure = died
    seconds = time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    peak_mib = peak / (2**20 if sys.platform == "darwin" else 2**10)
    error = f"{path.name}, {cell_name(notebook, started[-1])}: " if failure else ""
    return Run(notebook, seconds, peak_mib, error and error + _explain(failure, timeout))


def cell_name(notebook: nbformat.NotebookNode, index: int) -> str:
    """Name a cell for people: its place, counted from 1 as readers do, and its id."""
    return f"cell {index + 1} ({notebook.cells[index].id})"


def _explain(failure: Exception, timeout: float) -> str:
    """Say what stopped a chapter, with the end of its traceback where there is one."""
    if isinstance(failure, CellTimeoutError):
        return f"timeout: still running after {timeout} seconds"
    if isinstance(failure, CellExecutionError):
        lines = ANSI.sub("", failure.traceback).strip().splitlines()
        shown = "\n".join(f"    {line}" for line in lines[-25:])
        return f"{failure.ename}: {failure.evalue}\n{shown}"
    return f"{failure} (out of memory?)"


def _prune() -> None:
    """Keep the caches of the last few states of the library, for going back and forth."""
    folders = sorted(CACHE.glob("*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in folders[_CACHES_KEPT:]:
        shutil.rmtree(folder)


def _measured(cache: JupyterCacheAbstract, source: nbformat.NotebookNode) -> NbCacheRecord | None:
    """Find an execution of our own; one by Jupyter Book itself does not say what it took."""
    try:
        record = cache.match_cache_notebook(source)
    except KeyError:
        return None
    return record if "peak_mib" in record.data else None


def run(chosen: str = "") -> list[str]:
    """Execute what is not in the cache, one line a chapter. Return what failed, in words."""
    cache = get_cache(cache_folder())
    sources = {path: nbformat.read(path, as_version=4) for path in chapters(chosen)}
    records = {path: _measured(cache, source) for path, source in sources.items()}
    runs = execute_all((path, sources[path]) for path in sources if records[path] is None)
    errors = []
    for path, source in sources.items():
        print(f"{path.stem:<32}", end="", flush=True)
        record, note = records[path], "  (unchanged)"
        if record is None:
            done, note = next(runs), ""
            if done.error:
                print(f"failed after {done.seconds:.1f} s", flush=True)
                errors.append(done.error)
                continue
            cost = {"execution_seconds": done.seconds, "peak_mib": done.peak_mib}
            bundle = CacheBundleIn(done.notebook, str(path), data=cost)
            record = cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
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
