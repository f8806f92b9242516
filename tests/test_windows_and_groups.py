"""Sliding windows are masks at a lower price; grouped heads are repeated heads."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_lib.attention import MultiHeadAttention, dot_product_attention
from attention_lib.cache import KVCache
from attention_lib.grouped_query import GroupedQueryAttention
from attention_lib.masks import padding_mask
from attention_lib.positions import RotaryAttention
from attention_lib.sliding_window import SlidingWindowAttention
from tests.reference import (
    allowed_by_hand,
    assert_equal,
    count_parameters,
    draw,
    gradient,
    redraw,
)

seeds = st.integers(0, 2**16)

# --- sliding windows ----------------------------------------------------------------------


@st.composite
def windows(draw_):
    """Lengths, a window, and a mask of any shape that broadcasts to the scores."""
    batch, heads = draw_(st.integers(1, 3)), draw_(st.integers(1, 3))
    length_q, length_k = draw_(st.integers(1, 12)), draw_(st.integers(1, 14))
    seed, mask = draw_(seeds), None
    if draw_(st.booleans()):
        full = (batch, heads, length_q, length_k)
        shape = [size if draw_(st.booleans()) else 1 for size in full]
        shape = shape[draw_(st.integers(0, 4)) :]
        mask = torch.rand(shape, generator=torch.Generator().manual_seed(seed)) < 0.7
    return batch, heads, length_q, length_k, draw_(st.integers(1, 15)), mask, seed


@settings(deadline=None, max_examples=200)
@given(windows())
def test_a_window_is_dot_product_attention_with_the_mask_of_a_window(problem):
    batch, heads, length_q, length_k, window, mask, seed = problem
    query = draw(batch, heads, length_q, 6, seed=seed, requires_grad=True)
    key = draw(batch, heads, length_k, 6, seed=seed + 1, requires_grad=True)
    value = draw(batch, heads, length_k, 3, seed=seed + 2, requires_grad=True)
    allowed = allowed_by_hand(length_q, length_k, window)
    allowed = allowed if mask is None else allowed & mask
    attend = SlidingWindowAttention(window)

    def near(query, key, value):
        return attend(query, key, value, mask=mask, is_causal=True)

    def masked(query, key, value):
        return dot_product_attention(query, key, value, mask=allowed)

    expected = masked(query, key, value)
    assert_equal(near(query, key, value), expected)
    output, weights = attend(query, key, value, mask=mask, is_causal=True, return_weights=True)
    assert_equal(output, expected)
    full = (batch, heads, length_q, length_k)
    assert weights.shape == full and (weights[~allowed.expand(full)] == 0).all()
    for one, two in zip(
        gradient(near, query, key, value), gradient(masked, query, key, value), strict=True
    ):
        assert_equal(one, two)


@pytest.mark.parametrize(("scale", "dimensions"), [(0.3, 4), (None, 3), (None, 2)])
def test_scale_and_fewer_dimensions_work_in_a_window(scale, dimensions):
    x = draw(2, 2, 7, 4)[(0,) * (4 - dimensions)]
    expected = dot_product_attention(x, x, x, mask=allowed_by_hand(7, 7, 3), scale=scale)
    assert_equal(SlidingWindowAttention(3)(x, x, x, is_causal=True, scale=scale), expected)


def test_keys_far_outside_the_window_are_never_touched():
    x = draw(1, 1, 40, 4)
    expected = SlidingWindowAttention(5)(x, x, x, is_causal=True)
    spoilt = x.clone()
    spoilt[:, :, :10] = torch.nan
    output = SlidingWindowAttention(5)(x, spoilt, spoilt, is_causal=True)
    assert torch.equal(output[:, :, 20:], expected[:, :, 20:])


def test_what_a_window_hides_has_no_gradient():
    query, key, value = (draw(1, 2, 9, 4, seed=s, requires_grad=True) for s in range(3))
    last = SlidingWindowAttention(3)(query, key, value, is_causal=True)[:, :, 8]
    for of, first in zip(
        torch.autograd.grad(last.sum(), (query, key, value)), (8, 6, 6), strict=True
    ):
        assert (of[:, :, :first] == 0).all() and (of[:, :, first:] != 0).any()


def test_each_layer_of_windows_hears_one_window_further_back():
    torch.manual_seed(0)
    layers = [redraw(MultiHeadAttention(8, 2, attend=SlidingWindowAttention(3)), s) for s in (1, 2)]
    x = draw(1, 9, 8, requires_grad=True)
    y = layers[1](layers[0](x, is_causal=True), is_causal=True)
    (found,) = torch.autograd.grad(y[:, 8].sum(), x)
    assert (found[:, :4] == 0).all(), "2 layers reach 2 * (3 - 1) positions back"
    assert (found[:, 4:] != 0).any(dim=-1).all()


def test_dropout_acts_inside_a_window():
    torch.manual_seed(0)
    x = draw(1, 1, 9, 4)
    attend = SlidingWindowAttention(3)
    expected, weights = attend(x, x, x, is_causal=True, return_weights=True)
    dropped, same = attend(x, x, x, is_causal=True, return_weights=True, dropout=0.5)
    assert torch.equal(weights, same) and not torch.allclose(dropped, expected)
    many = x.expand(20_000, -1, -1, -1)
    outputs = attend(many, many, many, is_causal=True, dropout=0.3)
    assert_equal(outputs.mean(0, keepdim=True), expected, 0.05)
    assert outputs.std(0).min() > 0.01


# --- grouped heads ------------------------------------------------------------------------

groups = pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (4, 2), (4, 1), (6, 3), (6, 2)])


def with_repeated_heads(grouped):
    """MultiHeadAttention that has each head of keys and values once for every query head."""
    size = grouped.num_heads // grouped.num_kv_heads
    wide = MultiHeadAttention(
        grouped.d_model,
        grouped.num_heads,
        bias=grouped.query_map.bias is not None,
        attend=grouped.attend,
    ).double()
    d_head = grouped.d_model // grouped.num_heads

    def repeated(rows):
        parts = rows.split(d_head)
        return torch.cat([part for part in parts for _ in range(size)])

    with torch.no_grad():
        for name, rows in wide.in_map.named_parameters():
            maps = [getattr(grouped, f"{m}_map") for m in ("query", "key", "value")]
            query, key, value = (getattr(layer, name) for layer in maps)
            rows.copy_(torch.cat([query, repeated(key), repeated(value)]))
    wide.out_map.load_state_dict(grouped.out_map.state_dict())
    return wide


@groups
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("attend", [dot_product_attention, RotaryAttention()])
@pytest.mark.parametrize("cross", [False, True])
def test_grouped_heads_are_many_heads_whose_keys_and_values_repeat(
    heads, kv_heads, bias, attend, cross
):
    grouped = redraw(GroupedQueryAttention(24, heads, kv_heads, bias=bias, attend=attend))
    wide = with_repeated_heads(grouped)
    x = draw(2, 5, 24, requires_grad=True)
    memory = (draw(2, 7, 24, seed=1),) if cross else ()
    mask = draw(2, heads, 5, 7 if cross else 5, seed=2) > -0.5
    options = {"mask": mask, "is_causal": not cross, "return_weights": True}
    output, weights = grouped(x, *memory, **options)
    expected, same = wide(x, *memory, **options)
    assert_equal(output, expected)
    assert_equal(weights, same)
    assert_equal(grouped(x, *memory, mask=mask, is_causal=not cross), expected)

    upstream = draw(2, 5, 24, seed=3)
    own = torch.autograd.grad(output, [x, *grouped.parameters()], upstream)
    names = ["input", *(name for name, _ in grouped.named_parameters())]
    own = dict(zip(names, own, strict=True))
    theirs = torch.autograd.grad(expected, [x, *wide.parameters()], upstream)
    names = ["input", *(name for name, _ in wide.named_parameters())]
    theirs = dict(zip(names, theirs, strict=True))
    for name in ("input", "out_map.weight"):
        assert_equal(own[name], theirs[name])
    for part in ("weight", "bias") if bias else ("weight",):
        of_query, of_key, of_value = theirs[f"in_map.{part}"].split(24)
        assert_equal(own[f"query_map.{part}"], of_query)
        for name, found in (("key", of_key), ("value", of_value)):
            summed = found.unflatten(0, (kv_heads, heads // kv_heads, 24 // heads)).sum(1)
            assert_equal(own[f"{name}_map.{part}"], summed.flatten(0, 1))


@groups
def test_keys_and_values_of_fewer_heads_have_fewer_parameters_and_fill_less_of_a_cache(
    heads, kv_heads
):
    layer = GroupedQueryAttention(24, heads, kv_heads)
    d_kv = 24 // heads * kv_heads
    assert count_parameters(layer) == 2 * (24 * 24 + 24) + 2 * (24 * d_kv + d_kv)
    cache = KVCache()
    with torch.no_grad():
        cache.attend(layer, torch.zeros(2, 5, 24), is_causal=True)
        no_position = torch.zeros(2, kv_heads, 0, 24 // heads)
        keys, values = cache.append(no_position, no_position)
    assert keys.shape == values.shape == (2, kv_heads, 5, 24 // heads)


@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("family", ["llama", "mistral"])
def test_grouped_rotary_heads_are_those_of(family, kv_heads):
    from transformers.models.llama import modeling_llama as llama
    from transformers.models.mistral import modeling_mistral as mistral

    sizes = {
        "hidden_size": 32,
        "num_attention_heads": 4,
        "num_key_value_heads": kv_heads,
        "head_dim": 8,
        "attn_implementation": "sdpa",
    }
    if family == "llama":
        theirs, window = llama.LlamaAttention(llama.LlamaConfig(**sizes), layer_idx=0), None
        attend = RotaryAttention()
    else:
        config, window = mistral.MistralConfig(**sizes, sliding_window=3), 3
        theirs = mistral.MistralAttention(config, layer_idx=0)
        attend = RotaryAttention(attend=SlidingWindowAttention(3))
    ours = redraw(GroupedQueryAttention(32, 4, kv_heads, bias=False, attend=attend))
    names = {"q_proj": "query_map", "k_proj": "key_map", "v_proj": "value_map", "o_proj": "out_map"}
    theirs.double().load_state_dict(
        {f"{their}.weight": getattr(ours, name).weight for their, name in names.items()}
    )
    x = draw(2, 9, 32, requires_grad=True)
    angles = [[t * 10_000 ** (-i / 4) for i in range(4)] * 2 for t in range(9)]
    angles = torch.tensor(angles, dtype=torch.float64)[None]
    real = torch.arange(9) < torch.tensor([[9], [6]])
    mask = allowed_by_hand(9, 9, window) & real[:, None, None]
    theirs_of = [theirs(x, (angles.cos(), angles.sin()), mask)[0]]
    output = ours(x, mask=padding_mask(real), is_causal=True)
    rows = mask.any(-1)[:, 0]  # theirs gives a fully masked query the mean of the values
    assert_equal(output[rows], theirs_of[0][rows])
    (one,) = torch.autograd.grad(output[rows].sum(), x)
    (two,) = torch.autograd.grad(theirs_of[0][rows].sum(), x)
    assert_equal(one, two)


@settings(deadline=None, max_examples=30)
@given(kv=st.integers(1, 3), group=st.integers(1, 3), d_head=st.integers(1, 4), seed=seeds)
def test_query_heads_share_the_keys_of_their_own_group(kv, group, d_head, seed):
    width = kv * group * d_head
    layer = redraw(GroupedQueryAttention(width, kv * group, kv), seed)
    x = draw(1, 4, width, seed=seed)
    _, weights = layer(x, return_weights=True)
    for head in range(kv * group):
        rows = slice(head * d_head, (head + 1) * d_head)
        shared = slice(head // group * d_head, (head // group + 1) * d_head)
        q = x[0] @ layer.query_map.weight[rows].T + layer.query_map.bias[rows]
        k = x[0] @ layer.key_map.weight[shared].T + layer.key_map.bias[shared]
        assert_equal(weights[0, head], torch.softmax(q @ k.T / math.sqrt(d_head), -1), 1e-12)


# --- bad input ----------------------------------------------------------------------------


def x(*shape, **options):
    return torch.ones(shape or (2, 2, 5, 4), **options)


def near(*tensors, window=3, **options):
    tensors = tensors or (x(),) * 3
    return SlidingWindowAttention(window)(*tensors, **({"is_causal": True} | options))


def grouped(*tensors, **options):
    return GroupedQueryAttention(8, 4, 2)(*(tensors or (x(2, 3, 8),)), **options)


# name: (call, error, what was given, what was expected, the likely fix)
BAD_INPUT = {
    "no window": (
        lambda: SlidingWindowAttention(0), ValueError, "window=0", "at least 1", "",
    ),
    "window as a float": (
        lambda: SlidingWindowAttention(2.5), TypeError, "window is 2.5", "an integer", "",
    ),
    "window as a string": (
        lambda: SlidingWindowAttention("3"), TypeError, "window is '3'", "an integer", "",
    ),
    "attend is not a function": (
        lambda: SlidingWindowAttention(3, attend=3),
        TypeError, "attend is 3", "expected a function", "",
    ),
    "a window that is not causal": (
        lambda: near(is_causal=False), ValueError, "is_causal=False", "is_causal=True", "back",
    ),
    "is_causal as a string": (
        lambda: near(is_causal="no"), TypeError, "is_causal is 'no'", "True or False", "",
    ),
    "return_weights as a number": (
        lambda: near(return_weights=1), TypeError, "return_weights is 1", "True or False", "",
    ),
    "float mask": (
        lambda: near(mask=x(5, 5)),
        TypeError, "mask has dtype float32", "masks are boolean", "converters",
    ),
    "integer mask": (
        lambda: near(mask=x(5, 5).long()),
        TypeError, "mask has dtype int64", "masks are boolean", "converters",
    ),
    "mask as a list": (
        lambda: near(mask=[[True]]), TypeError, "mask is a list", "masks are boolean", "",
    ),
    "a mask with more keys": (
        lambda: near(mask=x(5, 9).bool()),
        ValueError, r"mask has shape \(5, 9\)", r"\(2, 2, 5, 5\)", "",
    ),
    "a mask with fewer keys": (
        lambda: near(mask=x(5, 4).bool()),
        ValueError, r"mask has shape \(5, 4\)", r"\(2, 2, 5, 5\)", "",
    ),
    "a mask with more queries": (
        lambda: near(mask=x(9, 5).bool()),
        ValueError, r"mask has shape \(9, 5\)", r"\(2, 2, 5, 5\)", "",
    ),
    "a mask with fewer queries": (
        lambda: near(mask=x(4, 5).bool()),
        ValueError, r"mask has shape \(4, 5\)", r"\(2, 2, 5, 5\)", "",
    ),
    "padding without padding_mask": (
        lambda: near(x(4, 2, 5, 4), x(4, 2, 5, 4), x(4, 2, 5, 4), mask=x(4, 5).bool()),
        ValueError, r"mask has shape \(4, 5\)", r"\(4, 2, 5, 5\)", "padding_mask",
    ),
    "a mask with more keys, and weights": (
        lambda: near(mask=x(5, 9).bool(), return_weights=True),
        ValueError, r"mask has shape \(5, 9\)", r"\(2, 2, 5, 5\)", "",
    ),
    "lengths of key and value": (
        lambda: near(x(), x(), x(2, 2, 9, 4)),
        ValueError, "key has length 5 and value has length 9", "one value for every key", "",
    ),
    "no positions": (
        lambda: near(x(2, 2, 0, 4), x(), x()),
        ValueError, r"query has shape \(2, 2, 0, 4\)", "at least one position", "",
    ),
    "lists": (
        lambda: near([1.0], [1.0], [1.0]), TypeError, "query is a list", "torch.Tensor", "",
    ),
    "heads that cannot be grouped": (
        lambda: GroupedQueryAttention(8, 4, 3),
        ValueError, "num_kv_heads=3", "a divisor of num_heads=4", "",
    ),
    "more heads of keys": (
        lambda: GroupedQueryAttention(8, 4, 8),
        ValueError, "num_kv_heads=8", "a divisor of num_heads=4", "",
    ),
    "no heads of keys": (
        lambda: GroupedQueryAttention(8, 4, 0), ValueError, "num_kv_heads=0", "at least 1", "",
    ),
    "heads of keys as a float": (
        lambda: GroupedQueryAttention(8, 4, 2.0),
        TypeError, "num_kv_heads is 2.0", "an integer", "",
    ),
    "width not divisible": (
        lambda: GroupedQueryAttention(10, 4, 2),
        ValueError, "d_model=10", "not divisible by num_heads=4", "try num_heads=5",
    ),
    "dropout of one": (
        lambda: GroupedQueryAttention(8, 4, 2, dropout=1.0),
        ValueError, "dropout=1.0", r"in \[0, 1\)", "",
    ),
    "query of another width": (
        lambda: grouped(x(2, 3, 7)),
        ValueError, r"query has shape \(2, 3, 7\)", r"\(batch, length, 8\)", "",
    ),
    "key of another width": (
        lambda: grouped(x(2, 3, 8), x(2, 3, 7)),
        ValueError, r"key has shape \(2, 3, 7\)", r"\(batch, length, 8\)", "",
    ),
    "query as a list": (
        lambda: grouped([1.0]), TypeError, "query is a list", "torch.Tensor", "",
    ),
    "another dtype than the layer's": (
        lambda: grouped(x(2, 3, 8, dtype=torch.float64)),
        TypeError, "query has dtype float64", "expected float32", r"\.to\(",
    ),
    "float mask of grouped heads": (
        lambda: grouped(mask=x(3, 3)),
        TypeError, "mask has dtype float32", "masks are boolean", "converters",
    ),
    "mask for the heads of keys": (
        lambda: grouped(mask=x(2, 2, 3, 3).bool()),
        ValueError, r"mask has shape \(2, 2, 3, 3\)", r"\(2, 4, 3, 3\)", "",
    ),
    "an option it does not have": (
        lambda: grouped(causal=True), TypeError, "causal", "", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    call, error, given_, expected, fix = BAD_INPUT[case]
    with pytest.raises(error, match=given_) as raised:
        call()
    for part in (expected, fix):
        assert raised.match(part)
