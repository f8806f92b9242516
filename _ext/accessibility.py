"""Mend what the page's writers leave in the way of a reader with a screen reader or a keyboard."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

# A signature over several lines: a list of definitions without terms is none.
_SIGNATURE = re.compile(r'<dt class="sig .*?</dt>', re.DOTALL)
_LINES = (
    ("<dl>", '<span class="sig-lines">'),
    ("</dl>", "</span>"),
    ("<dd>", '<span class="sig-line">'),
    ("</dd>", "</span>"),
)
# Each word of a signature, which may break anywhere, need not be kept from breaking.
_WORD = re.compile(r'<span class="pre">([^<]*)</span>')
# The corner of a table heads neither a row nor a column.
_CORNER = re.compile(r"<th(?: class=\"head(?: stub)?\")?>\s*(?:<p></p>)?\s*</th>")

# Names that several places of a page would share, and that nothing refers to: those of the parts of
# exercises, and of equal images of one figure.
_SHARED_NAME = re.compile(r' id="(?:exercise-content|solution-content|f[0-9a-f]{8}-image\w+)"')
_NO_TEXT = re.compile(r"<(style|title|desc)\b")


def _mend_signature(signature: re.Match) -> str:
    text = _WORD.sub(r"\1", signature.group(0))
    for old, new in _LINES:
        text = text.replace(old, new)
    return text


def _mend(app: Sphinx, pagename: str, template: str, context: dict, doctree: object) -> None:
    body = context.get("body")
    if not body:
        return
    # A folded cell's own words say what unfolds; the label would hide them.
    body = body.replace('<summary aria-label="Toggle hidden content">', "<summary>")
    body = _SHARED_NAME.sub("", body)
    # A work of a bibliography is an item of a list; its old role is deprecated, and is not one.
    body = body.replace('role="doc-biblioentry"', 'role="listitem"')
    # The marks of searched words belong into text alone; in here, Sphinx's script stumbles.
    body = _NO_TEXT.sub(r'<\1 class="nohighlight"', body)
    body = _CORNER.sub("<td></td>", body)
    context["body"] = _SIGNATURE.sub(_mend_signature, body)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hook."""
    app.connect("html-page-context", _mend, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
