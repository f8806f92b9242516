"""Positions: waves and learned vectors added to embeddings, rotations and slopes inside scores."""

import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_lib.attention import MultiHeadAttention, dot_product_attention
from attention_lib.positions import (
    ALiBiAttention,
    LearnedPositions,
    RotaryAttention,
    SinusoidalPositions,
    alibi_slopes,
    rotate,
    sinusoids,
)
from attention_lib.sliding_window import SlidingWindowAttention
from tests.reference import (
    allowed_by_hand,
    assert_equal,
    draw,
    gradient,
    redraw,
    written_attention,
    written_rotation,
    written_sinusoids,
)

seeds = st.integers(0, 2**16)

# --- added to the embeddings --------------------------------------------------------------


@pytest.mark.parametrize(("length", "d_model"), [(1, 2), (7, 6), (50, 16), (600, 8)])
def test_sinusoids_are_those_of_the_paper(length, d_model):
    table = sinusoids(length, d_model)
    assert table.dtype == torch.float64 and table.shape == (length, d_model)
    assert_equal(table, written_sinusoids(length, d_model), 1e-11)


@settings(deadline=None, max_examples=30)
@given(width=st.integers(1, 10), k=st.integers(0, 40))
def test_a_step_of_k_turns_every_row_of_sinusoids_alike(width, k):
    table = sinusoids(60, 2 * width)
    step = torch.zeros(2 * width, 2 * width, dtype=torch.float64)  # one turn for each wave
    for i in range(width):
        angle = k / 10_000 ** (i / width)
        turn = [[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]]
        step[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = torch.tensor(turn)
    assert_equal(table[k:], table[: 60 - k] @ step.T, 1e-6)


@settings(deadline=None, max_examples=30)
@given(length=st.integers(1, 40), start=st.integers(0, 1200), width=st.integers(1, 6), seed=seeds)
def test_sinusoidal_positions_add_the_rows_from_start_on(length, start, width, seed):
    x = draw(2, length, 2 * width, seed=seed)
    expected = x + written_sinusoids(start + length, 2 * width)[start:]
    layer = SinusoidalPositions(2 * width)
    assert_equal(layer(x, start=start), expected, 1e-9)
    assert_equal(layer(x), x + written_sinusoids(length, 2 * width), 1e-9)


def test_sinusoidal_positions_are_precise_after_other_dtypes_and_longer_inputs():
    layer = SinusoidalPositions(4).to(torch.bfloat16)
    assert layer(draw(1, 3, 4, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert layer(draw(1, 3, 4, dtype=torch.float32)).dtype == torch.float32
    assert_equal(layer(draw(1, 3, 4)) - draw(1, 3, 4), written_sinusoids(3, 4)[None])
    long = torch.zeros(1, 1500, 4, dtype=torch.float64)
    assert_equal(layer.double()(long)[0], written_sinusoids(1500, 4))


def test_sinusoidal_positions_made_under_inference_serve_in_training():
    layer = SinusoidalPositions(4)
    with torch.inference_mode():
        layer(torch.zeros(1, 700, 4, dtype=torch.float64))
    x = draw(1, 700, 4, requires_grad=True)
    (found,) = torch.autograd.grad((layer(x) ** 2).sum(), x)
    assert_equal(found, 2 * (x + written_sinusoids(700, 4)))


@settings(deadline=None, max_examples=30)
@given(length=st.integers(1, 8), start=st.integers(0, 4), seed=seeds)
def test_learned_positions_add_the_vectors_from_start_on(length, start, seed):
    layer = redraw(LearnedPositions(12, 6), seed)
    x = draw(2, length, 6, seed=seed)
    expected = torch.stack([x[:, t] + layer.table.weight[start + t] for t in range(length)], 1)
    assert_equal(layer(x, start=start), expected, 1e-12)
    (found,) = torch.autograd.grad(layer(x, start=start).sum(), layer.table.weight)
    used = (torch.arange(12) >= start) & (torch.arange(12) < start + length)
    assert torch.equal(found, 2.0 * used[:, None].expand(12, 6).double()), "one for each batch row"


def test_only_learned_positions_have_state():
    assert SinusoidalPositions(4).state_dict() == {}
    assert RotaryAttention().state_dict() == {}
    assert ALiBiAttention(4).state_dict() == {}
    assert set(LearnedPositions(3, 4).state_dict()) == {"table.weight"}
    one, two = redraw(LearnedPositions(3, 4), 1), redraw(LearnedPositions(3, 4), 2)
    two.load_state_dict(one.state_dict(), strict=True)
    assert torch.equal(two(draw(1, 3, 4)), one(draw(1, 3, 4)))


@pytest.mark.parametrize("layer", [SinusoidalPositions(4), redraw(LearnedPositions(5, 4))])
def test_added_positions_pass_gradients_and_copies_are_equal(layer):
    x = draw(2, 3, 4, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: layer(x, start=2), x)
    assert torch.equal(copy.deepcopy(layer)(x), layer(x))


# --- rotary -------------------------------------------------------------------------------

BASES = st.sampled_from([10_000.0, 500_000.0, 7.0])


@settings(deadline=None, max_examples=60)
@given(
    length=st.integers(1, 8),
    half=st.integers(1, 6),
    start=st.integers(-5, 5000),
    base=BASES,
    seed=seeds,
)
def test_rotation_multiplies_complex_numbers_and_keeps_lengths(length, half, start, base, seed):
    x = draw(2, 3, length, 2 * half, seed=seed)
    turned = rotate(x, start=start, base=base)
    assert_equal(turned, written_rotation(x, start, base))
    assert_equal(turned.norm(dim=-1), x.norm(dim=-1), 1e-12)
    pairs = torch.stack(turned.chunk(2, dim=-1)).norm(dim=0)
    assert_equal(pairs, torch.stack(x.chunk(2, dim=-1)).norm(dim=0), 1e-12)


def test_position_0_is_not_turned_and_neighbours_are_turned_by_one_radian():
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    expected = torch.tensor([[1.0, 0.0], [math.cos(1), math.sin(1)]], dtype=torch.float64)
    assert_equal(rotate(x), expected, 1e-12)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_far_positions_are_exact_in_half_precision(dtype):
    x = draw(1, 4, 16, dtype=dtype)
    turned = rotate(x, start=8_001)
    assert turned.dtype == dtype
    expected = written_rotation(x.double(), 8_001)
    assert_equal(turned.double(), expected, torch.finfo(dtype).eps)


@settings(deadline=None, max_examples=40)
@given(shift=st.integers(0, 3000), distance=st.integers(0, 50), base=BASES, seed=seeds)
def test_rotary_scores_depend_on_the_distance_alone(shift, distance, base, seed):
    query, key = draw(1, 8, seed=seed), draw(1, 8, seed=seed + 1)

    def score(at):
        turned = rotate(query, start=at + distance, base=base), rotate(key, start=at, base=base)
        return (turned[0] @ turned[1].T).item()

    assert score(shift) == pytest.approx(score(0), abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(
    length_q=st.integers(1, 6),
    earlier=st.integers(0, 5),
    is_causal=st.booleans(),
    base=BASES,
    seed=seeds,
)
def test_rotary_attention_is_attention_between_turned_vectors(
    length_q, earlier, is_causal, base, seed
):
    length_k = length_q + earlier
    query = draw(2, 3, length_q, 6, seed=seed)
    key, value = (draw(2, 3, length_k, 6, seed=seed + i) for i in (1, 2))
    allowed = allowed_by_hand(length_q, length_k)
    allowed = allowed if is_causal else torch.ones_like(allowed)
    expected = written_attention(
        written_rotation(query, earlier, base), written_rotation(key, 0, base), value, allowed
    )
    attend = RotaryAttention(base)
    assert_equal(attend(query, key, value, is_causal=is_causal), expected)
    output, weights = attend(query, key, value, is_causal=is_causal, return_weights=True)
    assert_equal(output, expected)
    assert_equal(weights @ value, expected)


def test_rotary_heads_are_those_of_llama():
    """Their maps, their rotation; in float64 with cosines of ours, in float32 with theirs."""
    from transformers.models.llama import modeling_llama as llama

    config = llama.LlamaConfig(
        hidden_size=32,
        num_attention_heads=4,
        num_key_value_heads=4,
        attention_bias=True,
        attn_implementation="sdpa",
    )
    ours = redraw(MultiHeadAttention(32, 4, attend=RotaryAttention()))
    theirs = llama.LlamaAttention(config, layer_idx=0).double()
    maps = {"q": 0, "k": 1, "v": 2}
    state = {
        f"{name}_proj.{part}": getattr(ours.in_map, part).chunk(3)[i]
        for name, i in maps.items()
        for part in ("weight", "bias")
    } | {f"o_proj.{part}": getattr(ours.out_map, part) for part in ("weight", "bias")}
    theirs.load_state_dict(state, strict=True)

    x = draw(2, 9, 32, requires_grad=True)
    causal = allowed_by_hand(9, 9)[None, None]
    angles = [[t * 10_000 ** (-i / 4) for i in range(4)] * 2 for t in range(9)]
    angles = torch.tensor(angles, dtype=torch.float64)[None]
    expected, _ = theirs(x, (angles.cos(), angles.sin()), causal)
    output = ours(x, is_causal=True)
    assert_equal(output, expected)
    upstream = draw(*x.shape, seed=9)
    for one, two in zip(
        torch.autograd.grad(output, x, upstream),
        torch.autograd.grad(expected, x, upstream),
        strict=True,
    ):
        assert_equal(one, two)

    waves = llama.LlamaRotaryEmbedding(config)(x.float(), torch.arange(9)[None])
    expected, _ = theirs.float()(x.float(), waves, causal)
    assert_equal(ours.float()(x.float(), is_causal=True), expected, 1e-5)


# --- ALiBi --------------------------------------------------------------------------------


@pytest.mark.parametrize("heads", [1, 2, 4, 8, 16, 32])
def test_slopes_of_a_power_of_two_are_a_geometric_sequence(heads):
    expected = [2 ** (-8 * i / heads) for i in range(1, heads + 1)]
    assert alibi_slopes(heads).tolist() == pytest.approx(expected, rel=1e-14)
    assert alibi_slopes(heads).dtype == torch.float64


@pytest.mark.parametrize(
    ("heads", "more"),
    [
        (3, [2**-2]),
        (6, [2**-1, 2**-3]),
        (12, [2**-0.5, 2**-1.5, 2**-2.5, 2**-3.5]),
        (7, [2**-1, 2**-3, 2**-5]),
    ],
)
def test_other_numbers_of_heads_add_every_other_slope_of_the_next_power(heads, more):
    slopes = alibi_slopes(heads).tolist()
    power = heads - len(more)
    assert slopes[:power] == pytest.approx(alibi_slopes(power).tolist(), rel=1e-14)
    assert slopes[power:] == pytest.approx(more, rel=1e-14)


@pytest.mark.parametrize("heads", [4, 8, 12, 16, 20])
def test_slopes_are_those_of_bloom(heads):
    from transformers.models.bloom.modeling_bloom import build_alibi_tensor

    bias = build_alibi_tensor(torch.ones(1, 6), heads, torch.float32)
    torch.testing.assert_close(bias[:, 0, 1], alibi_slopes(heads).float(), atol=0, rtol=1e-6)


def distances(length_q, length_k):
    """How far each key stands before the query, the last of both at one position."""
    query_at = torch.arange(length_q)[:, None] + length_k - length_q
    return query_at - torch.arange(length_k)


@settings(deadline=None, max_examples=60)
@given(
    length_q=st.integers(1, 7),
    earlier=st.integers(0, 300),
    heads=st.integers(1, 6),
    scale=st.sampled_from([None, 1.0, 0.2]),
    seed=seeds,
)
def test_alibi_takes_the_slope_off_for_every_position_between(
    length_q, earlier, heads, scale, seed
):
    length_k = length_q + earlier
    query = draw(2, heads, length_q, 6, seed=seed, requires_grad=True)
    key, value = (draw(2, heads, length_k, 6, seed=s, requires_grad=True) for s in (seed + 1, 8))
    bias = -alibi_slopes(heads)[:, None, None] * distances(length_q, length_k)
    stretch = 1.0 if scale is None else scale * math.sqrt(6)
    allowed = allowed_by_hand(length_q, length_k)
    attend = ALiBiAttention(heads)

    def ours(query, key, value):
        return attend(query, key, value, is_causal=True, scale=scale)

    def by_hand(query, key, value):
        return written_attention(query * stretch, key, value, allowed, bias)

    assert_equal(ours(query, key, value), by_hand(query, key, value))
    output, weights = attend(query, key, value, is_causal=True, scale=scale, return_weights=True)
    assert_equal(output, by_hand(query, key, value))
    assert weights.shape == (2, heads, length_q, length_k)
    for one, two in zip(
        gradient(ours, query, key, value), gradient(by_hand, query, key, value), strict=True
    ):
        assert_equal(one, two)


def test_alibi_in_float32_is_close_to_float64_far_from_the_last_key():
    q, k, v = (draw(1, 8, 4096, 16, seed=s) for s in range(3))
    attend = ALiBiAttention(8)
    expected = attend(q, k, v, is_causal=True)[:, :, :64]
    output = attend(q.float(), k.float(), v.float(), is_causal=True)[:, :, :64]
    assert (output.double() - expected).abs().max() < 1e-4


@pytest.mark.parametrize("heads", [4, 12])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_alibi_in_half_precision_still_counts_single_positions(dtype, heads):
    """At distance 2000 bfloat16 knows multiples of 8 alone."""
    q = torch.zeros(1, heads, 4096, 8, dtype=dtype)
    v = draw(1, heads, 4096, 8, seed=1, dtype=dtype)
    output = ALiBiAttention(heads).to(dtype)(q, q, v, is_causal=True)
    some = slice(2000, 2200)
    back = distances(4096, 4096)[some]
    bias = -alibi_slopes(heads)[:, None, None] * back
    expected = written_attention(q[:, :, some].double(), q.double(), v.double(), back >= 0, bias)
    assert_equal(output[:, :, some].double(), expected, 0.03)


# --- relative positions alone -------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda h: RotaryAttention(), ALiBiAttention])
@settings(deadline=None, max_examples=30)
@given(length=st.integers(1, 6), more=st.integers(1, 200), heads=st.integers(1, 4), seed=seeds)
def test_hidden_positions_before_the_first_change_nothing(make, length, more, heads, seed):
    attend = make(heads)
    q, k, v = (draw(2, heads, length, 6, seed=seed + i) for i in range(3))
    before = [draw(2, heads, more, 6, seed=seed + i) for i in (3, 4)]
    mask = torch.arange(more + length) >= more
    shifted = attend(
        q,
        torch.cat([before[0], k], dim=-2),
        torch.cat([before[1], v], dim=-2),
        mask=mask,
        is_causal=True,
    )
    expected = attend(q, k, v, is_causal=True)
    assert_equal(shifted, expected)
    if length > 2:
        assert not torch.allclose(expected, dot_product_attention(q, k, v, is_causal=True))


@pytest.mark.parametrize("make", [lambda h, a: RotaryAttention(attend=a), ALiBiAttention])
@settings(deadline=None, max_examples=30)
@given(
    length_q=st.integers(1, 9),
    earlier=st.integers(0, 9),
    window=st.integers(1, 12),
    seed=seeds,
)
def test_positions_inside_a_sliding_window_are_those_outside_it(
    make, length_q, earlier, window, seed
):
    length_k = length_q + earlier
    q = draw(2, 2, length_q, 6, seed=seed)
    k, v = (draw(2, 2, length_k, 6, seed=seed + i) for i in (1, 2))
    near = make(2, SlidingWindowAttention(window))
    allowed = allowed_by_hand(length_q, length_k, window)
    expected = make(2, dot_product_attention)(q, k, v, mask=allowed, is_causal=True)
    assert_equal(near(q, k, v, is_causal=True), expected)
    output, weights = near(q, k, v, is_causal=True, return_weights=True)
    assert_equal(output, expected)
    assert (weights[..., ~allowed] == 0).all()


@pytest.mark.parametrize("attend", [RotaryAttention(), ALiBiAttention(2)])
@pytest.mark.parametrize("return_weights", [False, True])
def test_gradients_are_those_of_finite_differences(attend, return_weights):
    q, k, v = (draw(1, 2, n, 4, seed=n, requires_grad=True) for n in (3, 5, 5))
    mask = draw(3, 5) > -0.5
    mask[1] = False  # may attend to nothing

    def function(q, k, v):
        return attend(q, k, v, mask=mask, is_causal=True, return_weights=return_weights)

    assert torch.autograd.gradcheck(function, (q, k, v))


def test_no_buffer_needs_float64_which_some_devices_lack():
    for module in (ALiBiAttention(4), SinusoidalPositions(4), RotaryAttention()):
        assert all(buffer.dtype != torch.float64 for buffer in module.buffers()), module


# --- bad input ----------------------------------------------------------------------------


def x(*shape, **options):
    return torch.ones(shape or (2, 3, 8), **options)


def heads(*shape):
    return (torch.ones(shape or (2, 4, 3, 8)),) * 3


# name: (call, error, what was given, what was expected, the likely fix)
BAD_INPUT = {
    "odd width of sinusoids": (
        lambda: sinusoids(4, 5), ValueError, "d_model=5", "an even number", "pairs",
    ),
    "no length": (
        lambda: sinusoids(0, 4), ValueError, "length=0", "at least 1", "",
    ),
    "length as a float": (
        lambda: sinusoids(4.5, 4), TypeError, "length is 4.5", "an integer", "",
    ),
    "width as a float": (
        lambda: sinusoids(4, 4.0), TypeError, "d_model is 4.0", "an integer", "",
    ),
    "odd width of sinusoidal positions": (
        lambda: SinusoidalPositions(7), ValueError, "d_model=7", "an even number", "pairs",
    ),
    "another width": (
        lambda: SinusoidalPositions(6)(x()),
        ValueError, r"x has shape \(2, 3, 8\)", r"\(batch, length, 6\)", "d_model",
    ),
    "one sequence": (
        lambda: SinusoidalPositions(8)(x(3, 8)),
        ValueError, r"x has shape \(3, 8\)", r"\(batch, length, 8\)", r"x\[None\]",
    ),
    "a list": (
        lambda: SinusoidalPositions(8)([1.0]), TypeError, "x is a list", "torch.Tensor", "",
    ),
    "embeddings that are integers": (
        lambda: SinusoidalPositions(8)(x(dtype=torch.int64)),
        TypeError, "x has dtype int64", "floating-point", "embed",
    ),
    "integers and learned positions": (
        lambda: LearnedPositions(4, 8)(x(dtype=torch.int64)),
        TypeError, "x has dtype int64", "floating-point", "embed",
    ),
    "negative start": (
        lambda: SinusoidalPositions(8)(x(), start=-1), ValueError, "start=-1", "0 or more", "",
    ),
    "start as a float": (
        lambda: SinusoidalPositions(8)(x(), start=1.0), TypeError, "start is 1.0", "integer", "",
    ),
    "no vectors": (
        lambda: LearnedPositions(0, 8), ValueError, "max_length=0", "at least 1", "",
    ),
    "length as a string": (
        lambda: LearnedPositions("9", 8), TypeError, "max_length is '9'", "an integer", "",
    ),
    "a learned table that is too short": (
        lambda: LearnedPositions(4, 8)(x(), start=2),
        ValueError, "positions 2 to 4", "below max_length=4", "shorten",
    ),
    "negative start of learned positions": (
        lambda: LearnedPositions(4, 8)(x(), start=-1), ValueError, "start=-1", "0 or more", "",
    ),
    "another width than the learned one": (
        lambda: LearnedPositions(4, 6)(x()),
        ValueError, r"x has shape \(2, 3, 8\)", r"\(batch, length, 6\)", "d_model",
    ),
    "odd head": (
        lambda: rotate(x(2, 3, 5)), ValueError, "d_head=5", "an even number", "pairs",
    ),
    "rotated integers": (
        lambda: rotate(x(2, 3, 4, dtype=torch.int64)),
        TypeError, "x has dtype int64", "floating-point", "",
    ),
    "rotated list": (
        lambda: rotate([[1.0, 2.0]]), TypeError, "x is a list", "torch.Tensor", "",
    ),
    "one vector rotated": (
        lambda: rotate(x(4)), ValueError, r"x has shape \(4,\)", r"\(..., length, ", "",
    ),
    "base of 0": (
        lambda: RotaryAttention(0.0), ValueError, "base=0.0", "above", "10",
    ),
    "base of 0 in rotate": (
        lambda: rotate(x(2, 3, 4), base=0.0), ValueError, "base=0.0", "above", "10",
    ),
    "odd head of rotary attention": (
        lambda: RotaryAttention()(*heads(2, 4, 3, 5)),
        ValueError, "d_head=5", "an even number", "pairs",
    ),
    "rotary attention between widths": (
        lambda: RotaryAttention()(x(2, 3, 4), x(2, 3, 6), x(2, 3, 6)),
        ValueError, "query has width 4 and key has width 6", "equal widths", "",
    ),
    "rotary attention of lists": (
        lambda: RotaryAttention()([[1.0]], [[1.0]], [[1.0]]),
        TypeError, "query is a list", "torch.Tensor", "",
    ),
    "no slopes": (
        lambda: alibi_slopes(0), ValueError, "num_heads=0", "at least 1", "",
    ),
    "heads as a float": (
        lambda: alibi_slopes(2.5), TypeError, "num_heads is 2.5", "an integer", "",
    ),
    "ALiBi without heads": (
        lambda: ALiBiAttention(0), ValueError, "num_heads=0", "at least 1", "",
    ),
    "ALiBi that is not causal": (
        lambda: ALiBiAttention(4)(*heads()),
        ValueError, "is_causal=False", "is_causal=True", "back",
    ),
    "ALiBi with is_causal as a string": (
        lambda: ALiBiAttention(4)(*heads(), is_causal="no"),
        TypeError, "is_causal is 'no'", "True or False", "",
    ),
    "ALiBi for other heads": (
        lambda: ALiBiAttention(8)(*heads(), is_causal=True),
        ValueError, r"\(2, 4, 3, 8\)", "8 heads", r"ALiBiAttention\(4\)",
    ),
    "ALiBi without a dimension of heads": (
        lambda: ALiBiAttention(4)(*heads(3, 8), is_causal=True),
        ValueError, r"query has shape \(3, 8\)", "4 heads", "",
    ),
    "ALiBi with a negative scale": (
        lambda: ALiBiAttention(4)(*heads(), is_causal=True, scale=-1.0),
        ValueError, "scale=-1.0", "above 0", "divided",
    ),
    "ALiBi between widths": (
        lambda: ALiBiAttention(4)(x(2, 4, 3, 8), x(2, 4, 3, 6), x(2, 4, 3, 6), is_causal=True),
        ValueError, "query has width 8 and key has width 6", "equal widths", "",
    ),
    "ALiBi of token ids": (
        lambda: ALiBiAttention(4)(*(t.long() for t in heads()), is_causal=True),
        TypeError, "query has dtype int64", "floating-point", "embed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    call, error, given_, expected, fix = BAD_INPUT[case]
    with pytest.raises(error, match=given_) as raised:
        call()
    for part in (expected, fix):
        assert raised.match(part)


def test_a_learned_position_counts_real_tokens_alone():
    layer, x = redraw(LearnedPositions(6, 4)), draw(3, 5, 4)
    mask = torch.tensor([[1, 1, 1, 1, 1], [0, 0, 1, 1, 1], [1, 0, 1, 0, 1]]).bool()
    table = layer.table.weight
    expected = [[0, 1, 2, 3, 4], [None, None, 0, 1, 2], [0, None, 1, None, 2]]
    found = layer(x, mask=mask)
    for row, positions in enumerate(expected):
        for t, position in enumerate(positions):
            if position is not None:
                assert torch.equal(found[row, t], x[row, t] + table[position])
    later = layer(x[:, 3:], start=3, mask=mask)
    assert torch.equal(later, found[:, 3:]), "with a cache: the mask is of all tokens"
