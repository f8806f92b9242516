"""The built pages in a browser: nothing foreign asked for, all drawn, in both themes."""

import functools
import pickle
import re
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import nbformat
import pytest
from docutils import nodes

from tools.book import pages
from tools.chapters import ROOT

HTML = ROOT / "_build" / "html"
PAGES = pages()
THEMES = ("light", "dark")
each_page = pytest.mark.parametrize("page", PAGES)
each_theme = pytest.mark.parametrize("theme", THEMES)


@pytest.fixture(scope="module")
def site():
    """Serve the built pages on this machine; give their address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=HTML))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Visit:
    """One page, opened: what it asked for, what it complained about."""

    def __init__(self, browser, site, page, theme, width):
        self.context = browser.new_context(
            color_scheme=theme, viewport={"width": width, "height": 900}
        )
        self.tab = self.context.new_page()
        self.asked, self.failed, self.complaints = [], [], []
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.on("requestfailed", lambda request: self.failed.append(request.url))
        self.tab.on("response", lambda r: r.status >= 400 and self.failed.append(r.url))
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on(
            "console",
            lambda m: m.type in ("error", "warning") and self.complaints.append(m.text),
        )
        self.tab.goto(f"{site}/{page}.html", wait_until="networkidle")
        self.tab.evaluate("document.fonts.ready")
        # What is folded has no size: unfold everything, then look.
        self.tab.evaluate(
            """() => {
                document.querySelectorAll('details').forEach(d => { d.open = true; });
                document.querySelectorAll('.toggle-hidden').forEach(
                    e => e.classList.remove('toggle-hidden'));
            }"""
        )

    def drawn(self, selector):
        """How many matches have a size on the page, and how many there are."""
        return self.tab.evaluate(
            """selector => {
                const found = [...document.querySelectorAll(selector)];
                const drawn = found.filter(e => {
                    const box = e.getBoundingClientRect();
                    return box.width > 1 && box.height > 1;
                });
                return [drawn.length, found.length];
            }""",
            selector,
        )


@pytest.fixture(scope="module")
def visit(browser, site):
    """Open each page once for each theme and width."""
    assert HTML.exists(), "no pages yet: run `make book` first"

    @functools.cache
    def open_page(page, theme, width=1280):
        return Visit(browser, site, page, theme, width)

    yield open_page


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
    seen = visit(page, theme)
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
    assert visit(page, theme).complaints == []


@each_page
@each_theme
def test_formulas_diagrams_and_figures_are_really_drawn(visit, page, theme):
    seen = visit(page, theme)
    formulas, diagrams, figures = sources(page)
    assert seen.drawn(".bd-article .katex-html") == [formulas, formulas]
    assert seen.drawn(".bd-article .diagram svg") == [diagrams, diagrams]
    assert seen.drawn(".bd-article .picture svg") == [figures, figures]
    if formulas:
        assert seen.tab.evaluate("document.fonts.check('1em KaTeX_Main')"), "KaTeX's fonts load"


@each_page
@each_theme
def test_every_attention_view_answers(visit, page, theme):
    notebook = ROOT / f"{page}.ipynb"
    cells = nbformat.read(notebook, as_version=4).cells if notebook.exists() else []
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    views = visit(page, theme).tab.locator(".bd-article .attention-view")
    assert views.count() == code.count("attention_view(")
    for view in views.all():
        token = view.locator("fieldset label").nth(1)
        token.hover()
        said = view.locator("output").text_content()
        assert said.startswith(token.locator("bdi").text_content() + " attends to ")


@each_page
@each_theme
def test_the_theme_is_the_readers_and_drawings_follow_it(visit, page, theme):
    seen = visit(page, theme)
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
    seen = visit(page, "light")
    labels = seen.tab.evaluate(
        """() => [...document.querySelectorAll('.bd-article img, .bd-article svg[role]')]
            .map(e => e.alt ?? e.getAttribute('aria-label') ?? '')"""
    )
    assert all(len(label) >= 20 for label in labels), labels
    assert len(labels) >= sum(sources(page)[1:])


@each_page
def test_a_phone_needs_no_sideways_scrolling(visit, page):
    seen = visit(page, "light", width=390)
    wide = seen.tab.evaluate(
        """() => {
            const edge = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= edge) return [];
            const scrolls = e => e && (getComputedStyle(e).overflowX !== 'visible'
                || scrolls(e.parentElement));
            return [...document.querySelectorAll('.bd-article *')]
                .filter(e => e.getBoundingClientRect().right > edge && !scrolls(e.parentElement))
                .map(e => `${e.tagName}.${e.className.baseVal ?? e.className}: `
                    + e.textContent.slice(0, 40)).slice(0, 5);
        }"""
    )
    assert wide == []
