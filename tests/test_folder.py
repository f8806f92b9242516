"""The built pages opened from a folder, as from an unpacked archive: no server, no network."""

import itertools
import re
from html import unescape
from urllib.parse import unquote

import pytest

from tools.book import pages
from tools.chapters import ROOT

HTML = ROOT / "_build" / "html"
PAGES = pages()


class Visit:
    """A tab that keeps what failed in it."""

    def __init__(self, context):
        self.tab = context.new_page()
        self.trouble = []
        self.tab.on("requestfailed", self._note)
        self.tab.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.tab.on(
            "console", lambda m: m.type in ("error", "warning") and self.trouble.append(m.text)
        )

    def _note(self, request):
        if request.failure != "net::ERR_ABORTED":  # by going on to the next page
            self.trouble.append(request.url)

    def open(self, name):
        self.tab.goto((HTML / name).as_uri(), wait_until="load")
        return self.tab


@pytest.fixture
def visit(browser):
    assert HTML.exists(), "no pages yet: run `make book` first"
    context = browser.new_context(color_scheme="light")
    yield Visit(context)
    context.close()


def links(name):
    """Where the links of a page lead within the site, with their fragments."""
    source = (HTML / name).read_text(encoding="utf-8")
    found = re.findall(r"<a\b[^>]*?\bhref=\"([^\"]*)\"", source)
    return [unquote(unescape(link)) for link in found if not re.match(r"[a-z]+:|#|$", link)]


def test_every_page_opens_without_a_failed_request_or_complaint(visit):
    for name in [*(f"{page}.html" for page in PAGES), "genindex.html", "search.html"]:
        visit.open(name)
    assert visit.trouble == []


def test_index_html_leads_to_the_first_page(visit):
    tab = visit.open("index.html")
    tab.wait_for_url(f"**/{PAGES[0]}.html")
    assert tab.locator("article h1").count() == 1


def test_every_link_names_a_file():
    """A folder has no server that would add index.html to an address."""
    checked = 0
    for page in PAGES:
        for link in links(f"{page}.html"):
            target = HTML / f"{page}.html"
            assert (target.parent / link.partition("#")[0]).is_file(), f"{page}: {link}"
            checked += 1
    assert checked > 100


def test_next_leads_through_the_whole_book_and_previous_back(visit):
    tab = visit.open(f"{PAGES[0]}.html")
    tab.locator("a.right-next").click()
    tab.wait_for_url(f"**/{PAGES[1]}.html")
    tab.locator("a.left-prev").click()
    tab.wait_for_url(f"**/{PAGES[0]}.html")
    for page, following in itertools.pairwise(PAGES):
        source = (HTML / f"{page}.html").read_text(encoding="utf-8")
        target = re.search(r"<a class=\"right-next\"\s+href=\"([^\"]+)\"", source).group(1)
        assert (HTML / f"{page}.html").parent.joinpath(target).resolve() == HTML / (
            f"{following}.html"
        )


def test_search_lists_results_that_open(visit):
    tab = visit.open("search.html")
    tab.goto(f"{tab.url}?q=softmax")
    results = tab.locator("#search-results li a")
    results.nth(3).wait_for()
    tab.locator("#search-results .search-summary", has_text="found").wait_for()
    addresses = results.evaluate_all("found => found.map(link => link.href)")
    assert len(addresses) >= 5
    for address in addresses:
        path = unquote(address.removeprefix("file://").partition("#")[0].partition("?")[0])
        assert (HTML / path).is_file(), address
    results.first.click()
    tab.locator("article h1").wait_for()
    assert visit.trouble == []


@pytest.mark.parametrize("how", ["key", "button"])
def test_the_search_dialog_searches(visit, how):
    tab = visit.open(f"{PAGES[2]}.html")
    if how == "key":
        tab.keyboard.press("Control+k")
    else:
        tab.locator("button.search-button__button:visible").first.click()
    tab.locator("dialog#pst-search-dialog input[type=search]").fill("glossary")
    tab.keyboard.press("Enter")
    tab.locator("#search-results li a", has_text="Glossary").first.wait_for()
    assert visit.trouble == []


def test_the_theme_that_a_reader_picks_stays_on_the_next_page(visit):
    tab = visit.open(f"{PAGES[1]}.html")
    theme = "document.documentElement.dataset.theme"
    assert tab.evaluate(theme) == "light"
    for _ in range(3):  # automatic, light, dark
        if tab.evaluate(theme) == "dark":
            break
        tab.locator("button.theme-switch-button:visible").first.click()
    assert tab.evaluate(theme) == "dark"
    assert visit.open(f"{PAGES[2]}.html").evaluate(theme) == "dark"
    assert visit.trouble == []
