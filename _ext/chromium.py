"""Where Chromium is, and how the book starts it: for drawings, the PDF and the tests of pages."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

_SETTINGS = (
    "--no-sandbox",  # it opens our own pages only, and as root it starts in no other way
    "--disable-gpu",
    # It asks its maker for updates and lists of bad sites otherwise.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium of this machine, and close it in the end.

    Raises:
        FileNotFoundError: there is none.
    """
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if not path:
        raise FileNotFoundError(
            "no Chromium here: on Debian and Ubuntu, `apt install chromium` adds it"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_SETTINGS))
        try:
            yield browser
        finally:
            browser.close()
