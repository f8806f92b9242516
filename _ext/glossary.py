"""Show a term's definition where the term stands: on hover and on focus.

The definitions that a page needs are written into the page itself, so that it asks for nothing;
`_static/definitions.js` shows them. Without scripts a term is what it was, a link to the glossary.
"""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

_GLOSSARY = "appendices/glossary"
_TERM = re.compile(r'href="[^"]*#(term-[^"]+)"[^>]*><span class="xref std std-term"')
_LINK = re.compile(r"</?a\b[^>]*>")


def _definitions(app: Sphinx) -> dict[str, str]:
    """Render every definition of the glossary, without the links in it, by the term's id."""
    if not hasattr(app, "glossary_definitions"):
        glossary = app.env.get_and_resolve_doctree(_GLOSSARY, app.builder)
        app.glossary_definitions = {
            name: _LINK.sub("", app.builder.render_partial(item.children[-1])["fragment"])
            for item in glossary.findall(nodes.definition_list_item)
            for term in item.findall(nodes.term)
            for name in term["ids"]
        }
    return app.glossary_definitions


def _add(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    used = sorted(set(_TERM.findall(context.get("body", ""))))
    if not used or page == _GLOSSARY:
        return
    known = _definitions(app)
    context["body"] += "".join(
        f'<div class="definition" id="definition-{name}" role="tooltip" hidden>{known[name]}</div>'
        for name in used
        if name in known
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hook."""
    app.connect("html-page-context", _add)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
