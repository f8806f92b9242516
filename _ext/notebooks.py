"""The builder of the published notebooks: executed chapters for Colab and JupyterLab.

Prose comes from the page's document tree, where every reference is resolved, and becomes plain
Markdown. Code cells and their outputs come from the cache of executed chapters, as they are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Set
from pathlib import Path

import nbformat
from docutils import nodes
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.errors import ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx_exercise.nodes import exercise_enumerable_node

from _ext.addresses import addresses
from _ext.drawings import Drawings, as_image
from _ext.execution import cache_folder, cost_line
from _ext.install import install_code
from _ext.markdown import Markdown

#: A chapter that asks for this picks larger sizes on a GPU, which Colab can give.
_PICKS_SIZES = re.compile(r"device\.type [!=]= ")


class NotebookBuilder(Builder):
    """Write each chapter as ``NN_topic.ipynb``."""

    name = "notebooks"
    epilog = "The notebooks are in %(outdir)s."
    allow_parallel = False

    def init(self) -> None:
        """Learn the addresses once: all notebooks name the same ones."""
        self.addresses = addresses()
        self.cache = get_cache(cache_folder())
        self.drawings = Drawings(Path(self.env.srcdir) / "_build" / "drawings")

    def get_outdated_docs(self) -> Iterator[str]:
        """Write all chapters each time: what they depend on is more than their sources."""
        return (name for name in sorted(self.env.found_docs) if self._is_chapter(name))

    def _is_chapter(self, docname: str) -> bool:
        return self.env.doc2path(docname).endswith(".ipynb")

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """Lead to the published page; empty where its address is not known."""
        return self.addresses.page(docname)

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:
        """Lead to the published page: nothing else lies beside a notebook."""
        return self.get_target_uri(to)

    def prepare_writing(self, docnames: Set[str]) -> None:
        """Nothing is shared between notebooks."""

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Write one chapter; other pages have no notebook."""
        if not self._is_chapter(docname):
            return
        executed = self._executed(docname)
        notebook = new_notebook(metadata=self._metadata(docname, executed))
        section = next(doctree.findall(nodes.section))
        write = Markdown(
            self.env, docname, self.get_target_uri(docname), self.drawings.data_address
        )
        cost = cost_line(Path(self.env.doc2path(docname)))
        title = filter(None, [write.heading(section, 1), self._origin(docname), cost])
        notebook.cells = [
            new_markdown_cell("\n\n".join(title), id="title"),
            new_code_cell(
                install_code(executed, self.addresses.install),
                id="install",
                metadata={"cellView": "form"},
            ),
        ]
        body = [child for child in section[1:] if "executed" not in child["classes"]]
        for number, piece in enumerate(_pieces(body, write, 1)):
            if isinstance(piece, int):
                notebook.cells.append(_published(executed.cells[piece]))
            else:
                notebook.cells.append(new_markdown_cell(piece, id=f"text-{number:03}"))
        nbformat.validate(notebook)
        path = Path(self.outdir, f"{Path(docname).name}.ipynb")
        beside = path.with_suffix(".part")
        nbformat.write(notebook, beside)
        os.replace(beside, path)

    def finish(self) -> None:
        """Close the browser, if one drew."""
        self.drawings.close()

    def _executed(self, docname: str) -> nbformat.NotebookNode:
        source = nbformat.read(self.env.doc2path(docname), as_version=4)
        try:
            return self.cache.merge_match_into_notebook(source)[1]
        except KeyError as error:
            raise ExtensionError(
                f"{docname} has not been executed as it is now: `make book` executes it"
            ) from error

    def _metadata(self, docname: str, executed: nbformat.NotebookNode) -> dict:
        metadata = {
            "kernelspec": executed.metadata.kernelspec,
            "language_info": executed.metadata.language_info,
            "colab": {"name": f"{Path(docname).name}.ipynb", "provenance": [], "toc_visible": True},
        }
        if any(c.cell_type == "code" and _PICKS_SIZES.search(c.source) for c in executed.cells):
            metadata["accelerator"] = "GPU"
            metadata["colab"]["gpuType"] = "T4"
        return metadata

    def _origin(self, docname: str) -> str:
        """Say where this comes from, with links as far as addresses are known."""
        book, page = self.get_target_uri(self.config.root_doc), self.get_target_uri(docname)
        colab = self.addresses.colab(docname)
        title = self.config.html_title
        return " ".join(
            filter(
                None,
                [
                    f"A chapter of [{title}]({book})." if book else f"A chapter of {title}.",
                    page and f"[Read it as a page]({page}).",
                    colab and f"[Open it in Colab]({colab}).",
                    "Text and figures: CC BY 4.0. Code: MIT.",
                ],
            )
        )


def _pieces(
    children: list[nodes.Element], write: Markdown, level: int, *opening: str
) -> Iterator[str | int]:
    """Split what a section holds: Markdown as text, code cells as their index in the source.

    A heading starts a new piece, and so a cell: Jupyter and Colab fold what is below it.
    """
    blocks = [*opening]

    def text() -> Iterator[str]:
        written = "\n\n".join(filter(None, blocks))
        blocks.clear()
        if written:
            yield written

    for child in children:
        if isinstance(child, nodes.section):
            yield from text()
            yield from _pieces(child[1:], write, level + 1, write.heading(child, level + 1))
        elif "cell_index" in child:
            yield from text()
            yield child["cell_index"]
        else:
            if isinstance(child, exercise_enumerable_node):
                yield from text()
            blocks.append(write(child))
    yield from text()


def _published(cell: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Fold a code cell in Jupyter's way and in Colab's, as its tags fold it on the page."""
    tags, mystnb = cell.metadata.get("tags", ()), cell.metadata.get("mystnb", {})
    source, metadata = cell.source, {}
    if {"hide-input", "hide-cell"} & set(tags):
        prompt = re.sub("^Show (the )?", "", mystnb.get("code_prompt_show", "Code"))
        source = f"#@title {prompt[:1].upper()}{prompt[1:]}\n{source}"
        metadata |= {"cellView": "form", "jupyter": {"source_hidden": True}}
    if {"hide-output", "hide-cell"} & set(tags):
        metadata["collapsed"] = True
        metadata["jupyter"] = metadata.get("jupyter", {}) | {"outputs_hidden": True}
    errors_stay = "remove-stderr" not in tags
    outputs = [out for out in cell.outputs if errors_stay or out.get("name") != "stderr"]
    for data in (out.data for out in outputs if "data" in out):
        if "text/html" in data:
            data["text/html"] = as_image(data["text/html"])
    return new_code_cell(
        source,
        id=cell.id,
        metadata=metadata,
        outputs=outputs,
        execution_count=cell.execution_count,
    )


class _EmptyCells(SphinxPostTransform):
    """What code cells hold on a page is not asked for here, and needs no resolving."""

    default_priority = 1
    builders = (NotebookBuilder.name,)

    def run(self, **kwargs: object) -> None:
        for node in list(self.document.findall(nodes.container)):
            if "cell_index" in node:
                node.clear()


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the builder."""
    app.add_builder(NotebookBuilder)
    app.add_post_transform(_EmptyCells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
