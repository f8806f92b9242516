"""Figures as SVG that takes the page's colours and fonts, with text for those who cannot see."""

from __future__ import annotations

import hashlib
import html
import io
import re
from dataclasses import dataclass

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.legend import Legend

__all__ = ["Picture", "show"]


@dataclass(frozen=True)
class Picture:
    """An SVG drawing and the text that stands for it.

    Jupyter, Colab and the built page show the drawing; a terminal shows the text.
    """

    svg: str
    alt: str

    def _repr_html_(self) -> str:
        return f'<div class="picture">{self.svg}</div>'

    def __repr__(self) -> str:
        return f"[figure: {self.alt}]"


def show(figure: Figure, alt: str) -> Picture:
    """Turn a Matplotlib figure into a picture for any page, light or dark, and close it.

    Black becomes the page's text colour, the background becomes transparent, and text stays
    text in the page's font. The same figure gives the same bytes.

    Args:
        figure: a finished Matplotlib figure.
        alt: what the figure shows, for readers who cannot see it: the finding, not "a plot".

    Returns:
        A :class:`Picture`; make it the last expression of a cell.

    Raises:
        TypeError: not a figure (an ``Axes``, say), or ``alt`` is not a string.
        ValueError: ``alt`` says too little to stand for a figure.
    """
    if not isinstance(figure, Figure):
        raise TypeError(
            f"figure is a {type(figure).__name__}; expected a Matplotlib Figure: pass fig from "
            "`fig, ax = plt.subplots()`"
        )
    if not isinstance(alt, str):
        raise TypeError(f"alt is a {type(alt).__name__}; expected a string that says what is shown")
    alt = " ".join(alt.split())
    if len(alt) < 20:
        raise ValueError(
            f"alt={alt!r} has {len(alt)} characters; expected a sentence that says what the "
            "figure shows, so that a reader who cannot see it learns the same"
        )
    for legend in figure.findobj(Legend):
        legend.set_frame_on(False)  # its white card would stay white on a dark page
    buffer = io.StringIO()
    # Identical ids and no date: the same figure is the same file, on every run.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "attention"}):
        figure.savefig(
            buffer,
            format="svg",
            transparent=True,
            bbox_inches="tight",
            metadata={"Date": None, "Creator": None},
        )
    plt.close(figure)
    return Picture(_adapt(buffer.getvalue(), alt), alt)


def _adapt(svg: str, alt: str) -> str:
    svg = svg[svg.index("<svg") :].strip()
    svg = re.sub(r"\s*<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Within tags alone: what stands between them is the author's text.
    svg = re.sub(r"<[^>]*>", lambda tag: _adapt_tag(tag.group(0)), svg)
    # Ids are unique within a figure; a prefix keeps two figures of one page apart.
    prefix = "f" + hashlib.sha256((svg + alt).encode()).hexdigest()[:8]
    svg = re.sub(r"<[^>]*>", lambda tag: _prefix_ids(tag.group(0), prefix), svg)
    width = float(re.search(r'width="([\d.]+)pt"', svg).group(1)) / 72
    attributes = (
        f'<svg role="img" aria-label="{html.escape(alt)}" fill="currentColor" '
        # On a phone a wide figure scrolls rather than shrink until nobody can read it.
        f'style="width: {width:.2f}in; min-width: {0.55 * width:.2f}in; max-width: 100%; '
        'height: auto" '
    )
    svg = re.sub(r' (?:width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg ", attributes, 1)


def _adapt_tag(tag: str) -> str:
    tag = re.sub(r"(?<=[ :\"])(#000000|black)(?=[;\"])", "currentColor", tag)
    # The page's font: Matplotlib measured a wider one, so nothing overflows. Its 3.11 writes
    # "font-size: 10px; font-family: ...", its earlier versions the shorthand "font: 10px ...".
    tag = tag.replace("&quot;", "'").replace("&apos;", "'")
    tag = re.sub(r"font-family: [^;\"]*;? ?", "", tag)
    return re.sub(r"font: ((?:\w+ )*)([\d.]+px) [^;\"]*", _longhand, tag)


def _prefix_ids(tag: str, prefix: str) -> str:
    tag = re.sub(r'\bid="', f'id="{prefix}-', tag)
    return re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", tag)


def _longhand(match: re.Match) -> str:
    style, size = match.groups()
    weight = "font-weight: bold; " if "bold" in style else ""
    slant = "font-style: italic; " if "italic" in style else ""
    return f"{weight}{slant}font-size: {size}"
