"""Addresses come from the environment or the git remote, never from the sources."""

import re
import subprocess

import pytest

from _ext import addresses as module
from _ext.addresses import (
    ROOT,
    Addresses,
    addresses,
    library_source,
    pages_address,
    web_address,
)


@pytest.mark.parametrize(
    ("remote", "page"),
    [
        ("git@github.com:owner/name.git", "https://github.com/owner/name"),
        ("ssh://git@host.org:2222/owner/name", "https://host.org/owner/name"),
        ("https://github.com/owner/name", "https://github.com/owner/name"),
        ("https://user:secret@github.com/owner/name.git", "https://github.com/owner/name"),
        ("https://gitlab.com/group/part/name.git", "https://gitlab.com/group/part/name"),
        ("http://localhost:3000/owner/name.git", "http://localhost:3000/owner/name"),
        ("/home/me/name", ""),
        ("../name", ""),
        ("file:///home/me/name", ""),
        ("", ""),
    ],
)
def test_a_remote_tells_its_web_page_and_no_secret(remote, page):
    assert web_address(remote) == page


@pytest.mark.parametrize(
    ("repository", "site"),
    [
        ("https://github.com/Owner/name", "https://owner.github.io/name/"),
        ("https://github.com/Owner/owner.github.io", "https://owner.github.io/"),
        ("https://gitlab.com/owner/name", ""),
        ("", ""),
    ],
)
def test_github_publishes_at_a_known_place_and_others_do_not(repository, site):
    assert pages_address(repository) == site


def test_what_is_not_known_is_left_empty():
    unknown = Addresses()
    assert (unknown.page("intro"), unknown.colab("chapters/02_x"), unknown.install) == ("", "", "")
    elsewhere = Addresses(repository="https://gitlab.com/owner/name", commit="abc")
    assert elsewhere.colab("chapters/02_x") == "", "Colab opens notebooks of GitHub alone"
    assert elsewhere.install == "git+https://gitlab.com/owner/name@abc"


def test_a_workflow_tells_all_by_its_environment(monkeypatch):
    for name, value in {
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_REPOSITORY": "owner/name",
        "GITHUB_SHA": "abc123",
        "BOOK_SITE": "https://book.example.org",
    }.items():
        monkeypatch.setenv(name, value)
    found = addresses()
    assert found.page("chapters/02_x") == "https://book.example.org/chapters/02_x.html"
    assert found.colab("chapters/02_x") == (
        "https://colab.research.google.com/github/owner/name/blob/notebooks/02_x.ipynb"
    )
    assert found.install == "git+https://github.com/owner/name@abc123"


@pytest.mark.parametrize("remote", ["git@github.com:owner/name.git", None])
def test_a_clone_tells_by_its_remote(monkeypatch, tmp_path, remote):
    for name in ("GITHUB_REPOSITORY", "GITHUB_SHA", "BOOK_SITE"):
        monkeypatch.delenv(name, raising=False)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    if remote:
        subprocess.run(["git", "-C", str(tmp_path), "remote", "add", "origin", remote], check=True)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    found = addresses()
    assert found.repository == ("https://github.com/owner/name" if remote else "")
    assert found.site == ("https://owner.github.io/name/" if remote else "")


def test_an_assignment_installs_the_library_as_it_last_changed(monkeypatch, tmp_path):
    for name in ("GITHUB_REPOSITORY", "GITHUB_SHA", "BOOK_SITE", "ATTENTION_LIB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(module, "ROOT", tmp_path)

    def git(*arguments):
        who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        command = ["git", "-C", str(tmp_path), *who, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    git("remote", "add", "origin", "https://github.com/owner/name")
    (tmp_path / "attention_lib").mkdir()
    (tmp_path / "attention_lib" / "masks.py").write_text("1")
    git("add", "-A")
    git("commit", "-qm", "the library")
    changed = git("rev-parse", "HEAD")
    (tmp_path / "README.md").write_text("a word")
    git("add", "-A")
    git("commit", "-qm", "a word")
    assert git("rev-parse", "HEAD") != changed
    assert library_source() == f"git+https://github.com/owner/name@{changed}"
    monkeypatch.setenv("ATTENTION_LIB", "git+https://example.org/public")
    assert library_source() == "git+https://example.org/public"


@pytest.mark.parametrize("site", ["not a url", "ftp://x/y", "https://", "https://x/a b", "x.org"])
def test_what_is_no_address_of_a_site_is_refused(monkeypatch, site):
    monkeypatch.setenv("BOOK_SITE", site)
    with pytest.raises(ValueError, match=f"BOOK_SITE='{site}' is no address"):
        addresses()


def test_no_source_names_an_owner():
    """Of this book, that is: the repositories of other works may be cited."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    named = re.compile(r"(?:[\w-]+\.github\.io|colab\.research\.google\.com/github)/[\w-]+")
    texts = {name: ROOT / name for name in listed.stdout.split() if not name.startswith("tests/")}
    found = {
        name: named.findall(path.read_text(encoding="utf-8"))
        for name, path in texts.items()
        if path.suffix in (".md", ".ipynb", ".py", ".yml", ".toml", ".html", ".cff")
    }
    assert texts and {name: hits for name, hits in found.items() if hits} == {}
