"""Every page by keyboard, by touch, with large letters, and as WCAG 2.1 A and AA want it."""

from pathlib import Path

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.visits import PAGES, THEMES
from tools.chapters import ROOT

each_page = pytest.mark.parametrize("page", [*PAGES, "search", "genindex"], scope="session")
each_theme = pytest.mark.parametrize("theme", THEMES)

CONTRAST = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"],
    "resultTypes": ["violations"],
    "rules": {
        # Takes minutes on these pages, and leaves drawings out: contrast.js does it.
        "color-contrast": {"enabled": False},
        "label-content-name-mismatch": {"enabled": True},
        "empty-table-header": {"enabled": True},
        "heading-order": {"enabled": True},
    },
}


@each_page
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_no_rule_of_wcag_is_broken(visit, page, theme, width):
    found = Axe().run(visit(theme, width).tab, options=RULES).response
    assert len(found["passes"]) > 10
    assert [
        (rule["id"], node["target"], node["html"][:120])
        for rule in found["violations"]
        for node in rule["nodes"][:4]
    ] == []


@each_page
@each_theme
def test_all_text_stands_out_from_what_is_below_it(visit, page, theme):
    result = visit(theme).tab.evaluate(CONTRAST)
    assert result["judged"] > 20
    assert result["poor"] == [], "\n".join(result["poor"])


def code(page):
    notebook = ROOT / f"{page}.ipynb"
    cells = nbformat.read(notebook, as_version=4).cells if notebook.exists() else []
    return "\n".join(cell.source for cell in cells if cell.cell_type == "code")


@each_page
@each_theme
def test_every_attention_view_answers_mouse_and_keyboard(visit, page, theme):
    tab = visit(theme).tab
    views = tab.locator(".bd-article .attention-view")
    text = ROOT / f"{page}.md"
    asked = text.read_text(encoding="utf-8").count("{touch-picture}") if text.exists() else 0
    assert views.count() == asked + code(page).count("attention_view(")
    for view in views.all():
        tokens, said = view.locator("fieldset label"), view.locator("output")
        tokens.nth(1).hover()
        second = tokens.nth(1).locator("bdi").text_content() + " attends to "
        assert said.text_content().startswith(second)
        tab.mouse.move(0, 0)
        chosen = view.locator("input:checked")
        chosen.focus()
        before = said.text_content()
        tab.keyboard.press("ArrowRight")
        after = said.text_content()
        word = view.locator("label:focus-within bdi").text_content()
        assert after.startswith(f"{word} attends to ") or after.startswith(f"{word} is attended")
        assert view.locator("input:checked").evaluate("e => e === document.activeElement")
        assert view.locator("label:focus-within").evaluate(
            "e => getComputedStyle(e).outlineStyle !== 'none'"
        ), "the focus is seen"
        assert after != before
        tab.keyboard.press("ArrowLeft")
        assert said.text_content() == before
        tab.keyboard.press("Tab")
        assert view.locator("fieldset :focus").count() <= 1, "Tab leaves a group of tokens"


@each_page
def test_every_attention_view_answers_a_finger(visit, page):
    for view in visit("dark", 390).tab.locator(".bd-article .attention-view").all():
        token = view.locator("fieldset label").nth(1)
        token.tap()
        said = view.locator("output").text_content()
        assert said.startswith(token.locator("bdi").text_content() + " attends to ")


@each_page
def test_no_page_scrolls_sideways_on_a_phone_or_with_large_letters(visit, page):
    seen = visit("dark", 390)
    assert {width: found for width in (390, 320, 768) if (found := seen.widest(width))} == {}
    # Letters of twice the size on a laptop: the root's size is what the theme's sizes follow.
    seen.tab.evaluate("document.documentElement.style.fontSize = '200%'")
    large = seen.widest(1280)
    seen.tab.evaluate("document.documentElement.style.fontSize = ''")
    seen.resize(390)
    assert large == []


@each_page
def test_whatever_scrolls_sideways_is_reached_by_keyboard(visit, page):
    out_of_reach = visit("dark", 390).tab.evaluate(
        """() => [...document.querySelectorAll('main *')]
            .filter(e => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1
                && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)
                && e.tabIndex < 0 && !e.querySelector('a, button, input, select, [tabindex="0"]'))
            .map(e => `${e.tagName}.${e.className}`)"""
    )
    assert out_of_reach == []


@each_page
def test_the_keyboard_skips_to_the_text_and_unfolds_what_is_folded(visit, page):
    tab = visit().tab
    tab.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    skip = tab.locator("#pst-skip-link a")
    skip.focus()
    # The link slides in when it gets the focus.
    tab.wait_for_function("document.activeElement.getBoundingClientRect().top >= 0")
    tab.keyboard.press("Enter")
    assert tab.evaluate("location.hash") == "#main-content"
    for summary in tab.locator(".bd-article details > summary").all():
        summary.focus()
        if not summary.evaluate("e => e.matches(':focus')"):
            continue  # folded itself
        state = "e => e.parentElement.open"
        was_open = summary.evaluate(state)
        tab.keyboard.press("Enter")
        assert summary.evaluate(state) != was_open
        tab.keyboard.press("Space")
        assert summary.evaluate(state) == was_open
    for button in tab.locator(".bd-article button.toggle-button").all():
        button.focus()
        state = "e => e.closest('.toggle').classList.contains('toggle-hidden')"
        was_hidden = button.evaluate(state)
        tab.keyboard.press("Enter")
        assert button.evaluate(state) != was_hidden
        tab.keyboard.press("Enter")
