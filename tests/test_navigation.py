"""Ways through the built pages: links, search, the switch of themes, copying of code."""

import functools
from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from lxml import html

from _ext.addresses import addresses
from tests.visits import HTML, PAGES, Visit

BUILT = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if "_static" not in path.parts
)


@functools.cache
def parsed(name):
    return html.parse(HTML / name, html.HTMLParser(encoding="utf-8")).getroot()


@functools.cache
def names(name):
    """What an address of a page may end in."""
    return set(parsed(name).xpath("//@id | //a/@name"))


def links(name):
    """Every address that a page names, as it is written."""
    return parsed(name).xpath("//a/@href | //img/@src | //link/@href | //script/@src")


def external_links():
    """The addresses elsewhere that the book names, with the pages that name them."""
    found = {}
    for name in BUILT:
        for link in links(name):
            if urlsplit(link).scheme in ("http", "https"):
                found.setdefault(link, []).append(name)
    return found


def broken_links(name):
    for link in set(links(name)):
        parts = urlsplit(urljoin(f"book:///{name}", link)) if "://" not in link else None
        if parts is None or parts.scheme not in ("book", ""):
            continue
        path = unquote(urlsplit(link).path)
        target = name if not path else _within(name, path)
        if not (HTML / target).is_file():
            yield f"{link}: no such file"
        elif parts.fragment and unquote(parts.fragment) not in names(target):
            yield f"{link}: no such place in {target}"


def _within(name, path):
    # The page for an unknown address links from the root of the host.
    path = path.removeprefix(urlsplit(addresses().site).path or "/") if path[0] == "/" else path
    parts = []
    for part in (PurePosixPath(name).parent / path).parts:
        parts.pop() if part == ".." and parts else parts.append(part)
    return "/".join(parts)


def test_there_are_pages_and_links_to_follow():
    assert {f"{page}.html" for page in PAGES} <= set(BUILT)
    assert sum(len(links(name)) for name in BUILT) > 1000


@pytest.mark.parametrize("name", BUILT)
def test_every_link_within_the_book_leads_somewhere(name):
    assert sorted(broken_links(name)) == []


@pytest.mark.parametrize("name", BUILT)
def test_no_two_places_of_a_page_have_one_name(name):
    ids = parsed(name).xpath("//@id")
    assert sorted({one for one in ids if ids.count(one) > 1}) == []


def test_next_and_previous_walk_through_the_book_in_its_order():
    def walk(start, side):
        page, seen = start, []
        while page and len(seen) <= len(PAGES):
            seen.append(page)
            found = parsed(f"{page}.html").xpath(f"//a[contains(@class, '{side}')]/@href")
            page = _within(f"{page}.html", found[0]).removesuffix(".html") if found else ""
        return seen

    assert walk(PAGES[0], "right-next") == PAGES
    assert walk(PAGES[-1], "left-prev") == PAGES[::-1]


@pytest.fixture
def intro(browser, site):
    seen = Visit(browser, site, PAGES[0])
    yield seen
    assert seen.complaints == []
    seen.close()


@pytest.mark.parametrize(
    ("term", "page", "word"),
    [
        ("softmax", "chapters/04_scaling", "softmax"),
        ("causal mask", "chapters/07_masks", "causal"),
        ("teacher forcing", "appendices/glossary", "teacher"),
        ("dot_product_attention", "appendices/reference", "dot_product_attention"),
    ],
)
def test_search_finds_the_page_and_marks_the_words_there(intro, term, page, word):
    tab = intro.tab
    tab.keyboard.press("Control+k")
    tab.locator("#pst-search-dialog input").fill(term)
    tab.keyboard.press("Enter")
    result = tab.locator(f"#search-results li > a[href*='{page}.html']").first
    result.wait_for()
    result.click()
    tab.wait_for_url(f"**/{page}.html*")
    if "_" not in word:  # the name of a function is a place of its own, not a word of the text
        marked = tab.locator(".bd-article .highlighted")
        marked.first.wait_for()
        assert word in {text.lower() for text in marked.all_text_contents()}


def test_search_says_when_it_finds_nothing(intro):
    tab = intro.tab
    tab.keyboard.press("Control+k")
    tab.keyboard.type("zzyzx")
    tab.keyboard.press("Enter")
    tab.get_by_text("did not match any documents").wait_for()
    assert tab.locator("#search-results li").count() == 0


def test_the_dialog_of_search_closes_by_escape(intro):
    intro.tab.keyboard.press("Control+k")
    assert intro.tab.locator("#pst-search-dialog[open]").count() == 1
    intro.tab.keyboard.press("Escape")
    assert intro.tab.locator("#pst-search-dialog[open]").count() == 0


def test_the_switch_changes_the_theme_and_the_browser_remembers_it(browser, site):
    seen = Visit(browser, site, "chapters/03_query_key_value")
    tab, label = seen.tab, ".picture svg text"
    state = "[document.documentElement.dataset.mode, document.documentElement.dataset.theme]"
    colour = f"getComputedStyle(document.querySelector('{label}')).fill"
    states, colours = [tab.evaluate(state)], {}
    for _ in range(3):
        colours.setdefault(states[-1][1], set()).add(tab.evaluate(colour))
        tab.locator(".theme-switch-button").first.click()
        states.append(tab.evaluate(state))
        tab.reload(wait_until="load")
        assert tab.evaluate(state) == states[-1]
    # Three modes, and around again; "auto" is what the system prefers, light here.
    assert sorted(map(tuple, states[:3])) == [
        ("auto", "light"),
        ("dark", "dark"),
        ("light", "light"),
    ]
    assert states[3] == states[0]
    assert [len(found) for found in colours.values()] == [1, 1]
    assert colours["light"] != colours["dark"]
    seen.close()


def test_the_copy_button_copies_the_code_of_its_cell_alone(browser, site):
    seen = Visit(browser, site, "chapters/03_query_key_value")
    seen.context.grant_permissions(["clipboard-read", "clipboard-write"])
    cells = seen.tab.locator(".cell_input .highlight:has(button.copybtn)")
    assert cells.count() > 5
    for cell in cells.all()[:5]:
        cell.locator("button.copybtn").focus()
        seen.tab.keyboard.press("Enter")
        copied = seen.tab.evaluate("navigator.clipboard.readText()")
        assert copied.strip() == cell.locator("pre").text_content().strip()
        assert not copied.startswith((">>>", "In ["))
    seen.close()
