"""Chapter numbers come from file names: 02_contextual_embeddings is chapter 2, always.

Sphinx counts the pages of a table of contents instead, so a chapter's number, and that of its
sections, equations, figures and exercises, would change with its neighbours.
"""

from __future__ import annotations

import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors.toctree import TocTreeCollector

_CHAPTER = re.compile(r"chapters/(\d+)_")
_DEPTH = 2  # 2 Chapter, 2.1 Section


def _number(entries: nodes.Element, prefix: tuple[int, ...], first: int, numbers: dict) -> None:
    """Number a bullet list of a table of contents, and the lists within it.

    What lies deeper gets None; with no entry at all it would show the chapter's number.
    """
    items = [item for item in entries if isinstance(item, nodes.list_item)]
    for count, item in enumerate(items, first):
        number = (*prefix, count) if len(prefix) < _DEPTH else None
        for child in item:
            if isinstance(child, addnodes.compact_paragraph):
                reference = child[0]
                reference["secnumber"] = number
                numbers[reference["anchorname"]] = number
            elif isinstance(child, nodes.bullet_list):
                _number(child, number or prefix, 1, numbers)


def _assign_section_numbers(self: TocTreeCollector, env: BuildEnvironment) -> list[str]:
    before, env.toc_secnumbers = env.toc_secnumbers, {}
    for docname, contents in env.tocs.items():
        match = _CHAPTER.match(docname)
        if match:
            numbers = env.toc_secnumbers[docname] = {}
            _number(contents, (), int(match.group(1)), numbers)
            env.titles[docname]["secnumber"] = numbers[""]
    return [name for name, numbers in env.toc_secnumbers.items() if numbers != before.get(name)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Replace Sphinx's way of counting."""
    TocTreeCollector.assign_section_numbers = _assign_section_numbers
    return {"parallel_read_safe": True, "parallel_write_safe": True}
