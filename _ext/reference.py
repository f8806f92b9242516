"""The habits of the reference page, which autodoc writes from the docstrings of the library.

Members come in the order of their source (a module's ``__all__``, which autodoc would follow, is
alphabetical), a docstring names an object of another module as code does, by its name alone, and
what Python says of every class or every tuple is left out.
"""

from __future__ import annotations

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.ext.autodoc import Documenter, ModuleDocumenter


def _skip_fields_of_tuples(
    app: Sphinx, what: str, name: str, member: object, *_: object
) -> bool | None:
    return str(getattr(member, "__doc__", "")).startswith("Alias for field number ") or None


def _finish(app: Sphinx, doctree: nodes.document) -> None:
    for reference in doctree.findall(pending_xref):
        if reference["refdomain"] == "py":
            reference["refspecific"] = True  # not only in the module that it stands in
    for paragraph in list(doctree.findall(nodes.paragraph)):
        if paragraph.astext() == "Bases: object":
            paragraph.parent.remove(paragraph)


def setup(app: Sphinx) -> dict[str, bool]:
    """Give modules the order that classes have, and connect the hooks."""
    ModuleDocumenter.sort_members = Documenter.sort_members
    app.connect("autodoc-skip-member", _skip_fields_of_tuples)
    app.connect("doctree-read", _finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
