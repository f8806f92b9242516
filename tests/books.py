"""A small book, for tests of what builds and publishes books."""

import os
import shutil
import subprocess
import sys

import nbformat
from nbformat.v4 import new_markdown_cell, new_notebook

from tools.chapters import ROOT

CHAPTER = "01_small.ipynb"


class Book:
    """A book of one chapter in a folder of its own, with this project's tools and settings."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("_ext", "_static", "tools", "attention_lib"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        shutil.copy(ROOT / "_config.yml", folder)
        (folder / "references.bib").write_text(
            "@book{a, title={A}, author={B}, publisher={C}, year=2000}\n"
        )
        (folder / "intro.md").write_text(
            "# Preface\n\nText, {cite}`a`.\n\n```{bibliography}\n```\n"
        )
        (folder / "_toc.yml").write_text(
            "format: jb-book\nroot: intro\nparts:\n"
            "  - caption: I\n    chapters:\n      - file: chapters/01_small\n"
        )
        (folder / "chapters").mkdir()

    def write(self, *cells):
        notebook = new_notebook(cells=[new_markdown_cell("# Small", id="title"), *cells])
        notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, self.folder / "chapters" / CHAPTER)

    def make(self, **settings):
        """Run what `make book` runs. Return its exit status and everything it said.

        ``settings`` are put into its environment.
        """
        done = subprocess.run(
            [sys.executable, "-m", "tools.book"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(self.folder)} | settings,
        )
        return done.returncode, done.stdout + done.stderr
