"""The book on paper and in one file: the PDF, the archive, a single printed page."""

import re
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from pypdf import PdfReader

from tools.archive import write_archive
from tools.book import pages
from tools.chapters import ROOT
from tools.pdf import page_numbers, write_pdf

HTML = ROOT / "_build" / "html"
CHAPTERS = [page for page in pages() if page.startswith("chapters/")]


def title(page):
    source = (HTML / f"{page}.html").read_text(encoding="utf-8").partition("<article")[2]
    return re.sub(r"<.*?>", "", re.search(r"<h1>(.*?)<a", source).group(1))


@pytest.fixture(scope="session")
def pdf(browser, tmp_path_factory):
    """The whole book, printed once."""
    assert HTML.exists(), "no pages yet: run `make book` first"
    output = tmp_path_factory.mktemp("pdf") / "book.pdf"
    with ThreadPoolExecutor(1) as thread:  # playwright starts once in a thread
        thread.submit(write_pdf, HTML, output).result()
    return output.read_bytes()


@pytest.fixture(scope="session")
def texts(pdf):
    return [" ".join(page.extract_text().split()) for page in PdfReader(BytesIO(pdf)).pages]


def test_no_page_of_the_pdf_is_empty(texts):
    assert len(texts) > 100
    assert [number for number, text in enumerate(texts, 1) if len(text) < 100] == []


def test_every_chapter_starts_on_the_page_that_the_contents_name(pdf, texts):
    places = page_numbers(pdf)
    contents = " ".join(texts[1:6])
    for page in CHAPTERS:
        number = places[page.split("/")[-1]]
        assert f"{title(page)} {number}" in contents
        assert texts[number - 1].removeprefix(f"{number} ").count(title(page)) >= 2  # and footer


def test_the_pdf_has_an_outline_of_every_chapter_and_tags(pdf):
    reader = PdfReader(BytesIO(pdf))
    outline = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert [t for t in outline if t in map(title, CHAPTERS)] == [title(page) for page in CHAPTERS]
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.trailer["/Root"]["/Lang"] == "en"


def test_links_within_the_book_stay_within_the_pdf(pdf):
    places, inside, outside = page_numbers(pdf), [], []
    for page in PdfReader(BytesIO(pdf)).pages:
        for note in page.get("/Annots", []):
            note = note.get_object()
            if "/Dest" in note:
                inside.append(str(note["/Dest"]).removeprefix("/"))
            elif "/A" in note:
                outside.append(str(note["/A"].get("/URI")))
    assert len(inside) > 500 and set(inside) <= set(places)
    assert [address for address in outside if not address.startswith("http")] == []


def test_every_solution_comes_behind_the_chapters(pdf, texts):
    solutions = page_numbers(pdf)["solutions"]
    found = [n for n, text in enumerate(texts, 1) if "Solution to Exercise" in text]
    assert found and min(found) >= solutions
    exercises = sum(
        (HTML / f"{page}.html").read_text(encoding="utf-8").count('class="solution ')
        for page in CHAPTERS
    )
    assert sum(text.count("Solution to Exercise") for text in texts) == exercises


def test_the_pdf_needs_built_pages(tmp_path):
    with pytest.raises(FileNotFoundError, match="build the book first"):
        write_pdf(tmp_path, tmp_path / "book.pdf")


def test_the_archive_is_the_site_and_the_same_twice(tmp_path):
    first, second = tmp_path / "book.zip", tmp_path / "again" / "book.zip"
    second.parent.mkdir()
    write_archive(HTML, first)
    write_archive(HTML, second)
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        names = set(archive.namelist())
        assert archive.testzip() is None
    files = {f"book/{p.relative_to(HTML).as_posix()}" for p in HTML.rglob("*") if p.is_file()}
    assert len(files) > 50 and names == files | {"book/README.txt"}


def test_the_archive_leaves_itself_out(tmp_path):
    (tmp_path / "index.html").write_text("first page")
    for _ in range(2):
        write_archive(tmp_path, tmp_path / "book.zip")
    with zipfile.ZipFile(tmp_path / "book.zip") as archive:
        assert archive.namelist() == ["book/README.txt", "book/index.html"]


def test_the_archive_needs_a_site(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no index\.html"):
        write_archive(tmp_path, tmp_path / "book.zip")


def test_the_unpacked_archive_opens_from_its_folder(browser, tmp_path):
    write_archive(HTML, tmp_path / "book.zip")
    with zipfile.ZipFile(tmp_path / "book.zip") as archive:
        archive.extractall(tmp_path)
    tab = browser.new_page()
    failed = []
    tab.on("requestfailed", lambda request: failed.append(request.url))
    tab.goto((tmp_path / "book" / f"{CHAPTERS[1]}.html").as_uri())
    assert tab.locator("article h1").inner_text().startswith(title(CHAPTERS[1]))
    assert tab.locator(".katex-html").count() > 10 and failed == []
    tab.close()


@pytest.fixture
def paper(browser):
    """Chapter 3 as it goes to the printer of a reader whose theme is dark."""
    context = browser.new_context(color_scheme="dark", viewport={"width": 660, "height": 900})
    tab = context.new_page()
    tab.goto((HTML / f"{CHAPTERS[2]}.html").as_uri())
    tab.emulate_media(media="print")
    yield tab
    context.close()


def test_paper_is_white_and_the_dark_theme_comes_back(paper):
    theme = "document.documentElement.dataset.theme"
    assert paper.evaluate(theme) == "dark"
    paper.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert paper.evaluate(theme) == "light"
    paper.evaluate("dispatchEvent(new Event('afterprint'))")
    assert paper.evaluate(theme) == "dark"


def test_paper_shows_hints_and_leaves_folded_solutions_away(paper):
    paper.evaluate("dispatchEvent(new Event('beforeprint'))")
    hints = paper.locator(".dropdown.admonition:not(.solution)")
    solutions = paper.locator(".solution.admonition")
    assert hints.count() >= 3 and solutions.count() >= 3
    assert all(hint.locator(":scope > p").last.is_visible() for hint in hints.all())
    assert not any(solution.is_visible() for solution in solutions.all())
    solutions.first.evaluate("box => box.classList.remove('toggle-hidden')")  # the reader unfolds
    assert solutions.first.is_visible()


def test_paper_shows_nothing_to_press_and_cuts_nothing_off(paper):
    seen = paper.locator("button:visible, summary:visible, .prev-next-footer:visible, nav:visible")
    assert seen.count() == 0, seen.first.evaluate("e => e.outerHTML")
    wide = paper.evaluate(
        """() => [...document.querySelectorAll('.bd-article :is(pre, svg, table, p)')]
            .filter(e => e.getBoundingClientRect().right > document.body.clientWidth + 1)
            .map(e => e.outerHTML.slice(0, 100))"""
    )
    assert wide == []
