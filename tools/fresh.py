"""Run the published notebooks as a stranger would: `python -m tools.fresh [NN]`.

Each runs whole, from its install cell on, in an empty folder and in an environment of its own that
starts with what Colab surely has: PyTorch, NumPy, Matplotlib and a kernel.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import nbformat
from jupyter_client import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from packaging.requirements import Requirement

from _ext.execution import ROOT
from tools import chapters, notebooks

PRESENT = ("torch", "numpy", "matplotlib", "ipykernel", "pip")
_SECONDS_A_CELL = 600


def environment(folder: Path) -> Path:
    """Create an environment in ``folder`` that has no more than ``PRESENT``. Return its Python.

    The packages are links to those that run here: nothing is downloaded. They lie outside of the
    environment, so that pip never removes one, and would install another one over it instead.
    """
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(folder / "venv")], check=True
    )
    packages = folder / "packages"
    packages.mkdir()
    for name in sorted(_with_needs(PRESENT)):
        found = distribution(name)
        tops = {Path(file).parts[0] for file in found.files if ".." not in Path(file).parts}
        for top in tops - {"__pycache__"}:
            link = packages / top
            if not link.exists():
                link.symlink_to(found.locate_file(top))
    python = folder / "venv" / "bin" / "python"
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", purelib], capture_output=True, text=True, check=True)
    Path(site.stdout.strip(), "present.pth").write_text(f"{packages}\n")
    return python


def _with_needs(names: tuple[str, ...]) -> set[str]:
    """Add what packages need, as far as it is installed here."""
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name in found:
            continue
        try:
            requires = distribution(name).requires or []
        except PackageNotFoundError:  # for another platform
            continue
        found.add(name)
        needs = map(Requirement, requires)
        todo += [n.name for n in needs if n.marker is None or n.marker.evaluate({"extra": ""})]
    return found


def run(notebook: Path, python: Path, folder: Path, source: str) -> nbformat.NotebookNode:
    """Execute a notebook in ``folder`` with another Python, and return the result.

    Raises:
        CellExecutionError: a cell failed; it holds the cell and what it printed.
    """
    executed = nbformat.read(notebook, as_version=4)
    manager = AsyncKernelManager()
    kernel = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
    manager.kernel_spec.argv = [str(python), *kernel, "--IPKernelApp.log_level=40"]
    ours = ("PYTHONPATH", "VIRTUAL_ENV", "ATTENTION_LIB")
    environ = {name: value for name, value in os.environ.items() if name not in ours}
    client = NotebookClient(
        executed,
        km=manager,
        timeout=_SECONDS_A_CELL,
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(cleanup_kc=True, env=environ | {"ATTENTION_LIB": source, "TQDM_DISABLE": "1"})
    return executed


def main() -> None:
    """Write the notebooks and run them, one line each."""
    notebooks.main()
    failed = []
    for chapter in chapters.chapters(sys.argv[1] if len(sys.argv) > 1 else ""):
        print(f"{chapter.stem:<32}", end="", flush=True)
        begin = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            python = environment(Path(folder))
            empty = Path(folder, "empty")
            empty.mkdir()
            try:
                run(notebooks.NOTEBOOKS / chapter.name, python, empty, str(ROOT))
            except CellExecutionError as error:
                failed.append(f"{chapter.name}: {error}")
        print(f"{time.perf_counter() - begin:7.1f} s", flush=True)
    if failed:
        sys.exit("\n" + "\n\n".join(failed))


if __name__ == "__main__":
    main()
