"""Multi-head attention: that of torch.nn, and what holds whatever attends inside it."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attention_lib.attention import MultiHeadAttention
from attention_lib.masks import padding_mask
from attention_lib.sliding_window import SlidingWindowAttention
from tests.reference import (
    ATTENDS,
    ATTENTIONS,
    allowed_by_hand,
    assert_equal,
    assert_same_gradients,
    count_parameters,
    draw,
    gradient,
    redraw,
    same_weights,
)

BATCH, HEADS, WIDTH, LENGTH_Q, LENGTH_K = 3, 4, 16, 5, 7
each_attention = pytest.mark.parametrize("name", ATTENTIONS)
each_bias = pytest.mark.parametrize("bias", [True, False])


def pair(bias=True, d_model=WIDTH, heads=HEADS, seed=0):
    ours = MultiHeadAttention(d_model, heads, bias=bias)
    return same_weights(
        ours, nn.MultiheadAttention(d_model, heads, bias=bias, batch_first=True), seed
    )


# --- torch.nn.MultiheadAttention ----------------------------------------------------------


def sequences(source):
    """Query, key and value as torch.nn takes them, and the arguments that mean the same here."""
    q = draw(BATCH, LENGTH_Q, WIDTH, seed=1, requires_grad=True)
    k, v = (draw(BATCH, LENGTH_K, WIDTH, seed=s, requires_grad=True) for s in (2, 3))
    other = draw(BATCH, LENGTH_Q, WIDTH, seed=4, requires_grad=True)
    return {
        "self": ((q, q, q), {}, (q,)),
        "cross": ((q, k, k), {"key": k}, (q, k)),
        "three": ((q, k, v), {"key": k, "value": v}, (q, k, v)),
        "other values": ((q, q, other), {"value": other}, (q, other)),
    }[source]


def both_masks(kind, length_k):
    """Our options, and torch.nn's: there True is "blocked"."""
    real = torch.arange(length_k) < torch.tensor([[length_k], [2], [length_k - 1]])
    causal = allowed_by_hand(LENGTH_Q, length_k)
    square = draw(LENGTH_Q, length_k, seed=5) > 0
    square[:, 1] = True
    heads = draw(BATCH, HEADS, LENGTH_Q, length_k, seed=6) > 0
    heads[..., 0] = True
    return {
        "none": ({}, {}),
        "causal": ({"is_causal": True}, {"attn_mask": ~causal}),
        "padding": ({"mask": padding_mask(real)}, {"key_padding_mask": ~real}),
        "boolean": ({"mask": square}, {"attn_mask": ~square}),
        "each head": ({"mask": heads}, {"attn_mask": ~heads.flatten(0, 1)}),
        "causal and padding": (
            {"is_causal": True, "mask": padding_mask(real)},
            {"attn_mask": ~causal, "key_padding_mask": ~real},
        ),
    }[kind]


MASKS = ("none", "causal", "padding", "boolean", "each head", "causal and padding")


@pytest.mark.parametrize("source", ["self", "cross", "three", "other values"])
@pytest.mark.parametrize("kind", MASKS)
@each_bias
def test_output_weights_and_gradients_are_those_of_torch_nn(source, kind, bias):
    ours, theirs = pair(bias)
    given_theirs, given_ours, inputs = sequences(source)
    our_mask, their_mask = both_masks(kind, given_theirs[1].size(1))

    expected, their_weights = theirs(*given_theirs, **their_mask, average_attn_weights=False)
    explicit, weights = ours(inputs[0], **given_ours, **our_mask, return_weights=True)
    fused = ours(inputs[0], **given_ours, **our_mask)
    assert weights.shape == (BATCH, HEADS, LENGTH_Q, given_theirs[1].size(1))
    assert_equal(weights, their_weights)
    for output in (explicit, fused):
        assert_equal(output, expected)
        assert_same_gradients(ours, theirs, output, theirs(*given_theirs, **their_mask)[0], inputs)


