"""What several test files need: one thread, a browser."""

import os

import pytest
import torch

from _ext.chromium import chromium
from tests.checks._table import pytest_terminal_summary  # noqa: F401 - here xdist's parent sees it

# Tensors of tests are tiny: where others are at work too, a second thread is only waited for.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def browser():
    try:
        with chromium() as browser:
            yield browser
    except FileNotFoundError as absent:
        pytest.fail(str(absent)) if os.environ.get("CI") else pytest.skip(str(absent))


@pytest.fixture(scope="session")
def site():
    """The address of the built pages, served on this machine."""
    from tests.visits import HTML, served

    assert HTML.exists(), "no pages yet: run `make book` first"
    with served(HTML) as address:
        yield address


@pytest.fixture(scope="session")
def visit(browser, site, page):
    """Open the page that a test is parametrized with, once for each theme and width."""
    from tests.visits import Visit

    opened = {}

    def open_page(theme="light", width=1280):
        if (theme, width) not in opened:
            opened[theme, width] = Visit(browser, site, page, theme, width)
        return opened[theme, width]

    yield open_page
    for seen in opened.values():
        seen.close()
