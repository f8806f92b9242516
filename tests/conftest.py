"""What several test files need: one thread, a browser."""

import os
import shutil

import pytest
import torch

# Tensors of tests are tiny: where others are at work too, a second thread is only waited for.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if not chromium:
        message = "no Chromium here: on Debian and Ubuntu, `apt install chromium` adds it"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()
