"""The built pages in a browser: nothing foreign asked for, all drawn, in both themes."""

import pickle
import re
from statistics import median

import nbformat
import pytest
from docutils import nodes

from tests.visits import HTML, PAGES, THEMES, Visit
from tools.chapters import ROOT

each_page = pytest.mark.parametrize("page", PAGES, scope="session")
each_theme = pytest.mark.parametrize("theme", THEMES)


def sources(page):
    """What the sources of a page ask for: formulas, diagrams, figures."""
    doctree_file = ROOT / "_build" / ".doctrees" / f"{page}.doctree"
    doctree = pickle.loads(doctree_file.read_bytes())
    formulas = len(list(doctree.findall(lambda n: isinstance(n, (nodes.math, nodes.math_block)))))
    diagrams = [n for n in doctree.findall(nodes.image) if "_diagrams/" in n["uri"]]
    notebook = ROOT / f"{page}.ipynb"
    figures = 0
    if notebook.exists():
        cells = nbformat.read(notebook, as_version=4).cells
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        # at the end of a cell, or kept for it where the weights are not always at hand
        figures = len(re.findall(r"^(?:    picture = )?show\(", code, re.MULTILINE))
    return formulas, len(diagrams), figures


def test_every_page_of_the_table_of_contents_is_built():
    assert [page for page in PAGES if not (HTML / f"{page}.html").exists()] == []


def test_the_chapters_hold_formulas_diagrams_and_figures_at_all():
    """The counts below compare with something."""
    totals = [sum(column) for column in zip(*map(sources, PAGES), strict=True)]
    assert totals[0] > 30 and totals[1] >= 2 and totals[2] >= 5


@each_page
@each_theme
def test_no_page_asks_another_host_for_anything(visit, site, page, theme):
    seen = visit(theme)
    foreign = [url for url in seen.asked if not url.startswith((site, "data:", "blob:"))]
    assert seen.asked and foreign == []
    assert seen.failed == []


@each_page
def test_no_page_names_another_host_for_a_script_style_font_or_image(page):
    html = (HTML / f"{page}.html").read_text(encoding="utf-8")
    loads = re.findall(
        r"<(?:script|img|iframe|source|link)\b[^>]*?(?:src|href)=[\"'](https?://[^\"']+)", html
    )
    assert loads == []


@each_page
@each_theme
def test_no_console_error(visit, page, theme):
    assert visit(theme).complaints == []


@each_page
@each_theme
def test_formulas_diagrams_and_figures_are_really_drawn(visit, page, theme):
    seen = visit(theme)
    formulas, diagrams, figures = sources(page)
    assert seen.drawn(".bd-article .katex-html") == [formulas, formulas]
    assert seen.drawn(".bd-article .diagram svg") == [diagrams, diagrams]
    assert seen.drawn(".bd-article .picture svg") == [figures, figures]
    if formulas:
        assert seen.tab.evaluate("document.fonts.check('1em KaTeX_Main')"), "KaTeX's fonts load"


@each_page
@each_theme
def test_the_theme_is_the_readers_and_drawings_follow_it(visit, page, theme):
    seen = visit(theme)
    assert seen.tab.evaluate("document.documentElement.dataset.theme") == theme
    colours = seen.tab.evaluate(
        """() => {
            const text = getComputedStyle(document.querySelector('.bd-article')).color;
            const labels = [...document.querySelectorAll(
                ':is(.picture, .diagram) svg :is(text, tspan)')]
                .filter(e => e.childElementCount === 0 && e.textContent.trim());
            return [text, labels.map(e => getComputedStyle(e).fill)];
        }"""
    )

    def brightness(colour):
        return sum(map(int, re.findall(r"\d+", colour)[:3])) / 3

    text, labels = colours
    assert (brightness(text) > 128) == (theme == "dark")
    for colour in labels:
        assert abs(brightness(colour) - brightness(text)) < 60, f"{colour} on a {theme} page"


@each_page
def test_every_drawing_and_image_has_alternative_text(visit, page):
    seen = visit()
    labels = seen.tab.evaluate(
        """() => [...document.querySelectorAll('.bd-article img, .bd-article svg[role]')]
            .map(e => e.alt ?? e.getAttribute('aria-label') ?? '')"""
    )
    assert all(len(label) >= 20 for label in labels), labels
    assert len(labels) >= sum(sources(page)[1:])


@each_page
def test_a_page_weighs_at_most_a_megabyte_and_a_half(visit, page):
    """All that one visit needs, as a server sends it that compresses nothing."""
    weights = visit("light").weights
    heaviest = sorted(weights.items(), key=lambda item: -item[1])[:5]
    assert len(weights) > 10 and sum(weights.values()) <= 1_500_000, heaviest


@each_page
def test_the_first_paint_comes_within_a_second(browser, visit, site, page):
    """Where it did not, medians of three visits: other work can only slow it down."""

    def first_paint():
        again = Visit(browser, site, page)
        again.close()
        return again.first_paint

    milliseconds = [visit().first_paint]
    while min(milliseconds) > 1000 and len(milliseconds) < 4:
        milliseconds.append(median(first_paint() for _ in range(3)))
    assert min(milliseconds) <= 1000, milliseconds
