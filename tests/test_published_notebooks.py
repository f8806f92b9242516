"""The notebooks for Colab and JupyterLab: plain Markdown, whole, linked to where they come from."""

import base64
import io
import os
import pickle
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import nbformat
import pytest
from docutils import nodes
from jupyter_cache import get_cache
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from PIL import Image

from _ext.execution import ROOT, cache_folder
from tools import fresh, notebooks
from tools.chapters import chapters

CHAPTERS = chapters()
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FIRST = {"GITHUB_REPOSITORY": "first-owner/first-book", "GITHUB_SHA": COMMIT}
SECOND = {
    "GITHUB_REPOSITORY": "another-one/some-fork",
    "GITHUB_SHA": COMMIT[::-1],
    "BOOK_SITE": "https://books.example/attention",
}
NOWHERE = {"GITHUB_REPOSITORY": "", "GITHUB_SHA": "", "GIT_DIR": os.devnull}
PARSER = MarkdownIt("commonmark").enable("table").use(dollarmath_plugin)


@pytest.fixture(scope="module")
def published(tmp_path_factory, browser):
    """Build the notebooks of three places; give the folder of each, and of the document trees.

    The build needs a browser of its own: where there is none, ``browser`` says so.
    """
    folder = tmp_path_factory.mktemp("published")
    read_before = ROOT / "_build" / ".doctrees"
    assert read_before.exists(), "no pages yet: run `make book` first"
    shutil.copytree(read_before, folder / "_build" / ".doctrees")
    for name, place in {"first": FIRST, "second": SECOND, "nowhere": NOWHERE}.items():
        with pytest.MonkeyPatch.context() as patch:
            for variable in ("BOOK_SITE", "GITHUB_SERVER_URL"):
                patch.delenv(variable, raising=False)
            for variable, value in place.items():
                patch.setenv(variable, value)
            assert notebooks.build(folder) == []
        shutil.copytree(folder / "_build" / "notebooks", folder / name)
    return folder


def read(published, chapter, place="first"):
    return nbformat.read(published / place / chapter.name, as_version=4)


def tree(published, chapter):
    path = published / "_build" / ".doctrees" / "chapters" / f"{chapter.stem}.doctree"
    return pickle.loads(path.read_bytes())


def is_within(node, *kinds):
    while node is not None:
        if isinstance(node, kinds) or (isinstance(node, nodes.container) and "cell_index" in node):
            return True
        node = node.parent
    return False


class Tags(HTMLParser):
    """The tags of some HTML, with their attributes."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def tokens(notebook):
    """Every Markdown token of a notebook, those within lines too."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for token in PARSER.parse(cell.source):
                yield token
                yield from token.children or ()


def tags(notebook):
    return [
        tag
        for token in tokens(notebook)
        if token.type in ("html_block", "html_inline")
        for tag in Tags(token.content).found
    ]


def links(notebook):
    return [token.attrs["href"] for token in tokens(notebook) if token.type == "link_open"]


def plain(text):
    return re.sub(r"\s+", "", text)


@each_chapter
def test_markdown_is_plain(published, chapter):
    for token in tokens(read(published, chapter)):
        assert token.type != "image", "pictures are <img>, which have a width"
        if token.type in ("fence", "code_block"):
            assert "{" not in token.info and token.type == "fence"
        if token.type == "text":
            assert not re.search(r"\{[\w:-]+\}|:::|```|^\([\w-]+\)=|xref|\$", token.content)


@each_chapter
@pytest.mark.parametrize("place", ["first", "nowhere"])
def test_every_link_is_a_web_address(published, chapter, place):
    found = links(read(published, chapter, place))
    assert (len(found) > 5) == (place == "first")
    assert [link for link in found if not link.startswith("https://")] == []


