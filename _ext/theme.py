"""Take out of the theme what this book does not use: scripts that would only cost time."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

# thebe runs cells on somebody else's server; its loader names a foreign host.
_UNUSED = ("thebe",)


def _drop_unused(app: Sphinx, pagename: str, template: str, context: dict, doctree: object) -> None:
    for files in ("script_files", "css_files"):
        context[files] = [
            file for file in context.get(files, ()) if not any(w in _text(file) for w in _UNUSED)
        ]


def _text(file: object) -> str:
    return f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', '')}".lower()


def _empty_fontawesome(app: Sphinx, error: Exception | None) -> None:
    """Icons come from the theme's web font: its 1.5 MB script has nothing left to do."""
    script = Path(app.outdir) / "_static" / "scripts" / "fontawesome.js"
    if error is None and script.exists():
        script.write_text("")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks."""
    app.connect("html-page-context", _drop_unused, priority=900)  # after every extension added its
    app.connect("build-finished", _empty_fontawesome)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
