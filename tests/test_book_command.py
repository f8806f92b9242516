"""`make book`, on a small book: what is wrong fails it, by chapter and cell, every time."""

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.books import CHAPTER, Book
from tools.book import complaints


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path)


FINE = new_code_cell("1 + 1", id="sum")


def test_an_error_fails_it_by_chapter_and_cell_also_the_second_time(book):
    book.write(FINE, new_code_cell("assert 1 + 1 == 3, 'sums are off'", id="wrong-claim"))
    for _ in range(2):
        status, said = book.make()
        assert status != 0
        assert f"{CHAPTER}, cell 3 (wrong-claim): AssertionError: sums are off" in said


def test_a_kernel_that_dies_or_stalls_fails_it_by_chapter_and_cell(book):
    settings = (book.folder / "_config.yml").read_text()
    (book.folder / "_config.yml").write_text(settings.replace("timeout: 300", "timeout: 3"))
    book.write(FINE, new_code_cell("import time; time.sleep(60)", id="endless"))
    status, said = book.make()
    assert status != 0
    assert f"{CHAPTER}, cell 3 (endless)" in said and "timeout" in said.lower()

    book.write(FINE, new_code_cell("import os; os._exit(1)", id="dies"))
    status, said = book.make()
    assert status != 0
    assert f"{CHAPTER}, cell 3 (dies)" in said


WARNINGS = {
    "unresolved-ref": ("See {ref}`no-such-label`.", "no-such-label"),
    "unresolved-term": ("See {term}`no such term`.", "no such term"),
    "unknown-directive": ("```{nonsense}\n```", "nonsense"),
    "unknown-citation": ("See {cite}`nobody`.", "nobody"),
    "bad-formula": (r"$$ \frac{1 $$", "KaTeX"),
    "no-alt": ("```{figure} a.png\nCaption\n```", "no :alt:"),
    "broken-link": ("[here](nowhere.md)", "nowhere.md"),
}


def test_a_warning_fails_it_by_chapter_and_cell_also_the_second_time(book):
    (book.folder / "chapters" / "a.png").write_bytes(bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c63600000000200015de2ebbd0000000049454e44ae426082"
    ))  # fmt: skip
    cells = [new_markdown_cell(text, id=name) for name, (text, _) in WARNINGS.items()]
    stderr = new_code_cell("import sys; print('careful', file=sys.stderr)", id="stderr")
    book.write(FINE, *cells, stderr)
    for _ in range(2):
        status, said = book.make()
        assert status != 0
        lines = said.splitlines()
        for name, (_, part) in WARNINGS.items():
            told = [line for line in lines if f"({name})" in line and CHAPTER in line]
            assert any(part in line for line in told), f"{name} is not told:\n{said}"
        assert any("stderr" in line and CHAPTER in line for line in lines), said


def test_a_sound_book_is_built_and_built_again_without_executing(book):
    book.write(FINE, new_markdown_cell("Some $x^2$.", id="text"))
    status, said = book.make()
    assert status == 0, said
    assert "unchanged" not in said and " s " in said and " MiB" in said
    page = book.folder / "_build" / "html" / "intro.html"
    assert f"open {page}" in said and page.exists()

    book.write(FINE, new_markdown_cell("Other prose, $x^3$.", id="text"))
    status, said = book.make()
    assert status == 0 and "(unchanged)" in said, "a change of prose executes nothing"
    html = (book.folder / "_build" / "html" / "chapters" / "01_small.html").read_text()
    assert "Other prose" in html and 'class="katex"' in html

    with open(book.folder / "attention_lib" / "attention.py", "a") as file:
        file.write("# a change\n")
    status, said = book.make()
    assert status == 0 and "(unchanged)" not in said, "a change of the library executes again"


def test_a_page_that_was_not_built_fails_it(book):
    book.write(FINE)
    toc = book.folder / "_toc.yml"
    toc.write_text(toc.read_text() + "      - file: chapters/02_absent\n")
    status, said = book.make()
    assert status != 0
    assert "02_absent" in said


def test_a_failed_build_says_why_even_where_no_line_is_marked():
    log = "reading\n\n\x1b[31mRuntimeError: \x1b[0m\nValueError: a bad site\nValueError: a bad site"
    assert complaints(log) == ["ValueError: a bad site"]
    assert complaints("started\n\nKilled\n") == ["started\nKilled"]
