"""Our drawings as images, for notebooks: there, SVG itself is shown only where it is trusted."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from contextlib import ExitStack
from functools import cached_property
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page

from _ext.chromium import chromium

#: Screens of today draw two dots for each pixel of a page.
_SCALE = 2
_WIDEST = 760
#: A diagram has four, and their shades at the edges of letters: a third of the size.
_COLOURS = 64


_PICTURE = re.compile(
    r'<div class="picture"><svg role="img" aria-label="([^"]*)"(.*?) style="width: ([\d.]+)in;(.*)'
    r"</div>\s*",
    re.DOTALL,
)


def as_image(output: str) -> str:
    """Turn the HTML of a figure into an image of the same SVG; return other HTML as it is.

    JupyterLab takes inline SVG out of a notebook that another machine executed. Running the cell
    draws it again, inline and in the colours of the reader's theme.
    """
    match = _PICTURE.fullmatch(output)
    if not match:
        return output
    alt, attributes, inches, rest = match.groups()
    svg = f'<svg{attributes} style="background: white; font-family: sans-serif;{rest}'
    data = base64.b64encode(svg.encode()).decode()
    width = round(96 * float(inches))
    return f'<img src="data:image/svg+xml;base64,{data}" alt="{alt}" width="{width}">'


class Drawings:
    """Draws with Chromium, once for each diagram, and keeps the drawings in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened = ExitStack()

    def data_address(self, svg: Path) -> tuple[str, int]:
        """Give a diagram as a ``data:`` address, and its width in pixels of a page.

        Colab shows no attachments of cells, and JupyterLab and Colab both show ``data:``.
        """
        source = svg.read_text(encoding="utf-8")
        width = min(_WIDEST, round(float(re.search(r"max-width: ([\d.]+)px", source).group(1))))
        made_from = f"{_SCALE} {_COLOURS} {width} {source}"
        png = self.folder / f"{svg.stem}-{hashlib.sha256(made_from.encode()).hexdigest()[:16]}.png"
        if not png.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            beside = png.with_suffix(".part")
            beside.write_bytes(self._draw(source[source.index("<svg") :], width))
            os.replace(beside, png)
        return f"data:image/png;base64,{base64.b64encode(png.read_bytes()).decode()}", width

    def close(self) -> None:
        """Close the browser."""
        self._opened.close()

    @cached_property
    def _tab(self) -> Page:
        browser = self._opened.enter_context(chromium())
        return browser.new_page(device_scale_factor=_SCALE, color_scheme="light")

    def _draw(self, svg: str, width: int) -> bytes:
        # The diagrams' own colours are those of the light theme; only the ground is not theirs.
        self._tab.set_content(
            f"<style>svg {{ background: white; font-family: 'DejaVu Sans', sans-serif; }}</style>"
            f'<div style="width: {width}px">{svg}</div>'
        )
        drawn = Image.open(BytesIO(self._tab.locator("svg").first.screenshot()))
        smaller = BytesIO()
        drawn.convert("RGB").quantize(_COLOURS).save(smaller, "PNG", optimize=True)
        return smaller.getvalue()
