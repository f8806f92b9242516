"""Show the library's own source in a chapter: one copy, which is the one that runs."""

from __future__ import annotations

import inspect
import textwrap
from dataclasses import dataclass

__all__ = ["Source", "show_source"]


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
        A :class:`Source`: make it the last expression of a cell.

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
    module = inspect.getmodule(item)
    return Source(textwrap.dedent(code).strip(), f"{module.__name__.replace('.', '/')}.py")
