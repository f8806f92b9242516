"""Document trees as Markdown: what other readers than Sphinx make of it."""

from types import SimpleNamespace

import pytest
from docutils import nodes
from markdown_it import MarkdownIt

from _ext.drawings import as_image
from _ext.execution import ROOT
from _ext.markdown import Markdown
from attention_lib.views import show

ENV = SimpleNamespace(srcdir=ROOT, toc_secnumbers={}, toc_fignumbers={})


def markdown(page="https://book.example/page.html"):
    return Markdown(ENV, "chapters/01_x", page, lambda path: ("data:,", 1))


def paragraph(text):
    return nodes.paragraph(text, "", nodes.Text(text))


@pytest.mark.parametrize(
    "text",
    [
        "a * b * c, a_b_c, __init__ and ___",
        r"a \ b, `x`, $5 and $6",
        "if a<b and <b>c</b> & d &lt; e",
        "# no heading",
        "- no item",
        "+ no item",
        "> no quotation",
        "3. no list",
        "1) no list",
        "[a] [b](c) and ![d](e)",
    ],
)
def test_text_stays_text(text):
    tokens = MarkdownIt().parse(markdown()(paragraph(text)))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    children = tokens[1].children
    assert {child.type for child in children} <= {"text", "text_special"}
    assert "".join(child.content for child in children) == text


def test_a_line_break_within_a_paragraph_starts_nothing():
    assert markdown()(paragraph("one\n- two\n3. three")) == "one - two 3. three"


def test_code_may_hold_backticks():
    assert markdown()(nodes.literal("", "a `b` c")) == "``a `b` c``"
    assert markdown()(nodes.literal("", "`b`")) == "`` `b` ``"


def test_an_unknown_kind_of_node_is_an_error_that_names_it():
    with pytest.raises(NotImplementedError, match=r"topic.*'a sidebar'.*_topic"):
        markdown()(nodes.topic("", paragraph("a sidebar")))


def test_a_list_within_a_list_stays_within_it():
    inner = nodes.bullet_list("", nodes.list_item("", paragraph("inner")))
    outer = nodes.bullet_list("", nodes.list_item("", paragraph("outer"), inner))
    html = MarkdownIt().render(markdown()(outer))
    assert html.count("<ul>") == 2 and html.index("inner") < html.index("</ul>")


def test_a_bar_in_a_table_is_an_error_that_says_what_to_write():
    table = nodes.table("", nodes.row("", nodes.entry("", nodes.math("", "|x|"))))
    with pytest.raises(NotImplementedError, match="vert"):
        markdown()(table)


def test_a_reference_without_a_known_page_is_text():
    inside = nodes.reference("", "here", refid="place")
    assert markdown()(inside) == "[here](https://book.example/page.html#place)"
    assert markdown(page="")(inside) == "here"
    assert markdown(page="")(nodes.reference("", "term", refuri="#term-x")) == "term"
    outside = nodes.reference("", "a paper", refuri="https://doi.example/1")
    assert markdown(page="")(outside) == "[a paper](https://doi.example/1)"


def test_a_figure_becomes_an_image_with_its_text():
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(2, 1))
    ax.set(title="a < b & c")
    html = as_image(show(fig, 'Says "a < b", twice over.')._repr_html_())
    assert html.startswith('<img src="data:image/svg+xml;base64,') and "<svg" not in html
    assert 'alt="Says &quot;a &lt; b&quot;, twice over."' in html and " width=" in html
    assert as_image("<table>a table</table>") == "<table>a table</table>"
