"""Sliding windows: a query looks back a fixed number of positions, so cost grows with the length.

The mask alone (:func:`attention_lib.masks.window_mask`) gives the same output at the full price
of ``T_q * T_k`` scores. Here the scores outside the window are never computed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from attention_lib.attention import dot_product_attention
from attention_lib.inputs import check_attention
from attention_lib.settings import check_function, check_sizes

__all__ = ["SlidingWindowAttention"]


class SlidingWindowAttention(nn.Module):
    """Causal attention to the ``window`` last positions, the query's own included.

    Beltagy et al. (2020), "Longformer"; the causal form of Jiang et al. (2023), "Mistral 7B". For
    ``MultiHeadAttention(..., attend=SlidingWindowAttention(256))``. Through ``L`` layers a
    position still hears from ``L * (window - 1)`` positions before it.

    Args:
        window: how many positions a query sees, at least 1.
        attend: what to do within the window.

    Raises:
        ValueError: a window below 1.
    """

    def __init__(
        self,
        window: int,
        attend: Callable[..., Tensor | tuple[Tensor, Tensor]] = dot_product_attention,
    ) -> None:
        super().__init__()
        check_sizes(window=window)  # with 1 a query sees itself alone
        check_function("attend", attend)
        self.window, self.attend = window, attend

    def forward(
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        *,
        mask: Tensor | None = None,
        is_causal: bool = False,
        return_weights: bool = False,
        **options,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend; arguments and result as :func:`dot_product_attention`.

        Asked for weights, it computes all of them: ``(..., T_q, T_k)``, most of them 0.

        Raises:
            TypeError, ValueError: as :func:`dot_product_attention`, or ``is_causal`` is False.
        """
        flags = {"is_causal": is_causal, "return_weights": return_weights}
        check_attention(query, key, value, mask, **flags)  # before anything is cut to a window
        if not is_causal:
            raise ValueError("is_causal=False; this window looks back: expected is_causal=True")
        length_q, length_k = query.size(-2), key.size(-2)
        if return_weights:
            seen = self._mask(mask, (0, length_q), (0, length_k), length_k - length_q, query.device)
            return self.attend(query, key, value, mask=seen, return_weights=True, **options)
        found = []
        for first in range(0, length_q, self.window):  # a block of queries, the keys it can see
            last = min(first + self.window, length_q)
            at = first + length_k - length_q  # position of the first query among the keys
            start, stop = max(0, at - self.window + 1), max(1, at + last - first)
            seen = self._mask(mask, (first, last), (start, stop), length_k - length_q, query.device)
            block = (query[..., first:last, :], key[..., start:stop, :], value[..., start:stop, :])
            found.append(self.attend(*block, mask=seen, **options))
        return torch.cat(found, dim=-2)

    def _mask(
        self,
        mask: Tensor | None,
        queries: tuple[int, int],
        keys: tuple[int, int],
        offset: int,
        device: torch.device,
    ) -> Tensor:
        """Which of these queries may see which of these keys: in the window, and in ``mask``."""
        query_at = torch.arange(*queries, device=device)[:, None] + offset
        key_at = torch.arange(*keys, device=device)
        seen = (key_at <= query_at) & (query_at - key_at < self.window)
        if mask is None:
            return seen
        mask = torch.atleast_2d(mask)
        if mask.size(-2) > 1:
            mask = mask[..., slice(*queries), :]
        return seen & (mask[..., slice(*keys)] if mask.size(-1) > 1 else mask)
