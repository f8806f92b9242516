"""Answer for a notebook in this very process: for masters, and for whoever trusts every submission.

Nothing is limited and nothing is kept apart. The code of the notebook can change the tests, the
points and the class's grades.
"""

from __future__ import annotations

from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from tools.grading.judge import Unanswered


class InProcess:
    """A notebook's names, after its code cells have run; cells that fail are left behind."""

    def __init__(self, notebook: nbformat.NotebookNode) -> None:
        self._scope: dict[str, Any] = {"__name__": "__main__"}
        plain = TransformerManager().transform_cell
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.id != "install":
                try:
                    exec(compile(plain(cell.source), f"cell {cell.id}", "exec"), self._scope)
                except Exception:
                    continue

    def answer(self, name: str) -> Any:
        """Give a function or a value by its name.

        Raises:
            Unanswered: there is none.
        """
        if self._scope.get(name, ...) is ...:
            raise Unanswered(f"`{name}` is not there: no cell defined it")
        return self._scope[name]
