"""How to cite this very copy of the book: its title, its address, its commit."""

from __future__ import annotations

from datetime import date

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from _ext.addresses import Addresses, addresses


def entry(title: str, author: str, known: Addresses, year: int) -> str:
    """Write a BibTeX entry; what is not known is left out."""
    fields = {
        "title": f"{{{title}}}",
        "author": f"{{{author}}}",  # in braces of its own: a name that is not a person's
        "year": str(year),
        "url": known.site or known.repository,
        "note": known.commit and f"Commit {known.commit[:12]}",
    }
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return "\n".join(["@misc{attention-executed,", *lines, "}"])


class CiteThisBook(SphinxDirective):
    """The entry, with a button that copies it."""

    def run(self) -> list[nodes.Node]:
        """Write the entry as a block of code."""
        text = entry(self.config.project, self.config.author, addresses(), date.today().year)
        return [nodes.literal_block(text, text, language="bibtex")]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("cite-this-book", CiteThisBook)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
