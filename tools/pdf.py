"""The book as one PDF: the built pages, in reading order, printed by Chromium.

It prints the very pages that readers see, so their numbers, figures and outputs are the same.
`tools/pdf.js` joins them inside the browser; `_static/print.css`, which also serves whoever prints
a single page, and `tools/pdf.css` give them their form.
"""

from __future__ import annotations

from datetime import date
from io import BytesIO
from pathlib import Path

import yaml

from _ext.addresses import addresses
from _ext.chromium import chromium
from _ext.execution import ROOT

_HERE = Path(__file__).parent
_ADD_STYLE = """href => new Promise((loaded, failed) => document.head.append(Object.assign(
    document.createElement("link"),
    { rel: "stylesheet", href, onload: loaded, onerror: () => failed(href) })))"""
# CSS cannot tell yet on which page the target of a link lies.
_FILL_IN = """pages => document.querySelectorAll("a[data-page]").forEach(link => {
    link.dataset.page = pages[decodeURIComponent(link.hash.slice(1))];
})"""


def write_pdf(html: Path, output: Path) -> None:
    """Print the built pages under ``html`` as one PDF.

    Solutions come behind the chapters, since paper cannot fold them. What else the pages fold, the
    code of figures and long outputs, is left out.

    Raises:
        FileNotFoundError: a page of the table of contents is not built, or Chromium is absent.
    """
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    book = _book(html, config, toc)
    with chromium() as browser:
        tab = browser.new_page(color_scheme="light")
        tab.goto((html / f"{toc['root']}.html").resolve().as_uri())
        for style in (html / "_static" / "katex.min.css", _HERE / "pdf.css"):
            tab.evaluate(_ADD_STYLE, style.resolve().as_uri())
        tab.evaluate((_HERE / "pdf.js").read_text(encoding="utf-8"), book)
        settings = {"prefer_css_page_size": True, "print_background": True}
        tab.evaluate(_FILL_IN, page_numbers(tab.pdf(**settings)))
        beside = output.with_name(f".{output.name}")
        tab.pdf(path=beside, tagged=True, outline=True, **settings)
    beside.replace(output)


def page_numbers(pdf: bytes) -> dict[str, int]:
    """Say on which page of a PDF each place lies that a link leads to, counted from 1."""
    from pypdf import PdfReader

    reader = PdfReader(BytesIO(pdf))
    return {
        name.removeprefix("/"): reader.get_destination_page_number(place) + 1
        for name, place in reader.named_destinations.items()
    }


def _book(html: Path, config: dict, toc: dict) -> dict:
    """Collect what `pdf.js` joins."""
    parts = [{"caption": "", "names": [toc["root"]]}] + [
        {"caption": part["caption"], "names": [entry["file"] for entry in part["chapters"]]}
        for part in toc["parts"]
    ]
    names = [name for part in parts for name in part["names"]]
    absent = [name for name in names if not (html / f"{name}.html").exists()]
    if absent:
        raise FileNotFoundError(f"{html} lacks {', '.join(absent)}: build the book first")
    return {
        "title": config["title"],
        "facts": _facts(config["author"]),
        "parts": [part | {"names": [Path(name).name for name in part["names"]]} for part in parts],
        "pages": {name: (html / f"{name}.html").read_text(encoding="utf-8") for name in names},
        "site": addresses().site,
    }


def _facts(author: str) -> list[dict[str, str]]:
    """What the first page says below the title: who, when, from what, under which licence."""
    at = addresses()
    facts = [{"text": author}, {"text": f"printed on {date.today():%d %B %Y}".replace(" 0", " ")}]
    if at.commit:
        source = f"{at.repository}/commit/{at.commit}" if at.repository else ""
        facts.append({"text": f"from commit {at.commit[:12]}", "href": source})
    if at.site:
        facts.append({"text": at.site, "href": at.site})
    return [*facts, {"text": "Text and figures: CC BY 4.0. Code: MIT."}]
