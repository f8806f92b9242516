"""What a published page says about its place, in two forks and in a copy that has no address."""

import re
import xml.etree.ElementTree as ElementTree

import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.books import Book

INTRO = """# Preface

Text, {cite}`a`, and a {term}`word`.

```{only} colab
[open it](colab:01_small)
```

```{only} site
[all of it](site:all.zip)
```

```{bibliography}
```
"""
GLOSSARY = "# Glossary\n\n```{glossary}\nword\n  What a {term}`word` means: $x^2$.\n```\n"
FORKS = {
    "first": {"GITHUB_REPOSITORY": "someone/first-book", "BOOK_SITE": ""},
    "second": {"GITHUB_REPOSITORY": "other/second", "BOOK_SITE": "https://book.example.org/x"},
}
NOWHERE = dict.fromkeys(("GITHUB_REPOSITORY", "GITHUB_SHA", "BOOK_SITE"), "")
SITES = {
    "first": "https://someone.github.io/first-book/",
    "second": "https://book.example.org/x/",
}


@pytest.fixture(scope="module")
def sites(tmp_path_factory):
    """The same sources, built three times: a folder of pages for each address."""
    book = Book(tmp_path_factory.mktemp("book"))
    question = "**The question of this chapter: what do two of them cost?** They cost little."
    book.write(new_markdown_cell(question, id="question"), new_code_cell("print(1 + 1)", id="sum"))
    (book.folder / "intro.md").write_text(INTRO)
    (book.folder / "appendices").mkdir()
    (book.folder / "appendices" / "glossary.md").write_text(GLOSSARY)
    toc = book.folder / "_toc.yml"
    toc.write_text(toc.read_text() + "      - file: appendices/glossary\n")
    built = {}
    for name, settings in (FORKS | {"nowhere": NOWHERE}).items():
        status, said = book.make(**(NOWHERE | settings))
        assert status == 0, said
        built[name] = book.folder.parent / f"{book.folder.name}-{name}"
        (book.folder / "_build" / "html").rename(built[name])
    return built


def soup(folder, page):
    return BeautifulSoup((folder / f"{page}.html").read_text(encoding="utf-8"), "html.parser")


def links(folder):
    """Every address that a page of the folder names, whatever for."""
    found = set()
    for path in folder.rglob("*.html"):
        for tag in BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser").find_all(True):
            found |= {str(tag[key]) for key in ("href", "src", "content") if tag.has_attr(key)}
    return {link for link in found if re.match(r"https?://", link)}


def of_the_book(address):
    """Not a page about the software that made it, or about a licence."""
    return re.search(r"someone|other|first-book|second|colab|example\.org|github\.io", address)


@pytest.mark.parametrize("name", FORKS)
def test_every_link_names_the_fork_that_was_built(sites, name):
    repository = f"https://github.com/{FORKS[name]['GITHUB_REPOSITORY']}"
    notebook = f"https://colab.research.google.com/github/{FORKS[name]['GITHUB_REPOSITORY']}"
    found = {link for link in links(sites[name]) if of_the_book(link)}
    assert all(link.startswith((repository, notebook, SITES[name])) for link in found), found
    assert f"{repository}/edit/main/chapters/01_small.ipynb" in found
    assert f"{notebook}/blob/notebooks/01_small.ipynb" in found
    assert f"{SITES[name]}all.zip" in found
    assert any(link.startswith(f"{repository}/issues/new") for link in found)


def test_without_an_address_links_are_left_out(sites):
    assert not [link for link in links(sites["nowhere"]) if of_the_book(link)]
    page = soup(sites["nowhere"], "intro")
    assert "open it" not in page.text and "all of it" not in page.text
    assert not (sites["nowhere"] / "sitemap.xml").exists()
    assert not page.select('[property^="og:"], link[rel=canonical]')


@pytest.mark.parametrize("name", FORKS)
def test_a_chapter_opens_in_colab_and_other_pages_do_not(sites, name):
    def buttons(page):
        return soup(sites[name], page).select('a[href^="https://colab.research.google.com"]')

    assert len(buttons("chapters/01_small")) == 1
    assert buttons("chapters/01_small")[0]["title"] == "Open this chapter in Colab"
    assert not buttons("appendices/glossary")


@pytest.mark.parametrize("name", FORKS)
def test_the_sitemap_lists_the_pages_at_their_addresses(sites, name):
    listed = ElementTree.parse(sites[name] / "sitemap.xml").getroot()
    found = {entry.text for entry in listed.iter() if entry.tag.endswith("loc")}
    assert {f"{SITES[name]}{page}.html" for page in ("intro", "chapters/01_small")} <= found
    assert all(address.startswith(SITES[name]) for address in found)


@pytest.mark.parametrize("name", FORKS)
def test_a_link_to_a_chapter_shows_its_question_elsewhere(sites, name):
    page = soup(sites[name], "chapters/01_small")
    told = {tag["property"]: tag["content"] for tag in page.select('meta[property^="og:"]')}
    assert told["og:title"].endswith("Small")
    assert told["og:description"] == "What do two of them cost?"
    assert told["og:image:alt"] == told["og:description"]
    assert told["og:site_name"] == "Attention, executed"
    assert told["og:url"] == f"{SITES[name]}chapters/01_small.html"
    assert page.select_one('meta[name="description"]')["content"] == told["og:description"]
    assert page.select_one("link[rel=canonical]")["href"] == told["og:url"]


@pytest.mark.parametrize(("name", "root"), [("first", "/first-book/"), ("second", "/x/")])
def test_the_page_for_an_unknown_address_links_from_the_root(sites, name, root):
    page = soup(sites[name], "404")
    loaded = [tag["href"] for tag in page.select("link[rel=stylesheet]")]
    loaded += [tag["href"] for tag in page.select("a.reference.internal[href]")]
    assert loaded and all(address.startswith(root) for address in loaded), loaded
    assert "no such page" in page.select_one(".bd-article h1").text


def test_a_term_carries_its_definition_into_the_page(sites):
    page = soup(sites["nowhere"], "intro")
    tip = page.select_one("#definition-term-word")
    assert tip.has_attr("hidden") and tip["role"] == "tooltip"
    assert "What a word means" in tip.text
    assert tip.select(".katex") and not tip.select("a")
    assert not soup(sites["nowhere"], "appendices/glossary").select(".definition")
