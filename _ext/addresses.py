"""Where this copy of the book lives: its repository, its commit, its site, its notebooks.

Nothing in the sources names an owner, so a fork works as it is. A publishing workflow tells the
addresses by its environment; elsewhere the git remote does. What nobody tells stays empty, and
whoever uses it leaves the link out rather than name a wrong one.
"""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent
#: The branch that holds the notebooks for Colab, and nothing else.
NOTEBOOKS = "notebooks"

_SSH = re.compile(r"(?:ssh://)?[\w.-]+@([\w.-]+)(?::\d+/|[:/])(.+)")
_SITE = re.compile(r"https?://[^\s/?#]+(/[^\s?#]*)?")


@dataclass(frozen=True)
class Addresses:
    """The addresses of one copy of the book; an empty string is one that is not known.

    Attributes:
        repository: web page of the repository, such as ``https://github.com/owner/name``.
        branch: the branch that a reader's change should start from.
        commit: what the pages and notebooks are made from.
        site: where the pages are published, with a slash at its end.
    """

    repository: str = ""
    branch: str = "main"
    commit: str = ""
    site: str = ""

    @property
    def is_on_github(self) -> bool:
        """Colab opens notebooks of github.com, and of no other host."""
        return urlsplit(self.repository).netloc == "github.com"

    def page(self, docname: str) -> str:
        """Address of a published page: ``chapters/02_contextual_embeddings``."""
        return f"{self.site}{docname}.html" if self.site else ""

    def colab(self, docname: str) -> str:
        """Address that opens a chapter's published notebook in Colab."""
        if not self.is_on_github:
            return ""
        name = urlsplit(self.repository).path
        return (
            f"https://colab.research.google.com/github{name}/blob/{NOTEBOOKS}/"
            f"{Path(docname).name}.ipynb"
        )

    @property
    def install(self) -> str:
        """What pip installs to get the library of exactly this commit."""
        if not (self.repository and self.commit):
            return ""
        return f"git+{self.repository}@{self.commit}"


def web_address(remote: str) -> str:
    """Turn a git remote into the address of its web page; a local path has none.

    >>> web_address("git@github.com:owner/name.git")
    'https://github.com/owner/name'
    """
    remote = remote.strip()
    ssh, scheme = _SSH.fullmatch(remote), "https"
    if ssh:
        host, path = ssh.groups()
    else:
        parts = urlsplit(remote)
        if parts.scheme not in ("http", "https"):
            return ""
        scheme = parts.scheme
        # Never the user or the token that a remote may carry; a port belongs to the host.
        host, path = parts.netloc.rpartition("@")[2], parts.path
    path = path.strip("/").removesuffix(".git")
    return f"{scheme}://{host}/{path}" if path else ""


def pages_address(repository: str) -> str:
    """Where GitHub Pages publishes a repository."""
    parts = urlsplit(repository)
    if parts.netloc != "github.com" or parts.path.count("/") != 2:
        return ""
    owner, name = parts.path.strip("/").split("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def _git(*arguments: str) -> str:
    try:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):  # no git, or an unpacked archive
        return ""


def library_source() -> str:
    """What pip installs to get the library for an assignment.

    ``ATTENTION_LIB`` names another place, where students cannot read this repository. Else it is
    the commit that changed the library last: whatever else changes, an assignment stays the same.
    """
    chosen = os.environ.get("ATTENTION_LIB", "")
    commit = _git("log", "-1", "--format=%H", "--", "attention_lib", "pyproject.toml")
    return chosen or replace(addresses(), commit=commit).install


def addresses() -> Addresses:
    """Read the addresses from the environment, else from git.

    ``GITHUB_SERVER_URL``, ``GITHUB_REPOSITORY`` and ``GITHUB_SHA`` are what GitHub's workflows
    set; ``BOOK_SITE`` is what the publishing workflow learns from GitHub Pages, and what somebody
    sets who publishes elsewhere.

    Raises:
        ValueError: ``BOOK_SITE`` is no address of a site.
    """
    told = os.environ.get("GITHUB_REPOSITORY", "")
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    repository = f"{server}/{told}" if told else web_address(_git("remote", "get-url", "origin"))
    site = os.environ.get("BOOK_SITE", "") or pages_address(repository)
    if site and not _SITE.fullmatch(site):
        raise ValueError(
            f"BOOK_SITE={site!r} is no address of a site; expected one such as "
            "https://books.example/attention/"
        )
    return Addresses(
        repository=repository,
        commit=os.environ.get("GITHUB_SHA", "") or _git("rev-parse", "HEAD"),
        site=site and site.rstrip("/") + "/",
    )
