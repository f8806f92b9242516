"""What this book changes in the theme.

It leaves out scripts, styles and icons that would only cost time, and searches pages that lie in a
folder.
"""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

# thebe runs cells on somebody else's server; its loader names a foreign host.
_UNUSED = ("thebe",)
# What sphinx-design writes carries classes sd-...; most pages hold nothing of it.
_DESIGN = ("sphinx-design", "design-tabs")

_ICON_RULE = re.compile(r'((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:"(\\?[^"]+)"\}')
# Results show the lines around what was found, which a browser may not read from a folder.
_SEARCH = 'if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'


def _drop_unused(app: Sphinx, pagename: str, template: str, context: dict, doctree: object) -> None:
    unused = _UNUSED if 'class="sd-' in context.get("body", "") else _UNUSED + _DESIGN
    for files in ("script_files", "css_files"):
        context[files] = [
            file for file in context.get(files, ()) if not any(w in _text(file) for w in unused)
        ]


def _drop_dead_buttons(
    app: Sphinx, pagename: str, template: str, context: dict, doctree: object
) -> None:
    """No source of a page is published, so a button to download it would lead nowhere."""
    for group in context.get("header_buttons", ()):
        if "buttons" in group:
            group["buttons"] = [
                button
                for button in group["buttons"]
                if not str(button.get("url", "")).endswith("_sources/")
            ]


def _search_in_a_folder(app: Sphinx, pagename: str, *_: object) -> None:
    if pagename == "search":
        app.add_js_file(None, body=_SEARCH)


def _text(file: object) -> str:
    return f"{getattr(file, 'filename', file)} {getattr(file, 'attributes', '')}".lower()


def _lighten_icons(app: Sphinx, error: Exception | None) -> None:
    """Keep of Font Awesome the dozen icons that pages show, of 250 kB of them."""
    static = Path(app.outdir) / "_static"
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    if error is not None or not sheet.exists():
        return
    # Icons come from the theme's web font: its 1.5 MB script has nothing left to do.
    (static / "scripts" / "fontawesome.js").write_text("")
    shown = " ".join(
        path.read_text(encoding="utf-8")
        for path in (*Path(app.outdir).rglob("*.html"), *static.rglob("*.js"))
    )
    used = set(re.findall(r"\bfa-[\w-]+", shown))
    characters = set()

    def keep(rule: re.Match) -> str:
        if used.isdisjoint(re.findall(r"fa-[\w-]+", rule.group(1))):
            return ""
        characters.add(_character(rule.group(2)))
        return rule.group(0)

    styles = _ICON_RULE.sub(keep, sheet.read_text(encoding="utf-8"))
    for path in (static / "styles").glob("*.css"):
        text = styles if path == sheet else path.read_text(encoding="utf-8")
        characters.update(map(_character, _drawn(text)))
    # The other formats of the font would each need their own subset; every browser reads this one.
    font = "vendor/fontawesome/webfonts/fa-solid-900"
    styles = styles.replace(f'url(../{font}.woff2) format("woff2"),', "")
    sheet.write_text(styles, encoding="utf-8")
    _subset(static / f"{font}.ttf", characters)
    (static / f"{font}.woff2").unlink()


def _drawn(styles: str) -> list[str]:
    """What a style sheet writes before or after an element, or keeps in the theme's variables."""
    return re.findall(r'(?:--pst-icon-[\w-]+|content):\s*"(\\[0-9a-fA-F]+|[^"\\])"', styles)


def _character(written: str) -> str:
    return chr(int(written[1:], 16)) if written.startswith("\\") else written


def _subset(path: Path, characters: set[str]) -> None:
    font = TTFont(path, recalcTimestamp=False)  # the same build, the same bytes
    subsetter = Subsetter(Options(notdef_outline=True, layout_features=[]))
    subsetter.populate(text="".join(characters))
    subsetter.subset(font)
    buffer = BytesIO()
    font.save(buffer)
    path.write_bytes(buffer.getvalue())


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks."""
    app.config.templates_path.append(str(Path(__file__).parent / "templates"))
    app.connect("html-page-context", _drop_unused, priority=900)  # after every extension added its
    app.connect("html-page-context", _drop_dead_buttons, priority=900)
    app.connect("html-page-context", _search_in_a_folder)
    app.connect("build-finished", _lighten_icons)
    app.setup_extension("_ext.accessibility")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
