"""Grouped-query attention: several query heads share one head of keys and values.

The cache of a long text then shrinks by the size of a group.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from attention_lib.attention import MultiHeadAttention, dot_product_attention
from attention_lib.inputs import check_sequences
from attention_lib.settings import check_function, check_head_sizes, check_sizes

__all__ = ["GroupedQueryAttention"]


class GroupedQueryAttention(nn.Module):
    """:class:`MultiHeadAttention` with fewer heads of keys and values than of queries.

    Ainslie et al. (2023), "GQA", section 2.2. With ``num_kv_heads=1`` it is multi-query attention
    (Shazeer, 2019); with ``num_kv_heads=num_heads`` multi-head attention. It takes the place of
    one: ``layer.self_attention = GroupedQueryAttention(...)``.

    Args:
        d_model: width of queries, keys, values and output.
        num_heads: heads of queries; a divisor of ``d_model``.
        num_kv_heads: heads of keys and values; a divisor of ``num_heads``. Query heads
            ``0 .. num_heads / num_kv_heads - 1`` share the first.
        bias, dropout, attend: as :class:`MultiHeadAttention`.

    Raises:
        ValueError: as :class:`MultiHeadAttention`, or heads that cannot be grouped evenly.
    """

    def __init__(
        self,
        d_model: int,
        num_heads: int,
        num_kv_heads: int,
        *,
        bias: bool = True,
        dropout: float = 0.0,
        attend: Callable[..., Tensor | tuple[Tensor, Tensor]] = dot_product_attention,
    ) -> None:
        super().__init__()
        check_head_sizes(d_model, num_heads, dropout)
        check_function("attend", attend)
        check_sizes(num_kv_heads=num_kv_heads)
        if num_heads % num_kv_heads:
            raise ValueError(
                f"num_kv_heads={num_kv_heads}; expected a divisor of num_heads={num_heads}: every "
                "head of keys serves as many heads of queries"
            )
        self.d_model, self.num_heads, self.num_kv_heads = d_model, num_heads, num_kv_heads
        self.dropout, self.attend = dropout, attend
        d_kv = d_model // num_heads * num_kv_heads
        self.query_map = nn.Linear(d_model, d_model, bias=bias)
        self.key_map = nn.Linear(d_model, d_kv, bias=bias)
        self.value_map = nn.Linear(d_model, d_kv, bias=bias)
        self.out_map = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None, **options
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attend; arguments, result and errors as :meth:`MultiHeadAttention.forward`."""
        return self.from_heads(*self.to_heads(query, key, value), **options)

    def to_heads(
        self, query: Tensor, key: Tensor | None = None, value: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Map to queries ``(batch, num_heads, T_q, d_head)``, keys and values in fewer heads.

        Arguments and errors as :meth:`forward`; keys and values are
        ``(batch, num_kv_heads, T_k, d_head)``.
        """
        key = query if key is None else key
        value = key if value is None else value
        like = self.query_map.weight
        check_sequences(self.d_model, like=like, query=query, key=key, value=value)
        keys, values = (
            x.unflatten(-1, (self.num_kv_heads, -1)).transpose(1, 2)
            for x in (self.key_map(key), self.value_map(value))
        )
        return self.query_heads(query), keys, values

    def query_heads(self, query: Tensor) -> Tensor:
        """Map to queries alone, as :meth:`MultiHeadAttention.query_heads`."""
        check_sequences(self.d_model, like=self.query_map.weight, query=query)
        return self.query_map(query).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def from_heads(
        self, query: Tensor, key: Tensor, value: Tensor, **options
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Repeat each head of keys and values for its group; the rest is as with many heads.

        Args:
            query, key, value: as :meth:`to_heads` gives them.
            options: as :meth:`MultiHeadAttention.from_heads`, and so is the result.
        """
        group = self.num_heads // self.num_kv_heads
        key, value = (x.repeat_interleave(group, dim=1) for x in (key, value))
        return MultiHeadAttention.from_heads(self, query, key, value, **options)
