"""Plots that recur in every chapter."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patches import Rectangle
from torch import Tensor

from attention_lib.views.palette import SIGNED, WEIGHTS

__all__ = ["heatmap"]

_LARGEST_WITH_NUMBERS = 12


def heatmap(
    matrix: object,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
    title: str = "",
    limits: tuple[float, float] = (0.0, 1.0),
    label: str = "weight",
) -> Axes:
    """Draw a matrix with a word beside every row and above every column.

    Rows are queries, columns are keys. The deeper the colour, the larger the number; a cell of
    0 is the page itself. Up to 12 x 12, the numbers stand in the cells.

    Args:
        matrix: ``(queries, keys)``: a tensor, an array or nested lists.
        rows: the words of the queries.
        columns: the words of the keys; ``rows`` when None.
        ax: axes to draw on; new ones when None.
        title: the finding, in words.
        limits: the numbers at the two ends of the colour bar. With a negative lower end,
            negative cells take a second hue and the two ends must mirror each other.
        label: what a number is, beside the colour bar.

    Returns:
        The axes; their figure is ``ax.figure``.

    Raises:
        ValueError: not two-dimensional, labels that do not match, or numbers that are not finite
            or outside ``limits``.
    """
    if isinstance(matrix, Tensor):
        matrix = matrix.detach().to("cpu", torch.float64)
    numbers = np.asarray(matrix, dtype=float)
    columns = rows if columns is None else columns
    if numbers.shape != (len(rows), len(columns)) or numbers.size == 0:
        raise ValueError(
            f"matrix has shape {numbers.shape}; expected ({len(rows)}, {len(columns)}), one row "
            "for every query and one column for every key: pick one batch entry and one head first"
        )
    low, high = limits
    if not (np.isfinite(limits).all() and low < high):
        raise ValueError(f"limits={limits}; expected two finite numbers, the smaller one first")
    if low < 0 and low != -high:
        raise ValueError(f"limits={limits}; expected (-a, a) or (0, a), so that 0 has no colour")
    slack = 1e-6 * (high - low)
    if (
        not np.isfinite(numbers).all()
        or numbers.min() < low - slack
        or numbers.max() > high + slack
    ):
        raise ValueError(
            f"matrix runs from {numbers.min():.4g} to {numbers.max():.4g}; expected finite "
            f"numbers within limits={limits}: widen limits, or were these scores and not weights?"
        )
    if ax is None:
        _, ax = plt.subplots(figsize=(1.4 + 0.75 * len(columns), 0.9 + 0.6 * len(rows)))

    colours = ScalarMappable(Normalize(low, high), SIGNED if low < 0 else WEIGHTS)
    gap = 0.03  # tiles with a gap: no seams between half-transparent neighbours
    for (row, column), number in np.ndenumerate(numbers):
        corner = (column - 0.5 + gap, row - 0.5 + gap)
        size = 1 - 2 * gap
        ax.add_patch(Rectangle(corner, size, size, facecolor=colours.to_rgba(number), linewidth=0))
        if max(numbers.shape) <= _LARGEST_WITH_NUMBERS:
            ax.text(
                column,
                row,
                f"{round(number, 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}"),
                ha="center",
                va="center",
                fontsize=9,
            )
    ax.set(
        xlim=(-0.5, len(columns) - 0.5),
        ylim=(len(rows) - 0.5, -0.5),
        xlabel="key",
        ylabel="query",
        title=title,
        aspect="equal",
    )
    rotation = 60 if len(columns) > 6 and sum(map(len, columns)) > 2 * len(columns) else 0
    ax.set_xticks(range(len(columns)), columns, rotation=rotation, parse_math=False)
    ax.set_yticks(range(len(rows)), rows, parse_math=False)  # a token may hold a dollar
    ax.tick_params(length=0)
    ax.spines[:].set_linewidth(0.5)
    bar = ax.figure.colorbar(colours, ax=ax, label=label, fraction=0.046, pad=0.04)
    bar.solids.set_rasterized(True)  # 256 half-transparent vector tiles would show seams
    bar.outline.set_linewidth(0.5)
    return ax
