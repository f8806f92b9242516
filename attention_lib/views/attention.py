"""A view of attention weights that answers to mouse, finger and keyboard, in any page."""

from __future__ import annotations

import functools
import html
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources

import numpy as np
import pandas as pd
import torch
from matplotlib.colors import to_rgb
from torch import Tensor

from attention_lib.views.palette import PALETTE

__all__ = ["AttentionView", "attention_view"]

_LARGEST = 1_000_000  # weights: about 600 kB of page
_STATIC = "This view needs JavaScript: in a notebook, run its cell."
_UNFOLDED = 144  # cells of a table that a reader takes in at a glance


@dataclass(frozen=True)
class AttentionView:
    """A view as HTML that needs nothing else, and the text that stands for it.

    Jupyter, Colab and the built page show the HTML; a terminal shows the text.
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def attention_view(
    tokens: Sequence[str],
    weights: Tensor | np.ndarray | Sequence,
    key_tokens: Sequence[str] | None = None,
    *,
    picked: int = 0,
) -> AttentionView:
    """Show what every token attends to, and which tokens attend to it.

    Hover, focus or tap a token. Layer and head are chosen above the tokens when there are
    several; they are numbered as in ``weights``, from 0. The same numbers stand in a table below, a
    row for every query and a column for every key, rounded to hundredths. The view asks no network
    and no kernel for anything; the browser shapes the tokens, whatever their script.

    Args:
        tokens: the tokens that ask, one for each query. Any strings: they are shown, not obeyed.
        weights: attention weights ``(queries, keys)``, ``(heads, queries, keys)`` or ``(layers,
            heads, queries, keys)``, or one of these for every layer in a list or tuple, where a
            batch of one counts as no batch.
        key_tokens: the tokens that are asked, where they are another sequence.
        picked: which of ``tokens`` is picked at the start.

    Returns:
        An :class:`AttentionView`; make it the last expression of a cell, or write its ``.html``
        to a file.

    Raises:
        TypeError: tokens that are not a list of strings, or weights that are not numbers.
        ValueError: shapes that do not fit the tokens, a ``picked`` that is none of them, numbers
            that cannot be attention weights (negative, not finite, or rows that sum to more than
            1), or too many of them for a page.
    """
    queries = _strings(tokens, "tokens")
    keys = queries if key_tokens is None else _strings(key_tokens, "key_tokens")
    numbers = _stack(weights)  # (layers, heads, queries, keys)
    _check(numbers, len(queries), len(keys))
    if picked not in range(len(queries)):
        raise ValueError(f"picked={picked}; expected 0 to {len(queries) - 1}, one of the tokens")
    levels = np.rint(numbers * 100).astype(np.uint8)
    rows = [[_written(level) for level in row] for row in levels[0, 0]]
    body = _form(queries, None if key_tokens is None else keys, levels, rows, picked)
    return AttentionView(body, _as_text(queries, keys, rows, levels.shape))


def _strings(tokens: object, name: str) -> list[str]:
    if not isinstance(tokens, str) and isinstance(tokens, Sequence):
        if all(isinstance(token, str) for token in tokens):
            return list(tokens)
        what = "a list that holds other things"
    else:
        what = repr(tokens) if isinstance(tokens, str) else f"a {type(tokens).__name__}"
    raise TypeError(f"{name} is {what}; expected a list of strings, one for each token")


def _stack(weights: object) -> np.ndarray:
    """Any of the accepted forms as ``(layers, heads, queries, keys)`` in float64."""
    if isinstance(weights, (list, tuple)) and any(isinstance(w, Tensor) for w in weights):
        layers = [_array(layer) for layer in weights]
        layers = [w[0] if w.ndim == 4 and len(w) == 1 else w for w in layers]
        if len({w.shape for w in layers}) > 1:
            shapes = ", ".join(str(w.shape) for w in layers)
            raise ValueError(f"the layers of weights differ in shape: {shapes}; expected one shape")
        numbers = np.stack(layers)
    else:
        numbers = _array(weights)
    if not 2 <= numbers.ndim <= 4:
        raise ValueError(
            f"weights has shape {numbers.shape}; expected (queries, keys), (heads, queries, keys) "
            "or (layers, heads, queries, keys): pick one batch entry first"
        )
    return numbers.reshape((1,) * (4 - numbers.ndim) + numbers.shape)


def _array(weights: object) -> np.ndarray:
    if isinstance(weights, Tensor):
        return weights.detach().to("cpu", torch.float64).numpy()
    try:
        return np.array(weights, dtype=float)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"weights is a {type(weights).__name__} that is no block of numbers; expected a tensor "
            "or an array of attention weights"
        ) from error


def _check(numbers: np.ndarray, queries: int, keys: int) -> None:
    if numbers.shape[2:] != (queries, keys) or numbers.size == 0:
        raise ValueError(
            f"weights has shape {numbers.shape}; expected (..., {queries}, {keys}), one row for "
            "every token that asks and one column for every token that is asked: pass key_tokens "
            "where the two differ"
        )
    if numbers.size > _LARGEST:
        raise ValueError(
            f"weights holds {numbers.size:,} numbers; expected at most {_LARGEST:,}, as the page "
            "holds them all: pick some layers or heads, or a shorter text"
        )
    if not np.isfinite(numbers).all() or numbers.min() < -1e-6:
        raise ValueError(
            f"weights runs from {numbers.min():.4g} to {numbers.max():.4g}; expected finite "
            "numbers from 0 to 1: were these scores, before the softmax?"
        )
    if (largest := numbers.sum(-1).max()) > 1.01:
        raise ValueError(
            f"a row of weights sums to {largest:.4g}; expected at most 1, as a row is what one "
            "query gives to all keys: were these scores, or is a matrix transposed?"
        )


def _written(level: int) -> str:
    """A weight in hundredths as the view writes it: 0, .05, 1."""
    return f".{level:02d}" if level % 100 else str(level // 100)


def _form(
    queries: list[str],
    keys: list[str] | None,
    levels: np.ndarray,
    rows: list[list[str]],
    picked: int,
) -> str:
    """The table, as everybody gets it; the script puts the tokens to pick above it."""
    layers, heads = levels.shape[:2]
    options = " data-cross=1" * (keys is not None) + f" data-picked={picked}" * (picked > 0)
    packed, size = _pack(levels)
    top = "".join(f"<th>{_shown(key)}" for key in keys or queries)
    # Of several heads the script writes the chosen one's numbers. Until then a small table holds
    # the first one's, and says so; a large one is folded, and would only make the page larger.
    small = levels[0, 0].size <= _UNFOLDED
    one = layers * heads == 1
    body = "".join(
        f"<tr><th>{_shown(query)}" + "".join(f"<td>{n}" for n in row if one or small)
        for query, row in zip(queries, rows, strict=True)
    )
    which = "" if one or not small else f" The table shows {_first_of(layers, heads)}."
    return (
        # No address and no dialog: sending this form does nothing. What it is for: the names of
        # its fields are its own, however many views share the page.
        '<form class="attention-view mathjax_ignore tex2jax_ignore" method=dialog '
        f"autocomplete=off data-layers={layers} "
        f"data-heads={heads} data-size={size}{options} "
        f'data-weights="{packed}"><div>{_STATIC}{which}</div>'
        f"<style>{re.sub('(?<=[:;{]) ', '', _asset('attention_view.css'))}</style>"
        f"<details{' open' if small else ''}><summary>As a table</summary>"
        f"<table><caption>Row: query. Column: key.</caption><thead><tr><td>{top}"
        f"<tbody>{body}</table></details><script>{_asset('attention_view.js')}</script></form>"
    )


def _first_of(layers: int, heads: int) -> str:
    return f"layer 0, head 0 of {layers} x {heads}"


def _shown(token: str) -> str:
    """A token as text of a page: markup is shown, not obeyed; control characters are drawn."""
    pictures = {code: 0x2400 + code for code in range(32)} | {127: 0x2421}
    text = token.translate(pictures).encode("utf-8", "replace").decode()
    return html.escape(text) or "\N{EMPTY SET}"


def _pack(levels: np.ndarray) -> tuple[str, int]:
    """Deflate, then 13 bits to two characters from ``$`` to ``~``, with ``#`` instead of ``&``.

    That is 8 % shorter than base64. Codes of hundredths hardly repeat, so entropy coding alone
    often beats deflate's search for repetitions.
    """
    deflated = []
    for strategy in (zlib.Z_DEFAULT_STRATEGY, zlib.Z_HUFFMAN_ONLY):
        deflate = zlib.compressobj(9, strategy=strategy)
        deflated.append(deflate.compress(levels.tobytes()) + deflate.flush())
    packed = min(deflated, key=len)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))
    bits = np.pad(bits, (0, -len(bits) % 13)).reshape(-1, 13)
    numbers = bits @ (1 << np.arange(12, -1, -1))
    characters = np.stack(divmod(numbers, 91), axis=-1).astype(np.uint8) + 36
    return characters.tobytes().decode().replace("&", "#"), len(packed)


@functools.cache
def _asset(name: str) -> str:
    """A file beside this one, without comments and indentation, in the palette's colours."""
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    text = re.sub(r"^\s*//[^\n]*|/\*.*?\*/", "", text, flags=re.MULTILINE | re.DOTALL)
    for role in ("query", "key"):
        red, green, blue = (round(255 * part) for part in to_rgb(PALETTE[role]))
        text = text.replace(role.upper(), f"{red} {green} {blue}")
    return re.sub(r"\s*\n\s*", "\n", text).strip()


def _as_text(
    queries: list[str], keys: list[str], rows: list[list[str]], shape: tuple[int, ...]
) -> str:
    table = pd.DataFrame(rows, queries, keys)
    layers, heads = shape[:2]
    which = f" ({_first_of(layers, heads)})" * (layers * heads > 1)
    return f"attention weights{which}: row = query, column = key\n{table.to_string()}"
