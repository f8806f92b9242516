"""The built site as one zip file, to read without a network."""

from __future__ import annotations

import zipfile
from pathlib import Path

from _ext.addresses import addresses

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that zip can write: the same site gives the same bytes
_README = """Open index.html in a browser. Nothing here needs a network or a server.
"""


def write_archive(html: Path, output: Path) -> None:
    """Pack the site under ``html`` into ``output``, in one folder with the name of the archive.

    Raises:
        FileNotFoundError: there is no site under ``html``.
    """
    if not (html / "index.html").exists():
        raise FileNotFoundError(f"{html} has no index.html: build the book first")
    beside = output.with_name(f".{output.name}")
    left_out = {output.resolve(), beside.resolve()}
    files = {
        path.relative_to(html).as_posix(): path.read_bytes()
        for path in html.rglob("*")
        if path.is_file() and path.resolve() not in left_out
    }
    site = addresses().site
    files["README.txt"] = (_README + (f"Its newest state: {site}\n" if site else "")).encode()
    with zipfile.ZipFile(beside, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{output.stem}/{name}", _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, wherever it is packed: what the next line says
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    beside.replace(output)