@each_bias
def test_parameters_are_as_many_as_those_of_torch_nn(bias):
    ours, theirs = pair(bias)
    assert count_parameters(ours) == count_parameters(theirs)
    assert count_parameters(ours) == 4 * WIDTH**2 + 4 * WIDTH * bias


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_output_is_that_of_torch_nn_for_any_sizes_and_mask(data):
    heads, d_head, batch, length_q, length_k = (
        data.draw(st.integers(1, 5), label=name) for name in ("h", "d", "b", "q", "k")
    )
    seed = data.draw(st.integers(0, 2**16), label="seed")
    ours, theirs = pair(data.draw(st.booleans(), label="bias"), heads * d_head, heads, seed)
    query = draw(batch, length_q, heads * d_head, seed=seed)
    key = draw(batch, length_k, heads * d_head, seed=seed + 1)
    mask = draw(batch, heads, length_q, length_k, seed=seed + 2) > 0
    mask[..., data.draw(st.integers(0, length_k - 1), label="allowed")] = True
    expected, _ = theirs(query, key, key, attn_mask=~mask.flatten(0, 1), need_weights=False)
    assert_equal(ours(query, key, mask=mask), expected)


@pytest.mark.parametrize("return_weights", [False, True])
def test_a_fully_masked_query_finds_nothing_but_the_bias(return_weights):
    ours, theirs = pair()
    x = draw(BATCH, LENGTH_Q, WIDTH, requires_grad=True)
    mask = draw(LENGTH_Q, LENGTH_Q, seed=5) > 0
    mask[:, 0] = True
    mask[2] = False
    found = ours(x, mask=mask, return_weights=return_weights)
    output = found[0] if return_weights else found
    if return_weights:
        assert (found[1][:, :, 2] == 0).all()
    assert_equal(output[:, 2], ours.out_map.bias.expand(BATCH, -1), 0)
    expected, _ = theirs(x, x, x, attn_mask=~mask)
    others = [0, 1, 3, 4]
    assert_equal(output[:, others], expected[:, others])
    for found in torch.autograd.grad(output.sum(), [x, *ours.parameters()]):
        assert found.isfinite().all()


# --- whatever attends ---------------------------------------------------------------------


def module(name, d_model=8, heads=2, seed=0):
    torch.manual_seed(0)
    return redraw(ATTENTIONS[name](d_model, heads), seed)


sizes = {
    "heads": st.sampled_from([2, 4]),
    "batch": st.integers(1, 3),
    "length": st.integers(2, 9),
    "seed": st.integers(0, 2**16),
}


@each_attention
@settings(deadline=None, max_examples=15)
@given(data=st.data(), **sizes)
def test_future_positions_change_neither_output_nor_gradient(
    name, data, heads, batch, length, seed
):
    layer = module(name, 4 * heads, heads, seed)
    x = draw(batch, length, 4 * heads, seed=seed)
    t = data.draw(st.integers(0, length - 2))
    changed = x.clone()
    changed[:, t + 1 :] = draw(batch, length - t - 1, 4 * heads, seed=seed + 1)
    output, weights = layer(x, is_causal=True, return_weights=True)
    assert (weights.triu(1) == 0).all()
    again, _ = layer(changed, is_causal=True, return_weights=True)
    assert torch.equal(output[:, : t + 1], again[:, : t + 1])
    assert not torch.equal(output[:, t + 1 :], again[:, t + 1 :])
    fused, fused_again = layer(x, is_causal=True), layer(changed, is_causal=True)
    assert torch.equal(fused[:, : t + 1], fused_again[:, : t + 1])
    (found,) = gradient(lambda x: layer(x, is_causal=True)[:, : t + 1], x.requires_grad_())
    assert (found[:, t + 1 :] == 0).all() and (found[:, t] != 0).any()


@each_attention
@settings(deadline=None, max_examples=15)
@given(data=st.data(), **sizes)
def test_padding_changes_neither_output_nor_gradient(name, data, heads, batch, length, seed):
    layer = module(name, 4 * heads, heads, seed)
    x = draw(batch, length, 4 * heads, seed=seed)
    real = torch.rand(batch, length, generator=torch.Generator().manual_seed(seed)) < 0.6
    real[:, data.draw(st.integers(0, length - 1))] = False
    real[:, data.draw(st.integers(0, length - 1))] = True
    options = {"mask": padding_mask(real), "is_causal": True}
    changed = torch.where(real[..., None], x, draw(*x.shape, seed=seed + 1))
    for return_weights in (False, True):
        one, two = (layer(x, **options, return_weights=return_weights) for x in (x, changed))
        if return_weights:
            assert (one[1].transpose(1, 3)[~real] == 0).all()
            one, two = one[0], two[0]
        assert torch.equal(one[real], two[real])
    (found,) = gradient(lambda x: layer(x, **options)[real], x.requires_grad_())
    assert (found[~real] == 0).all() and (found[real] != 0).any()


