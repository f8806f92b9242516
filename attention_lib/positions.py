"""Word order: what tells attention where a token stands.

Attention alone sees a set. Either each embedding is told its position before the first layer
(sinusoidal, learned), or each score is told how far apart query and key are (rotary, ALiBi).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

from attention_lib.attention import dot_product_attention
from attention_lib.inputs import check_sequences, check_tensor, check_tensors
from attention_lib.settings import check_flags, check_function, check_sizes

__all__ = [
    "ALiBiAttention",
    "LearnedPositions",
    "RotaryAttention",
    "SinusoidalPositions",
    "alibi_slopes",
    "rotate",
    "sinusoids",
]

Attend = Callable[..., Tensor | tuple[Tensor, Tensor]]


# --- added to the embeddings --------------------------------------------------------------


def sinusoids(length: int, d_model: int) -> Tensor:
    """Waves from short to long: column ``2i`` is ``sin(t / 10000^(2i/d))``, ``2i + 1`` its cosine.

    Vaswani et al. (2017), section 3.5. The row of a position ``k`` steps later is a rotation of
    the row, the same for every position.

    Args:
        length: number of positions, at least 1.
        d_model: width, even.

    Returns:
        ``(length, d_model)``, float64.

    Raises:
        ValueError: a length below 1, or a width that is not even.
    """
    check_sizes(length=length, d_model=d_model)
    angles = torch.arange(length)[:, None] * _frequencies(d_model, "d_model")  # (length, d/2)
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(-2)


class SinusoidalPositions(nn.Module):
    """Add :func:`sinusoids` to embeddings. Nothing is learned, and no length is too long.

    Args:
        d_model: width of the embeddings, even.

    Raises:
        ValueError: a width that is not even.
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.d_model = d_model
        # No buffer: it is made again, longer or in another dtype, when an input needs it.
        self._table = sinusoids(512, d_model).float()

    def forward(self, x: Tensor, *, start: int = 0) -> Tensor:
        """Add row ``start + t`` to the embedding at ``t``.

        Args:
            x: embeddings ``(batch, length, d_model)``.
            start: position of the first one: with a cache, how many came before.

        Returns:
            ``(batch, length, d_model)``.

        Raises:
            TypeError, ValueError: another shape, or a negative start.
        """
        end = _end(self.d_model, x, start)
        table = self._table
        if end > len(table) or table.dtype != x.dtype or table.device != x.device:
            self._table = sinusoids(max(2 * end, len(table)), self.d_model).to(x.device, x.dtype)
        return x + self._table[start:end]


class LearnedPositions(nn.Module):
    """Add a learned vector for each position, as BERT and GPT-2 do.

    There is no vector for a position beyond ``max_length``: longer inputs are an error.

    Args:
        max_length: number of positions.
        d_model: width of the embeddings.

    Raises:
        ValueError: sizes below 1.
    """

    def __init__(self, max_length: int, d_model: int) -> None:
        super().__init__()
        check_sizes(max_length=max_length, d_model=d_model)
        self.table = nn.Embedding(max_length, d_model)

    def forward(self, x: Tensor, *, start: int = 0, mask: Tensor | None = None) -> Tensor:
        """Add vector ``start + t`` to the embedding at ``t``, in ``(batch, length, d_model)``.

        Args:
            x, start: as :meth:`SinusoidalPositions.forward`.
            mask: ``(batch, start + length)`` boolean, True = a real token, when padding may stand
                before one: then a row's first real token gets vector 0.

        Raises:
            TypeError, ValueError: another shape, a negative start, or a position that has no
                vector.
        """
        max_length, d_model = self.table.weight.shape
        end = _end(d_model, x, start)
        if end > max_length:
            raise ValueError(
                f"positions {start} to {end - 1}; expected below max_length={max_length}, for "
                "which this table has vectors: shorten the input, or train a longer table"
            )
        if mask is None:
            return x + self.table.weight[start:end]
        positions = (mask.cumsum(dim=-1) - 1).clamp(min=0)  # (batch, end): padding counts nothing
        return x + self.table(positions[:, start:])


# --- inside the attention -----------------------------------------------------------------


def rotate(x: Tensor, *, start: int = 0, base: float = 10_000.0) -> Tensor:
    """Turn each pair of numbers by an angle that grows with the position.

    Pairs are number ``i`` and number ``i + d_head / 2``, as in Llama's code; the paper pairs
    neighbours, which is the same up to the order of the columns of ``W_q`` and ``W_k``.

    Su et al. (2021), "RoFormer", equation 34. The dot product of two turned vectors depends on
    the difference of their positions alone.

    Args:
        x: queries or keys ``(..., length, d_head)``; ``d_head`` even.
        start: position of the first one.
        base: the longest wave is about ``2 pi base`` positions.

    Returns:
        The same shape and dtype; no vector's length has changed.

    Raises:
        TypeError: not a floating-point tensor.
        ValueError: an odd ``d_head``, fewer than two dimensions, or a base of 0 or less.
    """
    check_tensor("x", x)
    _check_base(base)
    wide = torch.promote_types(x.dtype, torch.float32)  # half precision blurs far positions
    positions = torch.arange(start, start + x.size(-2), device=x.device, dtype=wide)
    angles = positions[:, None] * _frequencies(x.size(-1), "d_head", base).to(x.device, wide)
    cos, sin = angles.cos(), angles.sin()  # (length, d_head / 2)
    first, second = x.to(wide).chunk(2, dim=-1)
    turned = torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)
    return turned.to(x.dtype)


