"""The KV cache: a token's key and value are computed once, however many tokens follow.

A causal layer that has read ``n`` tokens needs, for the next one, that token's query and all
keys and values. The query is new; of the keys and values only one each.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from attention_lib.attention import MultiHeadAttention
from attention_lib.inputs import dtype_name
from attention_lib.settings import check_sizes

__all__ = ["Cache", "KVCache", "MemoryCache", "with_cache"]

Attention = Callable[..., Tensor | tuple[Tensor, Tensor]]


class KVCache:
    """Keys and values of the positions that one self-attention has seen; they grow.

    For inference: no gradient flows through a cache.

    Args:
        capacity: positions to have room for at first; the room doubles when it is used up.

    Raises:
        ValueError: a capacity below 1.
    """

    def __init__(self, capacity: int = 64) -> None:
        check_sizes(capacity=capacity)
        self.capacity = capacity
        self.length = 0
        self._keys: Tensor | None = None
        self._values: Tensor | None = None

    def append(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Add new positions behind the old ones.

        Args:
            key: ``(batch, heads, T_new, d_head)``.
            value: ``(batch, heads, T_new, d_value)``.

        Returns:
            Keys and values of all positions so far, ``(batch, heads, length, ...)``. They are
            views of the cache: do not change them.

        Raises:
            RuntimeError: tensors that require gradients.
            TypeError: not tensors, or another dtype than before.
            ValueError: lengths that differ, or another batch, number of heads, width or device
                than before.
        """
        for name, new in (("key", key), ("value", value)):
            if not isinstance(new, Tensor):
                raise TypeError(f"{name} is a {type(new).__name__}; expected a torch.Tensor")
        if key.size(-2) != value.size(-2):
            raise ValueError(
                f"key has length {key.size(-2)} and value has length {value.size(-2)}; expected "
                "one value for every key"
            )
        if key.requires_grad or value.requires_grad:
            raise RuntimeError(
                "key or value requires a gradient; a cache is for inference: call the model "
                "under torch.no_grad(), or without a cache"
            )
        self._keys = self._with_room(self._keys, key)
        self._values = self._with_room(self._values, value)
        start, added = self.length, key.size(-2)
        self._keys.narrow(-2, start, added).copy_(key)
        self._values.narrow(-2, start, added).copy_(value)
        self.length = start + added
        return self._keys.narrow(-2, 0, self.length), self._values.narrow(-2, 0, self.length)

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order; a row may be kept more than once.

        Args:
            rows: indices ``(new batch,)``. Beam search keeps the best hypotheses with it.

        Raises:
            TypeError: not a tensor of int64.
            IndexError: an index outside the batch.
        """
        _check_rows(rows, self._keys)
        if self._keys is not None:
            self._keys = self._keys.index_select(0, rows)
            self._values = self._values.index_select(0, rows)

    def attend(
        self,
        attention: MultiHeadAttention,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        **options,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Call ``attention`` with new positions; they also attend to all earlier ones.

        Arguments and result are as :meth:`MultiHeadAttention.forward` has them; ``T_q`` and
        ``T_k`` count the new positions. Errors are its own and those of :meth:`append`.
        """
        query, key, value = attention.to_heads(query, key, value)
        length = self.length
        try:
            return attention.from_heads(query, *self.append(key, value), **options)
        except Exception:
            self.length = length  # or a second try would add the same positions again
            raise

    def _with_room(self, held: Tensor | None, new: Tensor) -> Tensor:
        """Give the buffer that holds the old positions, with room for the new ones."""
        if held is None:
            held = new.new_empty(*new.shape[:-2], self.capacity, new.size(-1))
        if held.shape[:-2] != new.shape[:-2] or held.size(-1) != new.size(-1):
            raise ValueError(
                f"new positions have shape {tuple(new.shape)}; expected {tuple(held.shape)} but "
                "for the length: use one cache for one batch, and a new one for the next"
            )
        if held.dtype != new.dtype or held.device != new.device:
            raise TypeError(
                f"new positions are {dtype_name(new.dtype)} on {new.device}; expected "
                f"{dtype_name(held.dtype)} on {held.device}, as before: use a new cache"
            )
        needed = self.length + new.size(-2)
        if needed <= held.size(-2):
            return held
        larger = held.new_empty(*held.shape[:-2], max(needed, 2 * held.size(-2)), held.size(-1))
        larger[..., : self.length, :] = held[..., : self.length, :]
        return larger


class MemoryCache:
    """Keys and values of the encoder's output: mapped at the first call, then kept."""

    def __init__(self) -> None:
        self._kept: tuple[Tensor, Tensor] | None = None

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch; argument and errors as :meth:`KVCache.select`."""
        _check_rows(rows, None if self._kept is None else self._kept[0])
        if self._kept is not None:
            key, value = self._kept
            self._kept = key.index_select(0, rows), value.index_select(0, rows)

    def attend(
        self,
        attention: MultiHeadAttention,
        query: Tensor,
        key: Tensor,
        value: Tensor | None = None,
        **options,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Call ``attention`` on the memory of the first call, whatever the memory of this one.

        Arguments, result and errors are as :meth:`MultiHeadAttention.forward` has them.
        """
        if self._kept is None:
            query, *self._kept = attention.to_heads(query, key, value)
        else:
            query = attention.query_heads(query)
        return attention.from_heads(query, *self._kept, **options)


class Cache:
    """The caches of a whole model: for every layer one for itself and one for the memory.

    Args:
        num_layers: layers of the decoder, at least 1.
        capacity: as :class:`KVCache`.

    Raises:
        ValueError: fewer than one layer, or a capacity below 1.
    """

    def __init__(self, num_layers: int, capacity: int = 64) -> None:
        check_sizes(num_layers=num_layers)
        self.layers = [(KVCache(capacity), MemoryCache()) for _ in range(num_layers)]

    @property
    def length(self) -> int:
        """How many positions the model has seen."""
        return self.layers[0][0].length

    def select(self, rows: Tensor) -> None:
        """Keep these rows in every layer; argument and errors as :meth:`KVCache.select`."""
        for own, memory in self.layers:
            own.select(rows)
            memory.select(rows)


def with_cache(attention: MultiHeadAttention, cache: KVCache | MemoryCache | None) -> Attention:
    """Give a function that is called like ``attention`` and keeps its keys and values in ``cache``.

    Without a cache it is ``attention`` itself.
    """
    return attention if cache is None else partial(cache.attend, attention)


def _check_rows(rows: Tensor, held: Tensor | None) -> None:
    if not isinstance(rows, Tensor):
        raise TypeError(
            f"rows is a {type(rows).__name__}; expected a tensor of indices: torch.tensor(rows)"
        )
    if rows.dtype != torch.int64:
        raise TypeError(
            f"rows has dtype {dtype_name(rows.dtype)}; expected int64 indices: a boolean mask "
            "gives them with .nonzero()[:, 0]"
        )
    if held is None or rows.device.type != "cpu":  # a GPU would have to wait for the answer
        return
    wrong = [row for row in rows.tolist() if not 0 <= row < len(held)]
    if wrong:
        raise IndexError(f"rows holds {wrong[0]}; expected 0 to {len(held) - 1}, rows of the batch")