@each_attention
@settings(deadline=None, max_examples=15)
@given(**sizes)
def test_a_row_alone_is_that_row_of_a_padded_batch(name, heads, batch, length, seed):
    layer = module(name, 4 * heads, heads, seed)
    lengths = torch.randint(1, length + 1, (batch,), generator=torch.Generator().manual_seed(seed))
    x = draw(batch, length, 4 * heads, seed=seed)
    real = torch.arange(length) < lengths[:, None]
    together = layer(x, mask=padding_mask(real), is_causal=True)
    for row, n in enumerate(lengths.tolist()):
        assert_equal(together[row, :n], layer(x[row : row + 1, :n], is_causal=True)[0], 1e-12)


@each_attention
@pytest.mark.parametrize("return_weights", [False, True])
def test_gradients_are_those_of_finite_differences(name, return_weights):
    layer = module(name)
    mask = torch.rand(2, 1, 5, 5, generator=torch.Generator().manual_seed(0)) < 0.6
    mask[0, 0, 3] = False  # may attend to nothing
    names = [name for name, _ in layer.named_parameters()]

    def function(x, *values):
        state = dict(zip(names, values, strict=True))
        options = {"mask": mask, "is_causal": True, "return_weights": return_weights}
        return torch.func.functional_call(layer, state, x, options)

    x = draw(2, 5, 8, seed=1, requires_grad=True)
    values = [p.detach().requires_grad_() for p in layer.parameters()]
    assert torch.autograd.gradcheck(function, (x, *values))


# --- dtypes, dropout, copies --------------------------------------------------------------

HALVES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])


each_long = pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("plain", "causal"),
        ("plain", "padding"),
        ("plain", "causal padding"),
        ("rotary", "causal"),
        ("rotary", "padding"),
        ("ALiBi", "causal"),
        ("ALiBi", "causal padding"),
        ("window", "causal padding"),
    ],
)


LONG = ATTENDS | {"window": lambda heads: SlidingWindowAttention(256)}


def long_masks(hidden):
    mask = padding_mask(torch.arange(4096)[None] < 3000) if "padding" in hidden else None
    return {"mask": mask, "is_causal": "causal" in hidden}


@HALVES
@each_long
def test_long_inputs_and_scores_beyond_half_precision_stay_finite(name, hidden, dtype):
    torch.manual_seed(0)
    layer = MultiHeadAttention(64, 2, attend=LONG[name](2)).to(dtype)
    x = (200 * torch.randn(1, 4096, 64)).to(dtype)
    q, k, _ = layer.to_heads(x)
    assert (q[0, 0, 0].float() @ k[0, 0].float().T).abs().max() > 65504, "more than float16 holds"
    with torch.no_grad():
        assert layer(x, **long_masks(hidden)).isfinite().all()
    part = x[:, :256].clone().requires_grad_()
    mask = torch.arange(256) >= 50  # with is_causal, the first queries see nothing
    layer(part, mask=mask, is_causal="causal" in hidden).sum().backward()
    assert part.grad.isfinite().all() and (part.grad != 0).any()


@HALVES
@each_long
def test_half_precision_at_length_4096_is_close_to_float32(name, hidden, dtype):
    q, k, v = (draw(1, 4, 4096, 32, seed=s, dtype=dtype) for s in range(3))
    attend = LONG[name](4)
    output = attend(q, k, v, **long_masks(hidden))
    assert output.dtype == dtype
    expected = attend(q.float(), k.float(), v.float(), **long_masks(hidden))
    tolerance = {torch.float16: 4e-3, torch.bfloat16: 3e-2}[dtype]
    assert (output.float() - expected).abs().max() <= tolerance * expected.abs().max()


@each_attention
def test_a_model_moved_to_another_dtype_goes_on_there(name):
    layer = module(name)
    x = draw(2, 6, 8)
    expected = layer(x, is_causal=True)
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.1), (torch.float64, 0.1)):
        output = layer.to(dtype)(x.to(dtype), is_causal=True)
        assert output.dtype == dtype
        assert_equal(output.double(), expected, tolerance)