class RotaryAttention(nn.Module):
    """Attention between queries and keys that were turned by their positions.

    For ``MultiHeadAttention(..., attend=RotaryAttention())``, self-attention only. The last query
    stands at the position of the last key, as everywhere in this package, so a cache needs no
    extra bookkeeping.

    Args:
        base: as :func:`rotate`.
        attend: what to do with the turned queries and keys.

    Raises:
        TypeError, ValueError: a base as :func:`rotate` refuses it, or an ``attend`` that is no
            function.
    """

    def __init__(self, base: float = 10_000.0, attend: Attend = dot_product_attention) -> None:
        super().__init__()
        _check_base(base)
        check_function("attend", attend)
        self.base, self.attend = base, attend

    def forward(
        self, query: Tensor, key: Tensor, value: Tensor, **options
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend; arguments and result as :func:`dot_product_attention`."""
        check_tensors(query, key, value)
        start = key.size(-2) - query.size(-2)
        query = rotate(query, start=start, base=self.base)
        return self.attend(query, rotate(key, base=self.base), value, **options)


def alibi_slopes(num_heads: int) -> Tensor:
    """One slope a head, from steep to flat: ``2^(-8/h), 2^(-16/h), ..., 2^-8``.

    Press et al. (2021), "Train Short, Test Long", section 3. When ``num_heads`` is no power of
    two, the slopes of the next smaller power come first, then every other one of the next larger.

    Returns:
        ``(num_heads,)``, float64.

    Raises:
        ValueError: fewer than one head.
    """
    check_sizes(num_heads=num_heads)

    def geometric(count: int) -> Tensor:
        return 2.0 ** (-8.0 / count * torch.arange(1, count + 1, dtype=torch.float64))

    power = 2 ** int(math.log2(num_heads))
    return torch.cat([geometric(power), geometric(2 * power)[::2][: num_heads - power]])


class ALiBiAttention(nn.Module):
    """Attention whose scores fall by ``slope`` for every position between query and key.

    For ``MultiHeadAttention(d, h, attend=ALiBiAttention(h))``, causal self-attention only. Softmax
    does not notice a number that is the same for all keys of a query; so
    ``-slope * (t_query - t_key)`` may be counted from the last key on, and is then a product of a
    feature of the query (its slope) and one of the key (its distance from the end). Appended to
    the vectors, they need neither a mask nor another kernel.

    Args:
        num_heads: as :func:`alibi_slopes`.
        attend: what to do with the longer queries and keys.

    Raises:
        ValueError: fewer than one head.
    """

    def __init__(self, num_heads: int, attend: Attend = dot_product_attention) -> None:
        super().__init__()
        check_sizes(num_heads=num_heads)
        check_function("attend", attend)
        self.num_heads, self.attend = num_heads, attend

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        is_causal: bool = False,
        scale: float | None = None,
        **options,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend; arguments and result as :func:`dot_product_attention`.

        Raises:
            ValueError: ``is_causal`` is False: then later keys would get the largest scores; or
                another number of heads, or a scale of 0 or less.
        """
        check_tensors(query, key, value)
        check_flags(is_causal=is_causal)
        if not is_causal:
            raise ValueError(
                "is_causal=False; ALiBi measures the distance back from the query: expected "
                "is_causal=True"
            )
        heads = query.size(-3) if query.dim() > 2 else 0
        if heads != self.num_heads:
            raise ValueError(
                f"query has shape {tuple(query.shape)}; expected {self.num_heads} heads, (batch, "
                f"heads, length, d_head), one slope each: ALiBiAttention({heads or 'num_heads'})"
            )
        scale = query.size(-1) ** -0.5 if scale is None else scale
        if scale <= 0:
            raise ValueError(f"scale={scale}; expected above 0: the slopes are divided by it")
        distance = torch.arange(key.size(-2) - 1, -1, -1, device=key.device)  # from the last key
        # In two digits to the base 128: half precision has no exact number for 1001.
        digits = torch.stack([distance // 128, distance % 128], dim=-1).to(key.dtype)
        slopes = -alibi_slopes(self.num_heads)[:, None, None] / scale * torch.tensor([128, 1])
        slopes = slopes.to(query)  # (heads, 1, 2)
        query = torch.cat([query, slopes.expand(*query.shape[:-1], 2)], dim=-1)
        key = torch.cat([key, digits.expand(*key.shape[:-1], 2)], dim=-1)
        return self.attend(query, key, value, is_causal=True, scale=scale, **options)


def _frequencies(width: int, name: str, base: float = 10_000.0) -> Tensor:
    """Radians a position, one wave for each pair of numbers: ``base^(-2i/d)``, float64."""
    if width < 2 or width % 2:
        raise ValueError(
            f"{name}={width}; expected an even number: positions turn pairs of numbers"
        )
    return base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)


def _check_base(base: float) -> None:
    if not base > 0:
        raise ValueError(f"base={base}; expected above 0, such as 10000")


def _end(d_model: int, x: Tensor, start: int) -> int:
    check_sequences(d_model, x=x)
    if isinstance(start, bool) or not isinstance(start, int):
        raise TypeError(f"start is {start!r}; expected an integer: how many positions came before")
    if start < 0:
        raise ValueError(f"start={start}; expected 0 or more: how many positions came before")
    return start + x.size(1)
