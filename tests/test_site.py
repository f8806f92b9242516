"""`make site` puts together what is published, and keeps the old site until the new one is done."""

import zipfile

import pytest

from tools import site as module


@pytest.fixture
def html(tmp_path):
    folder = tmp_path / "html"
    (folder / "_static").mkdir(parents=True)
    for name in ("index.html", "_static/book.css", ".buildinfo"):
        (folder / name).write_text(name)
    return folder


def test_a_site_holds_the_pages_the_pdf_and_an_archive_of_both(monkeypatch, html, tmp_path):
    monkeypatch.setattr(module, "write_pdf", lambda _, output: output.write_bytes(b"%PDF"))
    target = tmp_path / "site"
    for _ in range(2):  # the second time over the first
        module.assemble(html, target)
        files = {p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file()}
        added = {".nojekyll", f"{module.NAME}.pdf", f"{module.NAME}.zip"}
        assert files == {"index.html", "_static/book.css"} | added
    packed = set(zipfile.ZipFile(target / f"{module.NAME}.zip").namelist())
    inside = {f"{module.NAME}/{name}" for name in files - {f"{module.NAME}.zip"}}
    assert packed == inside | {f"{module.NAME}/README.txt"}


def test_when_printing_fails_the_old_site_stays(monkeypatch, html, tmp_path):
    target = tmp_path / "site"
    target.mkdir()
    (target / "index.html").write_text("old")

    def fail(*_):
        raise FileNotFoundError("no Chromium here")

    monkeypatch.setattr(module, "write_pdf", fail)
    with pytest.raises(FileNotFoundError, match="no Chromium"):
        module.assemble(html, target)
    assert (target / "index.html").read_text() == "old"
