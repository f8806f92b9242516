"""The book as it is published: `python -m tools.site` writes it into `_build/site`."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from _ext.execution import ROOT
from tools import book, chapters
from tools.archive import write_archive
from tools.pdf import write_pdf

SITE = ROOT / "_build" / "site"
NAME = "attention-executed"


def assemble(html: Path, site: Path) -> None:
    """Make a site of the built pages: with the book as a PDF, and all of it as an archive.

    What was there before stays until all is done.
    """
    beside = site.with_name(f"{site.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    shutil.copytree(html, beside, ignore=shutil.ignore_patterns(".buildinfo*"))
    (beside / ".nojekyll").touch()  # or GitHub leaves out folders whose names begin with _
    write_pdf(html, beside / f"{NAME}.pdf")
    write_archive(beside, beside / f"{NAME}.zip")
    shutil.rmtree(site, ignore_errors=True)
    beside.rename(site)


def main() -> None:
    """Execute the chapters, build the pages, and add what a published book has."""
    errors = chapters.run()
    if not errors:
        print("building the pages", flush=True)
        errors = book.build(ROOT, "")
    if errors:
        sys.exit("\n" + "\n\n".join(errors) + "\n\nthe site was not built: see above")
    print("printing the PDF, packing the archive", flush=True)
    try:
        assemble(ROOT / "_build" / "html", SITE)
    except FileNotFoundError as absent:
        sys.exit(f"\nthe site was not written: {absent}")
    print(f"the site is in {SITE}; open {SITE / 'index.html'}")


if __name__ == "__main__":
    main()
