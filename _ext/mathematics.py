"""Formulas drawn while the book is built: KaTeX runs here, so a reader's browser runs nothing.

A formula that KaTeX cannot read is a warning, and `make book` treats warnings as errors.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

KATEX = Path(__file__).parent / "katex"
logger = logging.getLogger(__name__)


@cache
def _engine() -> MiniRacer:
    engine = MiniRacer()
    engine.eval((KATEX / "katex.min.js").read_text(encoding="utf-8"))
    return engine


@cache
def render(tex: str, display: bool) -> str:
    """Render TeX as HTML for the eye and MathML for screen readers.

    Raises:
        ValueError: KaTeX cannot read the formula.
    """
    options = {"displayMode": display, "throwOnError": True, "strict": "error", "trust": False}
    try:
        return _engine().eval(f"katex.renderToString({json.dumps(tex)}, {json.dumps(options)})")
    except JSEvalException as error:
        message = str(error).splitlines()[0]
        raise ValueError(message[message.find("KaTeX") :]) from error


def _rendered(node: nodes.Element, display: bool) -> str:
    tex = node.astext()
    # Several aligned lines need an environment; single formulas do not.
    if display and "\\\\" in tex and "\\begin" not in tex:
        tex = f"\\begin{{aligned}}{tex}\\end{{aligned}}"
    try:
        return render(tex, display)
    except ValueError as error:
        logger.warning("formula %r: %s", tex, error, location=node, type="math", subtype="katex")
        return ""


def _visit_math(self: HTML5Translator, node: nodes.Element) -> None:
    self.body.append(f'<span class="math">{_rendered(node, display=False)}</span>')
    raise nodes.SkipNode


def _visit_display_math(self: HTML5Translator, node: nodes.Element) -> None:
    self.body.append(self.starttag(node, "div", CLASS="math-display"))
    self.body.append(f'<div class="math">{_rendered(node, display=True)}</div>')
    if node["number"]:
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


def _add_stylesheet(app: Sphinx, pagename: str, *_: object) -> None:
    if app.env.get_domain("math").has_equations(pagename):
        app.add_css_file("katex.min.css")


def _add_static_path(app: Sphinx) -> None:
    app.config.html_static_path.append(str(KATEX))


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the renderer: `html_math_renderer: katex` in _config.yml chooses it."""
    app.add_html_math_renderer("katex", (_visit_math, None), (_visit_display_math, None))
    app.connect("builder-inited", _add_static_path)
    app.connect("html-page-context", _add_stylesheet)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
