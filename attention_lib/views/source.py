"""Show the library's own source in a chapter: one copy, which is the one that runs."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Source", "show_source"]

_LIBRARY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Source:
    """Python source and where it stands. Notebooks highlight it; a terminal prints it."""

    code: str
    where: str

    def _repr_markdown_(self) -> str:
        fence = "`" * 4  # longer than any fence within a docstring
        return f"`{self.where}`\n\n{fence}python\n{self.code}\n{fence}"

    def __repr__(self) -> str:
        return f"# {self.where}\n{self.code}"


def show_source(item: object) -> Source:
    """Give the source of a function, a class or a module, as it stands in the library.

    Args:
        item: what to show.

    Returns:
        A :class:`Source`; make it the last expression of a cell.

    Raises:
        TypeError: something that has no Python source (a number, an instance, a built-in).
    """
    try:
        code = inspect.getsource(item)
    except (TypeError, OSError) as error:
        raise TypeError(
            f"{item!r} has no Python source; expected a function, a class or a module: for an "
            "object pass type(object)"
        ) from error
    file = Path(inspect.getsourcefile(item)).resolve()
    below = file.relative_to(_LIBRARY) if file.is_relative_to(_LIBRARY) else Path(file.name)
    return Source(textwrap.dedent(code).strip(), below.as_posix())