@each_chapter
def test_every_picture_is_embedded_and_decodes(published, chapter):
    found = tags(read(published, chapter))
    assert {tag for tag, _ in found} <= {"details", "summary", "img"}
    pictures = [attributes for tag, attributes in found if tag == "img"]
    sources = list(tree(published, chapter).findall(nodes.image))
    assert len(pictures) == len(sources) > 0
    for picture, source in zip(pictures, sources, strict=True):
        kind, data = picture["src"].split(",")
        image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
        image.load()
        assert kind == "data:image/png;base64" and image.width == 2 * int(picture["width"])
        assert plain(picture["alt"]) == plain(source["alt"])


@each_chapter
def test_nothing_of_the_text_is_lost(published, chapter):
    """Headings, paragraphs, lists, tables, captions: all but references, which are resolved."""
    shown = read(published, chapter)
    text = "".join(t.content for t in tokens(shown) if t.type in ("text", "code_inline", "fence"))
    text += "".join(t.content for t in tokens(shown) if t.type == "html_block")
    text = plain(text)
    kinds = (nodes.math, nodes.math_block)
    parts = [
        node
        for node in tree(published, chapter).findall(nodes.Text)
        if not is_within(node.parent, *kinds) and "xref" not in str(node.parent.get("classes"))
    ]
    assert len(parts) > 100
    cost = r"</?p[^>]*>"  # what the execution cost is HTML on the page
    parts = [plain(re.sub(cost, "", part)).replace("\x00", "") for part in parts]
    assert [part for part in parts if part not in text] == []


@each_chapter
def test_formulas_are_those_of_the_page(published, chapter):
    kinds = (nodes.math, nodes.math_block)
    expected = [
        plain(node.astext())
        for node in tree(published, chapter).findall(lambda node: isinstance(node, kinds))
    ]
    found = [
        re.sub(r"\\tag\{[\d.]+\}$|^\\begin\{aligned\}|\\end\{aligned\}", "", plain(token.content))
        for token in tokens(read(published, chapter))
        if token.type.startswith("math_")
    ]
    assert found == [re.sub(r"^\\begin\{aligned\}|\\end\{aligned\}", "", tex) for tex in expected]


@each_chapter
def test_a_reference_to_an_equation_says_the_number_beside_it(published, chapter):
    source = "\n".join(
        c.source for c in read(published, chapter).cells if c.cell_type == "markdown"
    )
    number = int(chapter.name[:2])
    tagged = re.findall(r"\\tag\{([\d.]+)\}", source)
    assert tagged == [f"{number}.{i}" for i in range(1, len(tagged) + 1)]
    own = set(re.findall(rf"\[\(({number}\.\d+)\)\]\(https", source))
    assert own <= set(tagged)


@each_chapter
def test_hints_and_solutions_are_folded(published, chapter):
    found = [tag for tag, _ in tags(read(published, chapter))]
    folded = [
        node
        for node in tree(published, chapter).findall(nodes.Element)
        if "dropdown" in node.get("classes", ())
    ]
    assert found.count("details") == found.count("summary") == len(folded) > 0


@each_chapter
def test_code_is_the_chapters_and_outputs_are_the_executed_ones(published, chapter):
    notebook = read(published, chapter)
    title, install, *rest = notebook.cells
    assert title.source.startswith(f"# {int(chapter.name[:2])}. ") and install.id == "install"
    _, executed = get_cache(cache_folder()).merge_match_into_notebook(nbformat.read(chapter, 4))
    ours = [cell for cell in rest if cell.cell_type == "code"]
    theirs = [cell for cell in executed.cells if cell.cell_type == "code"]
    for our, their in zip(ours, theirs, strict=True):
        assert re.sub(r"^#@title .*\n", "", our.source) == their.source and our.id == their.id
        kept = [out for out in their.outputs if out.get("name") != "stderr"]
        for output, expected in zip(our.outputs, kept, strict=True):
            assert output.get("text") == expected.get("text")
            if "data" in output:
                assert output.data["text/plain"] == expected.data["text/plain"]
                assert "<svg role" not in output.data.get("text/html", ""), "needs trust"


