"""Figures, heatmaps and source: legible on any page, with text for those who cannot see."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

import attention_lib.tasks
from attention_lib import dot_product_attention, masks
from attention_lib.views import PALETTE, Picture, heatmap, show, show_source

ALT = 'Two lines that cross & part: "a" < "b".'


def figure(colour="black"):
    fig, ax = plt.subplots(figsize=(3, 2))
    ax.plot([0, 1], [0, 1], color=colour, label="up")
    ax.plot([0, 1], [1, 0], color=PALETTE["key"], label="down")
    ax.set(xlabel="step", ylabel="loss / nats", title="$q \\cdot k$ crosses")
    ax.legend()
    return fig


def test_a_figure_becomes_an_svg_with_its_alternative_text():
    picture = show(figure(), ALT)
    root = ElementTree.fromstring(picture.svg)
    assert root.tag.endswith("svg")
    assert root.get("role") == "img"
    assert root.get("aria-label") == ALT
    assert picture._repr_html_().startswith('<div class="picture"><svg ')
    assert repr(picture) == f"[figure: {ALT}]"


def test_a_figure_takes_the_pages_colours_and_fonts():
    svg = show(figure(), ALT).svg
    assert "currentColor" in svg and "#000000" not in svg
    assert "#ffffff" not in svg.lower(), "a white card would stay white on a dark page"
    assert "font-family" not in svg and "font:" not in svg
    assert ">step<" in svg, "text stays text"


def test_the_authors_text_stays_as_it_is():
    text = 'the black cat #000000 font: 12px Arial font-family: x; id="a" href="#b" <b> & $'
    fig, ax = plt.subplots()
    ax.set_title(text, parse_math=False)
    root = ElementTree.fromstring(show(fig, ALT).svg)
    assert text in [element.text for element in root.iter() if element.tag.endswith("text")]


def test_every_legend_loses_its_card():
    fig, ax = plt.subplots()
    ax.plot([0, 1], label="line")
    ax.add_artist(ax.legend(loc="upper left"))
    ax.legend(loc="lower right")
    fig.legend()
    assert "#ffffff" not in show(fig, ALT).svg.lower()


def test_a_figure_scales_to_a_phone():
    root = ElementTree.fromstring(show(figure(), ALT).svg)
    assert "max-width: 100%" in root.get("style")
    assert root.get("width") is None and root.get("viewBox")


def test_the_same_figure_gives_the_same_bytes():
    assert show(figure(), ALT).svg == show(figure(), ALT).svg


def test_ids_of_two_figures_never_clash_and_every_reference_resolves():
    first, second = show(figure(), ALT).svg, show(figure("red"), ALT).svg
    ids = [set(re.findall(r'\bid="([^"]+)"', svg)) for svg in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    for svg, own in zip((first, second), ids, strict=True):
        assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg)) <= own


def test_showing_closes_the_figure():
    fig = figure()
    show(fig, ALT)
    assert not plt.fignum_exists(fig.number)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (lambda: (plt.subplots()[1], ALT), TypeError, "figure is a Axes; expected a Matplotlib"),
        (lambda: (figure(), None), TypeError, "alt is a NoneType; expected a string"),
        (lambda: (figure(), ""), ValueError, "has 0 characters; expected a sentence"),
        (lambda: (figure(), "a plot"), ValueError, "'a plot' has 6 characters"),
    ],
)
def test_a_figure_without_real_alternative_text_is_an_error(arguments, error, message):
    with pytest.raises(error, match=message):
        show(*arguments())
    plt.close("all")


def luminance(colour):
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("page", ["#ffffff", "#14181e"], ids=["light", "dark"])
@pytest.mark.parametrize("role", PALETTE)
def test_every_hue_is_legible_on_a_light_and_on_a_dark_page(role, page):
    """WCAG 2.1, 1.4.11: graphics need a contrast of 3:1 with what is around them."""
    low, high = sorted((luminance(PALETTE[role]), luminance(page)))
    assert (high + 0.05) / (low + 0.05) >= 3.0


def test_a_heatmap_has_a_row_for_every_query_and_a_column_for_every_key():
    ax = heatmap([[0.25, 0.75, 0.0], [0.1, 0.2, 0.7]], ["he", "she"], ["a", "b", "c"], title="T")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["he", "she"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]
    assert ax.get_ylabel() == "query" and ax.get_xlabel() == "key"
    assert [text.get_text() for text in ax.texts][:3] == ["0.25", "0.75", "0.00"]
    top, bottom = ax.texts[0], ax.texts[3]
    assert top.get_position()[1] < bottom.get_position()[1] and ax.yaxis_inverted()
    plt.close("all")


def test_a_heatmap_takes_any_tensor_and_any_token():
    weights = torch.full((2, 2), 0.5, dtype=torch.bfloat16, requires_grad=True)
    ax = heatmap(weights, ["$5-$6", "a_b^c"], ["$\\bad$", "<b>"])
    svg = show(ax.figure, ALT).svg
    assert "$5-$6" in svg and "$\\bad$" in svg and "&lt;b&gt;" in svg


def test_the_deeper_the_colour_the_larger_the_number():
    ax = heatmap([[0.0, 0.5, 1.0]], ["q"], ["a", "b", "c"])
    opacity = [patch.get_facecolor()[3] for patch in ax.patches]
    assert opacity[0] == 0.0 and np.all(np.diff(opacity) > 0.3)
    signed = heatmap([[-1.0, -0.2, 0.2, 1.0]], ["q"], list("abcd"), limits=(-1, 1))
    colours = [patch.get_facecolor() for patch in signed.patches]
    assert colours[0][:3] == colours[1][:3] != colours[2][:3]
    assert colours[1][3] == pytest.approx(colours[2][3], abs=0.01) and 0.1 < colours[1][3] < 0.2
    plt.close("all")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: heatmap(np.eye(3), ["a", "b"]), r"shape \(3, 3\); expected \(2, 2\)"),
        (lambda: heatmap(np.ones((1, 2, 2)), ["a", "b"]), "pick one batch entry and one head"),
        (lambda: heatmap([[2.0]], ["a"]), "runs from 2 to 2; .*were these scores"),
        (lambda: heatmap([[float("nan")]], ["a"]), "runs from nan to nan"),
        (lambda: heatmap([[0.0]], ["a"], limits=(-1, 2)), r"limits=\(-1, 2\); expected \(-a, a\)"),
        (lambda: heatmap([[0.0]], ["a"], limits=(0, float("inf"))), "expected two finite numbers"),
        (lambda: heatmap([[0.0]], ["a"], limits=(1, 0)), "the smaller one first"),
        (lambda: heatmap([], []), r"shape \(0,\)"),
    ],
)
def test_bad_heatmaps_are_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_source_is_the_code_that_runs():
    source = show_source(dot_product_attention)
    assert source.where == "attention_lib/attention.py"
    assert source.code.startswith("def dot_product_attention(")
    assert "    weights = _softmax(scores, mask)" in source.code
    assert source._repr_markdown_().count("````") == 2
    assert repr(source).splitlines()[0] == "# attention_lib/attention.py"
    compile(show_source(Picture).code, "source", "exec")
    assert show_source(masks).where == "attention_lib/masks.py"
    assert show_source(attention_lib.tasks).where == "attention_lib/tasks/__init__.py"


@pytest.mark.parametrize("item", [3, len, Picture("", "")])
def test_what_has_no_source_is_an_error(item):
    with pytest.raises(TypeError, match="has no Python source; expected a function"):
        show_source(item)


class Balanced(HTMLParser):
    """Counts open tags."""

    depth = 0

    def handle_starttag(self, tag, attrs):
        self.depth += 1

    def handle_endtag(self, tag):
        self.depth -= 1


def test_the_markup_around_a_figure_is_balanced():
    parser = Balanced()
    parser.feed(show(figure(), ALT)._repr_html_())
    assert parser.depth == 0
