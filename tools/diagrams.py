"""Draw `chapters/_diagrams/*.mmd` as SVG: `make diagrams`, whenever a source changes.

The book's sign becomes pixels here, too: cards that show a page in short take no SVG.

Mermaid needs a browser, so the drawings are committed; each names the checksum of what it was drawn
from, and a test compares it. Colours become CSS variables, which the page sets for both themes.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from _ext.chromium import chromium
from _ext.execution import ROOT

SIGN = ROOT / "_static" / "favicon.svg"
DIAGRAMS = ROOT / "chapters" / "_diagrams"
MERMAID = "mermaid@12.3.0"
# Mermaid computes with colours, so it gets plain ones; the page's variables replace them.
_COLOURS = {
    "#e8f1f8": "var(--diagram-node, #e8f1f8)",
    "#0072b2": "var(--diagram-line, #0072b2)",
    "#1b1b1b": "var(--diagram-text, #1b1b1b)",
    "#f4f4f4": "var(--diagram-group, #f4f4f4)",
}
_NODE, _LINE, _TEXT, _GROUP = _COLOURS
_SETTINGS = {
    "startOnLoad": False,
    "securityLevel": "strict",
    "deterministicIds": True,
    "theme": "base",
    "fontFamily": "DejaVu Sans, sans-serif",  # wide: narrower page fonts fit what it measures
    "htmlLabels": False,
    "flowchart": {"htmlLabels": False, "useMaxWidth": True, "padding": 12},
    "sequence": {"useMaxWidth": True, "mirrorActors": False, "boxMargin": 6},
    "themeVariables": {
        "background": "#ffffff",
        "primaryColor": _NODE,
        "mainBkg": _NODE,
        "primaryBorderColor": _LINE,
        "nodeBorder": _LINE,
        "primaryTextColor": _TEXT,
        "textColor": _TEXT,
        "nodeTextColor": _TEXT,
        "titleColor": _TEXT,
        "lineColor": _TEXT,
        "clusterBkg": _GROUP,
        "clusterBorder": _LINE,
        "edgeLabelBackground": _GROUP,
        "actorBkg": _NODE,
        "actorBorder": _LINE,
        "actorTextColor": _TEXT,
        "actorLineColor": _LINE,
        "signalColor": _TEXT,
        "signalTextColor": _TEXT,
        "noteBkgColor": _GROUP,
        "noteBorderColor": _LINE,
        "noteTextColor": _TEXT,
        "fontSize": "15px",
    },
}


def checksum(source: Path) -> str:
    """Name what a drawing is made from: its source and the settings above."""
    made_from = f"{MERMAID}\n{_SETTINGS}\n{_COLOURS}\n{source.read_text(encoding='utf-8')}"
    return hashlib.sha256(made_from.encode()).hexdigest()[:16]


def _is_stale(source: Path) -> bool:
    drawing = source.with_suffix(".svg")
    return not drawing.exists() or checksum(source) not in drawing.read_text(encoding="utf-8")


def _mermaid() -> str:
    """Fetch Mermaid from the npm registry and return its script."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", MERMAID, "--silent"], cwd=folder, check=True, capture_output=True
        )
        with tarfile.open(next(Path(folder).glob("*.tgz"))) as archive:
            return archive.extractfile("package/dist/mermaid.min.js").read().decode()


def _adapt(svg: str, source: Path) -> str:
    for plain, variable in _COLOURS.items():
        svg = re.sub(plain, variable, svg, flags=re.IGNORECASE)
    svg = svg.replace("&quot;", "'")
    svg = re.sub(r"font-family: ?[^;}\"]*;?", "", svg)  # the page's font
    return f"<!-- {source.name} {checksum(source)} -->\n{svg}\n"


def main() -> None:
    """Draw every diagram whose source or settings changed."""
    if not shutil.which("npm"):
        sys.exit("cannot draw: no npm here: on Debian and Ubuntu, `apt install npm` adds it")
    with chromium() as browser:
        page = browser.new_page()
        page.set_content("<body></body>")
        page.add_script_tag(content=_mermaid())
        page.evaluate("settings => mermaid.initialize(settings)", _SETTINGS)
        for source in filter(_is_stale, sorted(DIAGRAMS.glob("*.mmd"))):
            svg = page.evaluate(
                "async ([id, text]) => (await mermaid.render(id, text)).svg",
                [f"diagram-{source.stem}", source.read_text(encoding="utf-8")],
            )
            source.with_suffix(".svg").write_text(_adapt(svg, source), encoding="utf-8")
            print(source.with_suffix(".svg").relative_to(ROOT))
        page.set_viewport_size({"width": 192, "height": 192})
        page.goto(SIGN.as_uri())
        page.screenshot(path=SIGN.with_suffix(".png"))


if __name__ == "__main__":
    try:
        main()
    except FileNotFoundError as absent:
        sys.exit(f"cannot draw: {absent}")
