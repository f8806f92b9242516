"""Write a page's document tree as the Markdown that Jupyter, Colab and GitHub all read.

By then Sphinx has resolved every reference, so numbers and titles are those of the page. A kind of
node that has no method here is an error that names it: nothing is left out in silence.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from docutils import nodes
from sphinx.environment import BuildEnvironment


class Markdown:
    """Writes the nodes of one page: ``Markdown(env, docname, page, image)(node)``.

    Args:
        env: Sphinx's environment, which knows the numbers of sections, equations and figures.
        docname: the page, such as ``chapters/02_contextual_embeddings``.
        page: address of the published page; empty where it is not known, and then a reference
            within the book is text without a link.
        image: gives a picture's address, which may be ``data:``, and its width in pixels.
    """

    def __init__(
        self,
        env: BuildEnvironment,
        docname: str,
        page: str,
        image: Callable[[Path], tuple[str, int]],
    ) -> None:
        self.env, self.page, self.image = env, page, image
        self.sections = env.toc_secnumbers.get(docname, {})
        self.figures = env.toc_fignumbers.get(docname, {})

    def __call__(self, node: nodes.Node) -> str:
        """Write one node.

        Raises:
            NotImplementedError: no method writes this kind of node.
        """
        write = getattr(self, f"_{type(node).__name__}", None)
        if write is None:
            raise NotImplementedError(
                f"no Markdown is known for {type(node).__name__} "
                f"({node.source}:{node.line}, {node.astext()[:60]!r}): give {__name__}.Markdown "
                f"a method _{type(node).__name__}, or write this passage in another way"
            )
        return write(node)

    def inline(self, node: nodes.Element) -> str:
        """Write what stands in one line."""
        return "".join(map(self, node.children))

    def blocks(self, children: list[nodes.Node]) -> str:
        """Write paragraphs and the like, with a blank line between them."""
        return "\n\n".join(filter(None, map(self, children)))

    def heading(self, section: nodes.section, level: int) -> str:
        """Write the title of a section with the number that the page gives it."""
        anchor = f"#{section['ids'][0]}"
        number = self.sections.get(anchor if anchor in self.sections else "", ())
        shown = ".".join(map(str, number)) + ". " if number else ""
        return f"{'#' * level} {shown}{self.inline(section[0])}"

    # Inline

    def _Text(self, node: nodes.Text) -> str:
        # A line break would be one in some readers, and could start a list in all of them.
        text = re.sub(r"\s*\n\s*", " ", str(node))
        text = re.sub(r"[\\`*_$]|(?<=\])\(", r"\\\g<0>", text)
        return re.sub(r"&(?=#?\w+;)", "&amp;", text).replace("<", "&lt;")

    def _emphasis(self, node: nodes.emphasis) -> str:
        return f"*{self.inline(node)}*"

    def _strong(self, node: nodes.strong) -> str:
        return f"**{self.inline(node)}**"

    def _literal(self, node: nodes.literal) -> str:
        text = node.astext().replace("\n", " ")
        fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
        pad = " " if "`" in (text[:1], text[-1:]) else ""
        return f"{fence}{pad}{text}{pad}{fence}"

    def _math(self, node: nodes.math) -> str:
        return f"${' '.join(node.astext().split())}$"

    def _inline(self, node: nodes.inline) -> str:
        return self.inline(node)

    def _reference(self, node: nodes.reference) -> str:
        text = self.inline(node)
        address = node.get("refuri") or (self.page and f"{self.page}#{node['refid']}")
        known = address.startswith(("https://", "http://", "mailto:"))
        return f"[{text}]({address})" if known else text

    _number_reference = _reference

    def _target(self, node: nodes.target) -> str:
        return ""  # a place that references lead to: they lead to the page's

    _comment = _target

    # Blocks

    def _paragraph(self, node: nodes.paragraph) -> str:
        # What would make a heading, a list or a quotation of it at its start.
        return re.sub(r"^(\d*)([#+>-]|(?<=\d)[.)]\s)", r"\1\\\2", self.inline(node))

    def _math_block(self, node: nodes.math_block) -> str:
        tex = " ".join(node.astext().split())
        if "\\\\" in tex and "\\begin" not in tex:  # as the page does
            tex = f"\\begin{{aligned}}{tex}\\end{{aligned}}"
        if node["number"]:
            number = self.figures["displaymath"][node["ids"][0]]
            tex += f" \\tag{{{'.'.join(map(str, number))}}}"
        # In one line: the marks of a quotation or a list would else stand within the formula.
        return f"$$ {tex} $$"

    def _literal_block(self, node: nodes.literal_block) -> str:
        return f"```{node.get('language', '')}\n{node.astext()}\n```"

    def _bullet_list(self, node: nodes.bullet_list) -> str:
        return "\n".join(f"- {_indent(self.blocks(item.children), '  ')}" for item in node)

    def _enumerated_list(self, node: nodes.enumerated_list) -> str:
        items = enumerate(node, node.get("start", 1))
        return "\n".join(f"{n}. {_indent(self.blocks(item.children), '   ')}" for n, item in items)

    def _block_quote(self, node: nodes.block_quote) -> str:
        return _quote(self.blocks(node.children))

    def _table(self, node: nodes.table) -> str:
        rows = [[self._cell(entry) for entry in row] for row in node.findall(nodes.row)]
        rows.insert(1, ["---"] * len(rows[0]))
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    def _cell(self, entry: nodes.entry) -> str:
        text = self.blocks(entry.children)
        if "|" in text or "\n" in text:
            raise NotImplementedError(
                f"{text!r} stands in a table, whose cells hold one paragraph without `|`: "
                "write \\vert or \\mid in a formula, or take it out of the table"
            )
        return text

    def _figure(self, node: nodes.figure) -> str:
        return self.blocks(
            [child for child in node if not isinstance(child, nodes.caption)]
        ) + "".join(self._caption(child, node) for child in node.findall(nodes.caption))

    def _caption(self, caption: nodes.caption, figure: nodes.figure) -> str:
        number = ".".join(map(str, self.figures["figure"][figure["ids"][0]]))
        return f"\n\n**Fig. {number}.** {self.inline(caption)}"

    def _image(self, node: nodes.image) -> str:
        address, width = self.image(Path(self.env.srcdir) / node["uri"])
        alt = html.escape(" ".join(node["alt"].split()))
        return f'<img src="{address}" alt="{alt}" width="{width}">'

    def _admonition(self, node: nodes.admonition) -> str:
        if "dropdown" in node["classes"]:
            return self._folded(node)
        title, *body = node.children
        return _quote(f"**{self.inline(title)}**\n\n{self.blocks(body)}")

    def _exercise_enumerable_node(self, node: nodes.Element) -> str:
        number = ".".join(map(str, self.figures["exercise"][node["ids"][0]]))
        title, *body = node.children
        name = self.inline(title).strip().removeprefix("(").removesuffix(")")
        level = 1 + len([above for above in _ancestors(node) if isinstance(above, nodes.section)])
        return f"{'#' * level} Exercise {number}. {name}\n\n{self.blocks(body)}"

    def _section(self, node: nodes.section) -> str:
        return self.blocks(node.children)  # the body of an exercise or a solution

    def _folded(self, node: nodes.Element) -> str:
        title, *body = node.children
        # The blank lines make what is between them Markdown again.
        return (
            f"<details>\n<summary>{html.escape(title.astext())}</summary>\n\n"
            f"{self.blocks(body)}\n\n</details>"
        )

    _solution_node = _folded


def _ancestors(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def _indent(text: str, by: str) -> str:
    return text.replace("\n", f"\n{by}").replace(f"\n{by}\n", "\n\n")


def _quote(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())