@each_chapter
def test_cells_fold_in_jupyter_and_in_colab(published, chapter):
    notebook = read(published, chapter)
    ours = {cell.id: cell for cell in notebook.cells}
    assert len(ours) == len(notebook.cells), "ids are unique"
    folded = 0
    for cell in nbformat.read(chapter, 4).cells:
        if cell.cell_type == "code":
            tags, metadata = set(cell.metadata.get("tags", ())), ours[cell.id].metadata
            source, outputs = (
                tags & {"hide-input", "hide-cell"},
                tags & {"hide-output", "hide-cell"},
            )
            folded += bool(source or outputs)
            jupyter = metadata.get("jupyter", {})
            assert jupyter.get("source_hidden", False) == bool(source)
            assert jupyter.get("outputs_hidden", False) == bool(outputs)
            assert metadata.get("collapsed", False) == bool(outputs)
            assert (metadata.get("cellView") == "form") == bool(source)
            assert ours[cell.id].source.startswith("#@title ") == bool(source)
    assert folded > 0


@each_chapter
def test_every_link_names_the_right_place(published, chapter):
    first, second, nowhere = (
        (published / place / chapter.name).read_text(encoding="utf-8")
        for place in ("first", "second", "nowhere")
    )
    site, colab = "https://first-owner.github.io/first-book/", "https://colab.research.google.com/"
    own = (site, f"{colab}github/first-owner/first-book/blob/notebooks/{chapter.name}")
    foreign = set(links(read(published, chapter, "nowhere")))
    assert [u for u in links(read(published, chapter)) if not u.startswith((*own, *foreign))] == []
    assert f"{site}chapters/{chapter.stem}.html" in first and own[1] in first
    assert f"git+https://github.com/first-owner/first-book@{COMMIT}" in first
    renamed = first.replace(site, "https://books.example/attention/")
    assert (
        renamed.replace("first-owner/first-book", "another-one/some-fork").replace(
            COMMIT, COMMIT[::-1]
        )
        == second
    ), "nothing else differs"
    assert not re.search(r"github\.(com|io)/|colab\.research", nowhere)


def test_a_diagram_is_drawn_to_the_same_bytes_each_time(published, tmp_path):
    """In another process: the browser of other tests leaves no room for a second one here."""
    diagram = ROOT / "chapters" / "_diagrams" / "sequence_one_step.svg"
    draw = (
        "import sys; from pathlib import Path; from _ext.drawings import Drawings; "
        "drawings = Drawings(Path(sys.argv[1])); "
        "drawings.data_address(Path(sys.argv[2])); drawings.close()"
    )
    subprocess.run([sys.executable, "-c", draw, tmp_path, diagram], cwd=ROOT, check=True)
    [drawn] = tmp_path.iterdir()
    assert drawn.read_bytes() == (ROOT / "_build" / "drawings" / drawn.name).read_bytes()


def test_a_gpu_is_asked_for_where_sizes_depend_on_it(published):
    asked = {
        chapter.name[:2]
        for chapter in CHAPTERS
        if read(published, chapter).metadata.get("accelerator") == "GPU"
    }
    assert {"09", "10", "11", "12"} <= asked and "02" not in asked


def test_chapter_2_runs_whole_in_an_empty_folder_and_a_fresh_environment(published, tmp_path):
    python = fresh.environment(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    [chapter] = chapters("02")
    notebook = fresh.run(published / "first" / chapter.name, python, empty, str(ROOT))
    install, *code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert install.outputs == [] and all(cell.execution_count for cell in code)
    [site] = (tmp_path / "venv" / "lib").glob("python*/site-packages")
    installed = {path.name for path in site.iterdir()}
    assert {"attention_lib", "pandas"} <= installed, "from the cell"
    assert installed.isdisjoint({"torch", "numpy", "matplotlib"}), "left as they were"
    assert list(empty.iterdir()) == []