@each_attention
def test_autocast_computes_in_half_precision_whatever_comes_in(name):
    layer = module(name).float()
    x = draw(2, 6, 8, dtype=torch.float32, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        output = layer(x, is_causal=True)
        mixed = layer(x.bfloat16(), x, is_causal=True)
    assert output.dtype == mixed.dtype == torch.bfloat16
    for found in (output, mixed):
        assert_equal(found.float(), layer(x, is_causal=True), 0.1)
    for found in torch.autograd.grad(output.sum(), [x, *layer.parameters()]):
        assert found.isfinite().all() and found.dtype == torch.float32


@each_attention
def test_dropout_acts_in_training_alone_and_not_on_returned_weights(name):
    layer = module(name)
    x = draw(2, 6, 8)
    expected, weights = layer.train()(x, is_causal=True, return_weights=True)
    assert torch.equal(layer.eval()(x, is_causal=True, return_weights=True)[0], expected), "p = 0"
    layer.dropout = 0.5
    plain = layer(x, is_causal=True)
    assert torch.equal(plain, layer(x, is_causal=True)), "evaluating draws nothing"
    assert_equal(plain, expected)
    layer.train()
    dropped, same_weights = layer(x, is_causal=True, return_weights=True)
    assert torch.equal(same_weights, weights)
    assert not torch.allclose(dropped, expected)
    assert not torch.allclose(layer(x, is_causal=True), expected), "the fused path drops too"


def test_dropout_keeps_the_expected_output():
    torch.manual_seed(0)
    layer = redraw(MultiHeadAttention(8, 2, dropout=0.3))
    x = draw(1, 6, 8)
    outputs = layer(x.expand(20_000, -1, -1))
    assert_equal(outputs.mean(0, keepdim=True), layer.eval()(x), 0.05)
    assert outputs.std(0).min() > 0.01


@each_attention
def test_state_is_the_maps_alone_and_loads_strictly(name):
    layer, other = module(name, seed=1), module(name, seed=2)
    maps = {"query", "key", "value"} if name.startswith("grouped") else {"in"}
    expected = {f"{m}_map.{part}" for m in maps | {"out"} for part in ("weight", "bias")}
    assert set(layer.state_dict()) == expected
    x = draw(2, 6, 8)
    expected = layer(x, is_causal=True)
    twin = copy.deepcopy(layer)
    assert not torch.equal(other(x, is_causal=True), expected)
    other.load_state_dict(layer.state_dict(), strict=True)
    with torch.no_grad():
        layer.out_map.weight.zero_()
    assert torch.equal(other(x, is_causal=True), expected)
    assert torch.equal(twin(x, is_causal=True), expected)


def test_key_and_value_default_to_query_and_key():
    layer = redraw(MultiHeadAttention(8, 2))
    x, memory = draw(2, 3, 8, seed=1), draw(2, 5, 8, seed=2)
    assert_equal(layer(x), layer(x, x.clone(), x.clone()), 1e-12)
    assert_equal(layer(x, memory), layer(x, memory, memory.clone()), 1e-12)


def test_one_batch_row_of_memory_serves_every_query():
    layer = redraw(MultiHeadAttention(8, 2))
    x, memory = draw(3, 4, 8, seed=1), draw(1, 5, 8, seed=2)
    assert_equal(layer(x, memory), layer(x, memory.expand(3, -1, -1)), 1e-12)


def test_scores_are_divided_by_the_root_of_d_head_not_of_d_model():
    layer = redraw(MultiHeadAttention(8, 2))
    x = draw(1, 3, 8)
    _, weights = layer(x, return_weights=True)
    w_q, w_k, _ = layer.in_map.weight.chunk(3)
    b_q, b_k, _ = layer.in_map.bias.chunk(3)
    for head in range(2):
        rows = slice(4 * head, 4 * head + 4)
        scores = (x[0] @ w_q[rows].T + b_q[rows]) @ (x[0] @ w_k[rows].T + b_k[rows]).T
        assert_equal(weights[0, head], torch.softmax(scores / math.sqrt(4), -1), 1e-12)


# --- bad input ----------------------------------------------------------------------------


def layer():
    return MultiHeadAttention(8, 2)


def x(*shape, **options):
    return torch.ones(shape or (2, 3, 8), **options)


# name: (call, error, what was given, what was expected, the likely fix)
BAD_INPUT = {
    "width not divisible": (
        lambda: MultiHeadAttention(130, 8),
        ValueError, "d_model=130", "not divisible by num_heads=8", "try num_heads=10",
    ),
    "no heads": (
        lambda: MultiHeadAttention(8, 0), ValueError, "num_heads=0", "at least 1", "",
    ),
    "negative width": (
        lambda: MultiHeadAttention(-8, 2), ValueError, "d_model=-8", "at least 1", "",
    ),
    "width as a float": (
        lambda: MultiHeadAttention(8.0, 2), TypeError, "d_model is 8.0", "an integer", "64",
    ),
    "heads as a string": (
        lambda: MultiHeadAttention(8, "2"), TypeError, "num_heads is '2'", "an integer", "",
    ),
    "dropout of one": (
        lambda: MultiHeadAttention(8, 2, dropout=1.0),
        ValueError, "dropout=1.0", r"in \[0, 1\)", "0.1",
    ),
    "dropout as a string": (
        lambda: MultiHeadAttention(8, 2, dropout="0.1"),
        TypeError, "dropout is a str", "expected a float", "0.1",
    ),
    "attend is not a function": (
        lambda: MultiHeadAttention(8, 2, attend="rotary"),
        TypeError, "attend is 'rotary'", "expected a function", "RotaryAttention",
    ),
    "attend is a class": (
        lambda: MultiHeadAttention(8, 2, attend=nn.Identity),
        TypeError, "attend is .*Identity", "expected a function", r"Identity\(",
    ),
    "another width": (
        lambda: layer()(x(2, 3, 7)),
        ValueError, r"query has shape \(2, 3, 7\)", r"\(batch, length, 8\)", "map it",
    ),
    "one sequence": (
        lambda: layer()(x(3, 8)),
        ValueError, r"query has shape \(3, 8\)", r"\(batch, length, 8\)", r"query\[None\]",
    ),
    "heads already split": (
        lambda: layer()(x(2, 2, 3, 8)),
        ValueError, r"query has shape \(2, 2, 3, 8\)", r"\(batch, length, 8\)", "",
    ),
    "a memory of another width": (
        lambda: layer()(x(), x(2, 5, 4)),
        ValueError, r"key has shape \(2, 5, 4\)", r"\(batch, length, 8\)", "map it",
    ),
    "no positions": (
        lambda: layer()(x(2, 0, 8)),
        ValueError, "query has shape", "at least one position", "drop empty sequences",
    ),
    "a list": (
        lambda: layer()([[1.0] * 8]), TypeError, "query is a list", "expected a torch.Tensor", "",
    ),
    "another dtype than the layer's": (
        lambda: layer()(x(dtype=torch.float64)),
        TypeError, "query has dtype float64", "expected float32", r"\.to\(",
    ),
    "token ids": (
        lambda: layer()(x(dtype=torch.int64)),
        TypeError, "query has dtype int64", "expected a float", "embed",
    ),
    "a value of another dtype": (
        lambda: layer()(x(), x(), x(dtype=torch.float16)),
        TypeError, "value has dtype float16", "expected float32", r"\.to\(",
    ),
    "another device than the layer's": (
        lambda: layer()(x(device="meta")),
        ValueError, "query .*meta", "expected .*cpu", r"\.to\(",
    ),
    "batches that differ": (
        lambda: layer()(x(), x(4, 3, 8)),
        ValueError, r"query \(2, 2, 3, 4\), key \(4, 2, 3, 4\)", "same batch", "",
    ),
    "lengths of key and value": (
        lambda: layer()(x(), x(2, 5, 8), x(2, 4, 8)),
        ValueError, "key has length 5 and value has length 4", "one value for every key", "same",
    ),
    "float mask": (
        lambda: layer()(x(), mask=x(3, 3)),
        TypeError, "mask has dtype float32", "masks are boolean", "converters",
    ),
    "padding without padding_mask": (
        lambda: layer()(x(), mask=x(2, 3).bool()),
        ValueError, r"mask has shape \(2, 3\)", r"\(2, 2, 3, 3\)", "padding_mask",
    ),
    "a mask for each batch row without heads": (
        lambda: layer()(x(4, 3, 8), mask=x(4, 3, 3).bool()),
        ValueError, r"mask has shape \(4, 3, 3\)", r"\(4, 2, 3, 3\)", r"mask\[:, None\]",
    ),
    "is_causal is a string": (
        lambda: layer()(x(), is_causal="no"),
        TypeError, "is_causal is 'no'", "True or False", "bool",
    ),
    "return_weights is a number": (
        lambda: layer()(x(), return_weights=1),
        TypeError, "return_weights is 1", "True or False", "bool",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    call, error, given_, expected, fix = BAD_INPUT[case]
    with pytest.raises(error, match=given_) as raised:
        call()
    for part in (expected, fix):
        assert raised.match(part)
