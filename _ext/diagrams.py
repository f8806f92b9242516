"""Put our own SVG diagrams into the page itself, where they take its colours and fonts.

An ordinary figure directive shows them; only what it writes differs: inline SVG instead of an
image that the page's theme cannot reach.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

logger = logging.getLogger(__name__)


def _visit_image(self: HTML5Translator, node: nodes.image) -> None:
    source = Path(self.builder.srcdir) / node["candidates"].get("*", node["uri"])
    if not node.get("alt"):
        logger.warning("image %s has no :alt: text", node["uri"], location=node)
    if source.suffix != ".svg" or source.parent.name != "_diagrams":
        HTML5Translator.visit_image(self, node)
        return
    svg = source.read_text(encoding="utf-8")
    label = html.escape(node.get("alt", ""))
    drawing = svg[svg.index("<svg") :].replace("<svg ", f'<svg aria-label="{label}" ', 1)
    # On a phone a wide diagram scrolls rather than shrink until nobody can read it.
    drawing = re.sub(
        r"max-width: ([\d.]+)px;",
        lambda m: f"{m.group(0)} min-width: {0.55 * float(m.group(1)):.0f}px;",
        drawing,
        count=1,
    )
    self.body.append(f'<div class="diagram">{drawing}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace the HTML visitor of images."""
    app.add_node(nodes.image, override=True, html=(_visit_image, lambda self, node: None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
