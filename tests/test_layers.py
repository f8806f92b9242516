"""Layers of the Transformer: those of torch.nn, and what holds for any of them."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from transformers.activations import ACT2FN

from attention_lib.layers import ACTIVATIONS, AddNorm, DecoderLayer, EncoderLayer, FeedForward
from attention_lib.layers import swiglu as swiglu_function
from attention_lib.masks import padding_mask
from attention_lib.positions import RotaryAttention
from tests.reference import (
    allowed_by_hand,
    assert_equal,
    assert_same_gradients,
    count_parameters,
    draw,
    gradient,
    redraw,
    same_weights,
)

WIDTH, HEADS, D_FF = 16, 4, 24
# Our name of an activation, and what torch.nn takes for it.
THEIR_ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}
each_activation = pytest.mark.parametrize("activation", THEIR_ACTIVATIONS)
each_norm = pytest.mark.parametrize("norm_first", [False, True])
each_bias = pytest.mark.parametrize("bias", [True, False])
seeds = st.integers(0, 2**16)


# --- feed-forward -------------------------------------------------------------------------


@each_bias
def test_swiglu_is_the_formula(bias):
    layer = redraw(FeedForward(6, 10, activation="swiglu", bias=bias))
    x = draw(2, 3, 6)
    gate, up = layer.up(x)[..., :10], layer.up(x)[..., 10:]
    expected = (gate / (1 + torch.exp(-gate)) * up) @ layer.down.weight.T
    expected = expected + layer.down.bias if bias else expected
    assert_equal(layer(x), expected, 1e-12)
    assert_equal(swiglu_function(layer.up(x)), gate * torch.sigmoid(gate) * up, 1e-12)
    assert count_parameters(layer) == 3 * 6 * 10 + bias * (2 * 10 + 6)


@pytest.mark.parametrize(
    ("activation", "theirs"), [("gelu_tanh", "gelu_new"), ("gelu", "gelu"), ("relu", "relu")]
)
def test_activations_are_those_of_transformers(activation, theirs):
    x = draw(1000) * 3
    assert_equal(ACTIVATIONS[activation](x), ACT2FN[theirs](x))


@each_bias
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_feed_forward_maps_every_position_by_itself(activation, bias):
    layer = redraw(FeedForward(6, 10, activation=activation, bias=bias))
    x = draw(2, 5, 6, requires_grad=True)
    alone = [layer(position) for row in x.split(1) for position in row.split(1, dim=1)]
    assert_equal(layer(x), torch.cat(alone).view(2, 5, 6), 1e-12)
    assert torch.autograd.gradcheck(layer, x)
    assert (layer.up.bias is not None) == (layer.down.bias is not None) == bias


# --- add & norm ---------------------------------------------------------------------------


@each_bias
@each_norm
@pytest.mark.parametrize("norm_eps", [1e-5, 0.3])
def test_add_norm_is_the_formula(norm_first, bias, norm_eps):
    layer = redraw(AddNorm(6, norm_first=norm_first, bias=bias, norm_eps=norm_eps))
    x, y = draw(2, 3, 6), draw(2, 3, 6, seed=1)

    def normalised(z):
        centred = z - z.mean(-1, keepdim=True)
        root = (centred.square().mean(-1, keepdim=True) + norm_eps).sqrt()
        shift = layer.norm.bias if bias else 0
        return centred / root * layer.norm.weight + shift

    assert_equal(layer.before(x), normalised(x) if norm_first else x, 1e-12)
    assert_equal(layer.after(x, y), x + y if norm_first else normalised(x + y), 1e-12)


def test_add_norm_drops_the_output_and_never_the_way_around():
    torch.manual_seed(0)
    layer = AddNorm(6, norm_first=True, dropout=0.5)
    x, y = torch.full((50, 6), 3.0), torch.ones(50, 6)
    found = layer.after(x, y)
    assert set(found.unique().tolist()) == {3.0, 5.0}
    assert (layer.eval().after(x, y) == 4.0).all()


# --- torch.nn.TransformerEncoderLayer -----------------------------------------------------


def their_options(activation, norm_first, bias, norm_eps=1e-5):
    return {
        "dim_feedforward": D_FF,
        "dropout": 0.0,
        "activation": THEIR_ACTIVATIONS[activation],
        "layer_norm_eps": norm_eps,
        "batch_first": True,
        "norm_first": norm_first,
        "bias": bias,
    }


def encoders(activation="relu", norm_first=False, bias=True, norm_eps=1e-5, seed=0):
    options = {"activation": activation, "norm_first": norm_first, "bias": bias}
    ours = EncoderLayer(WIDTH, HEADS, D_FF, **options, norm_eps=norm_eps)
    theirs = nn.TransformerEncoderLayer(
        WIDTH, HEADS, **their_options(activation, norm_first, bias, norm_eps)
    )
    return same_weights(ours, theirs, seed)


def decoders(activation="relu", norm_first=False, bias=True, norm_eps=1e-5, seed=0):
    options = {"activation": activation, "norm_first": norm_first, "bias": bias}
    ours = DecoderLayer(WIDTH, HEADS, D_FF, **options, norm_eps=norm_eps)
    theirs = nn.TransformerDecoderLayer(
        WIDTH, HEADS, **their_options(activation, norm_first, bias, norm_eps)
    )
    return same_weights(ours, theirs, seed, in_decoder=True)


REAL = torch.arange(6) < torch.tensor([[6], [3], [5]])
REAL_MEMORY = torch.arange(8) < torch.tensor([[2], [8], [7]])
CAUSAL = allowed_by_hand(6, 6)
EACH_HEAD = (draw(3, HEADS, 6, 6, seed=7) > 0) | torch.eye(6, dtype=torch.bool)
# name: (our options, torch.nn's)
ENCODER_MASKS = {
    "none": ({}, {}),
    "causal": ({"is_causal": True}, {"src_mask": ~CAUSAL, "is_causal": True}),
    "padding": ({"mask": padding_mask(REAL)}, {"src_key_padding_mask": ~REAL}),
    "causal and padding": (
        {"mask": padding_mask(REAL), "is_causal": True},
        {"src_mask": ~CAUSAL, "src_key_padding_mask": ~REAL},
    ),
    "each head": ({"mask": EACH_HEAD}, {"src_mask": ~EACH_HEAD.flatten(0, 1)}),
}


@pytest.mark.parametrize("masks", ENCODER_MASKS)
@each_activation
@each_norm
@each_bias
def test_the_encoder_layer_is_that_of_torch_nn(masks, activation, norm_first, bias):
    ours, theirs = encoders(activation, norm_first, bias)
    our_masks, their_masks = ENCODER_MASKS[masks]
    x = draw(3, 6, WIDTH, requires_grad=True)
    output, expected = ours(x, **our_masks), theirs(x, **their_masks)
    assert_equal(output, expected)
    assert_same_gradients(ours, theirs, output, expected, [x])

    explicit, weights = ours(x, **our_masks, return_weights=True)
    assert_equal(explicit, expected)
    assert weights.shape == (3, HEADS, 6, 6)
    ours.eval(), theirs.eval()
    assert_equal(ours(x, **our_masks), theirs(x, **their_masks))
    with torch.no_grad():  # theirs takes a fast path, which gives padding zeros
        rows = REAL if "padding" in masks else torch.ones_like(REAL)
        assert_equal(ours(x, **our_masks)[rows], theirs(x, **their_masks)[rows])


@each_norm
def test_norm_eps_reaches_every_norm(norm_first):
    x, memory = 0.05 * draw(3, 6, WIDTH), 0.05 * draw(3, 8, WIDTH, seed=1)
    ours, theirs = encoders(norm_first=norm_first, norm_eps=0.2)
    assert_equal(ours(x), theirs(x))
    assert not torch.allclose(ours(x), encoders(norm_first=norm_first)[0](x))
    ours, theirs = decoders(norm_first=norm_first, norm_eps=0.2)
    assert_equal(ours(x, memory), theirs(x, memory, tgt_mask=~CAUSAL))


# --- torch.nn.TransformerDecoderLayer -----------------------------------------------------

DECODER_MASKS = {
    "none": ({"is_causal": False}, {}),
    "causal": ({}, {"tgt_mask": ~CAUSAL, "tgt_is_causal": True}),
    "target padding": ({"mask": padding_mask(REAL)}, {"tgt_key_padding_mask": ~REAL}),
    "memory padding": (
        {"memory_mask": padding_mask(REAL_MEMORY)},
        {"memory_key_padding_mask": ~REAL_MEMORY},
    ),
    "all": (
        {"mask": padding_mask(REAL), "memory_mask": padding_mask(REAL_MEMORY)},
        {"tgt_key_padding_mask": ~REAL, "memory_key_padding_mask": ~REAL_MEMORY},
    ),
}


@pytest.mark.parametrize("masks", DECODER_MASKS)
@each_activation
@each_norm
@each_bias
def test_the_decoder_layer_is_that_of_torch_nn(masks, activation, norm_first, bias):
    ours, theirs = decoders(activation, norm_first, bias)
    our_masks, their_masks = DECODER_MASKS[masks]
    if "is_causal" not in our_masks:  # ours is causal unless told otherwise
        their_masks = {"tgt_mask": ~CAUSAL} | their_masks
    x = draw(3, 6, WIDTH, requires_grad=True)
    memory = draw(3, 8, WIDTH, seed=1, requires_grad=True)
    output, expected = ours(x, memory, **our_masks), theirs(x, memory, **their_masks)
    assert_equal(output, expected)
    assert_same_gradients(ours, theirs, output, expected, [x, memory], in_decoder=True)

    explicit, weights, cross = ours(x, memory, **our_masks, return_weights=True)
    assert_equal(explicit, expected)
    assert weights.shape == (3, HEADS, 6, 6) and cross.shape == (3, HEADS, 6, 8)
    ours.eval(), theirs.eval()
    assert_equal(ours(x, memory, **our_masks), theirs(x, memory, **their_masks))


@each_bias
def test_parameters_are_as_many_as_those_of_torch_nn(bias):
    for ours, theirs in (encoders(bias=bias), decoders(bias=bias)):
        assert count_parameters(ours) == count_parameters(theirs)


@settings(deadline=None, max_examples=40)
@given(
    batch=st.integers(1, 3),
    length=st.integers(1, 7),
    more=st.integers(1, 7),
    norm_first=st.booleans(),
    bias=st.booleans(),
    activation=st.sampled_from(list(THEIR_ACTIVATIONS)),
    seed=seeds,
)
def test_layers_are_those_of_torch_nn_for_any_lengths_and_padding(
    batch, length, more, norm_first, bias, activation, seed
):
    x, memory = draw(batch, length, WIDTH, seed=seed), draw(batch, more, WIDTH, seed=seed + 1)
    real, real_memory = (draw(batch, n, seed=seed + 2) > 0 for n in (length, more))
    real[:, 0] = real_memory[:, -1] = True
    ours, theirs = encoders(activation, norm_first, bias, seed=seed)
    assert_equal(ours(x, mask=padding_mask(real)), theirs(x, src_key_padding_mask=~real))
    ours, theirs = decoders(activation, norm_first, bias, seed=seed)
    output = ours(x, memory, mask=padding_mask(real), memory_mask=padding_mask(real_memory))
    expected = theirs(
        x,
        memory,
        tgt_mask=~allowed_by_hand(length, length),
        tgt_key_padding_mask=~real,
        memory_key_padding_mask=~real_memory,
    )
    assert_equal(output, expected)


# --- what holds for any -------------------------------------------------------------------

shapes = {
    "batch": st.integers(1, 3),
    "length": st.integers(2, 7),
    "norm_first": st.booleans(),
    "activation": st.sampled_from(list(ACTIVATIONS)),
    "seed": seeds,
}


def encoder(seed=0, **options):
    torch.manual_seed(0)
    return redraw(EncoderLayer(8, 2, 12, **options), seed)


def decoder(seed=0, **options):
    torch.manual_seed(0)
    return redraw(DecoderLayer(8, 2, 12, **options), seed)


@settings(deadline=None, max_examples=40)
@given(**shapes)
def test_an_encoder_without_positions_does_not_see_order(
    batch, length, norm_first, activation, seed
):
    layer = encoder(seed, norm_first=norm_first, activation=activation)
    x = draw(batch, length, 8, seed=seed)
    order = torch.randperm(length, generator=torch.Generator().manual_seed(seed))
    assert_equal(layer(x[:, order]), layer(x)[:, order], 1e-10)
    real = draw(batch, length, seed=seed) > 0
    shuffled = layer(x[:, order], mask=padding_mask(real[:, order]))
    assert_equal(shuffled, layer(x, mask=padding_mask(real))[:, order], 1e-10)


def test_an_encoder_with_rotary_positions_sees_order():
    layer = encoder(attend=RotaryAttention())
    x = draw(1, 5, 8)
    assert not torch.allclose(layer(x.flip(1)), layer(x).flip(1))


@settings(deadline=None, max_examples=40)
@given(data=st.data(), **shapes)
def test_future_positions_change_neither_output_nor_gradient(
    data, batch, length, norm_first, activation, seed
):
    t = data.draw(st.integers(0, length - 2))
    memory = draw(batch, 3, 8, seed=seed + 2)
    own = encoder(seed, norm_first=norm_first, activation=activation)
    other = decoder(seed, norm_first=norm_first, activation=activation)
    x = draw(batch, length, 8, seed=seed, requires_grad=True)
    changed = torch.cat([x[:, : t + 1], draw(batch, length - t - 1, 8, seed=seed + 1)], dim=1)
    for layer in (lambda x: own(x, is_causal=True), lambda x: other(x, memory)):
        assert torch.equal(layer(x)[:, : t + 1], layer(changed)[:, : t + 1])
        assert not torch.equal(layer(x)[:, t + 1 :], layer(changed)[:, t + 1 :])
        (found,) = torch.autograd.grad((layer(x)[:, : t + 1] ** 2).sum(), x)
        assert (found[:, t + 1 :] == 0).all() and (found[:, t] != 0).any()


@settings(deadline=None, max_examples=40)
@given(**shapes)
def test_padding_changes_neither_output_nor_gradient(batch, length, norm_first, activation, seed):
    generator = torch.Generator().manual_seed(seed)
    real, real_memory = (torch.rand(batch, length, generator=generator) < 0.6 for _ in range(2))
    masks = {"mask": padding_mask(real), "memory_mask": padding_mask(real_memory)}
    own = encoder(seed, norm_first=norm_first, activation=activation)
    other = decoder(seed, norm_first=norm_first, activation=activation)
    x, memory, y, z = (draw(batch, length, 8, seed=seed + i) for i in range(4))
    y, z = torch.where(real[..., None], x, y), torch.where(real_memory[..., None], memory, z)

    assert torch.equal(own(x, mask=masks["mask"])[real], own(y, mask=masks["mask"])[real])
    assert torch.equal(other(x, memory, **masks)[real], other(y, z, **masks)[real])
    (found,) = gradient(lambda x: own(x, mask=masks["mask"])[real], x.requires_grad_())
    assert (found[~real] == 0).all()
    found = gradient(lambda x, m: other(x, m, **masks)[real], x, memory.requires_grad_())
    assert (found[0][~real] == 0).all() and (found[1][~real_memory] == 0).all()


@settings(deadline=None, max_examples=25)
@given(**shapes)
def test_a_row_alone_is_that_row_of_a_padded_batch(batch, length, norm_first, activation, seed):
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, length + 1, (2, batch), generator=generator)
    real, real_memory = (torch.arange(length) < n[:, None] for n in lengths)
    own = encoder(seed, norm_first=norm_first, activation=activation)
    other = decoder(seed, norm_first=norm_first, activation=activation)
    x, memory = (draw(batch, length, 8, seed=seed + i) for i in range(2))
    masks = {"mask": padding_mask(real), "memory_mask": padding_mask(real_memory)}
    read, written = own(x, mask=masks["mask"]), other(x, memory, **masks)
    for row, (n, m) in enumerate(lengths.T.tolist()):
        alone = x[row : row + 1, :n]
        assert_equal(read[row, :n], own(alone)[0], 1e-11)
        assert_equal(written[row, :n], other(alone, memory[row : row + 1, :m])[0], 1e-11)


@each_norm
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", [EncoderLayer, DecoderLayer])
def test_gradients_are_those_of_finite_differences(kind, activation, norm_first):
    torch.manual_seed(0)
    layer = redraw(kind(4, 2, 6, activation=activation, norm_first=norm_first))
    mask = draw(2, 1, 3, 3, seed=3) > -0.5
    mask[0, 0, 1] = False  # may attend to nothing
    masks, inputs = {"mask": mask}, [draw(2, 3, 4, seed=1, requires_grad=True)]
    if kind is DecoderLayer:
        memory_mask = draw(2, 1, 3, 5, seed=4) > -0.5
        memory_mask[1, 0, 2] = False
        masks["memory_mask"] = memory_mask
        inputs.append(draw(2, 5, 4, seed=2, requires_grad=True))
    names = [name for name, _ in layer.named_parameters()]

    def function(*values):
        tensors, state = values[: len(inputs)], values[len(inputs) :]
        return torch.func.functional_call(
            layer, dict(zip(names, state, strict=True)), tensors, masks
        )

    values = [p.detach().requires_grad_() for p in layer.parameters()]
    assert torch.autograd.gradcheck(function, (*inputs, *values))


@each_norm
@pytest.mark.parametrize("which", ["dropout", "attention_dropout", "activation_dropout"])
@pytest.mark.parametrize("kind", [EncoderLayer, DecoderLayer])
def test_dropout_acts_in_training_alone(kind, which, norm_first):
    torch.manual_seed(0)
    plain = redraw(kind(8, 2, 12, norm_first=norm_first))
    layer = kind(8, 2, 12, norm_first=norm_first, **{which: 0.5}).double()
    layer.load_state_dict(plain.state_dict(), strict=True)
    inputs = [draw(2, 5, 8, seed=i) for i in range(1 + (kind is DecoderLayer))]
    expected = plain(*inputs)
    assert torch.equal(plain.eval()(*inputs), expected), "no dropout, no difference"
    assert not torch.allclose(layer(*inputs), expected)
    assert not torch.equal(layer(*inputs), layer(*inputs))
    assert torch.equal(layer.eval()(*inputs), expected)


def test_dropout_and_attention_dropout_reach_every_part():
    layer = DecoderLayer(8, 2, 12, dropout=0.25, attention_dropout=0.5, activation_dropout=0.75)
    rates = [m.p for m in layer.modules() if isinstance(m, nn.Dropout)]
    assert sorted(rates) == [0.25] * 3 + [0.75]
    assert layer.feed_forward.dropout.p == 0.75
    assert layer.self_attention.dropout == layer.cross_attention.dropout == 0.5
    layer = EncoderLayer(8, 2, 12, dropout=0.25)
    assert layer.self_attention.dropout == 0.0


@pytest.mark.parametrize("kind", [EncoderLayer, DecoderLayer])
def test_state_copies_and_other_dtypes(kind):
    torch.manual_seed(0)
    one, two = redraw(kind(8, 2, 12), 1), redraw(kind(8, 2, 12), 2)
    inputs = [draw(2, 5, 8, seed=i) for i in range(1 + (kind is DecoderLayer))]
    expected = one(*inputs)
    two.load_state_dict(one.state_dict(), strict=True)
    assert set(two.state_dict()) == {name for name, _ in two.named_parameters()}
    twin = copy.deepcopy(one)
    with torch.no_grad():
        one.feed_forward.up.weight.zero_()
    assert not torch.allclose(one(*inputs), expected)
    assert torch.equal(two(*inputs), expected) and torch.equal(twin(*inputs), expected)
    half = twin.to(torch.bfloat16)(*(x.bfloat16() for x in inputs))
    assert half.dtype == torch.bfloat16
    assert_equal(half.double(), expected, 0.15)


def test_the_decoder_attends_in_itself_as_told_and_to_memory_plainly():
    torch.manual_seed(0)
    plain, rotary = decoder(), decoder(attend=RotaryAttention())
    x, memory = draw(1, 5, 8), draw(1, 7, 8, seed=1)
    _, own, cross = rotary(x, memory, return_weights=True)
    _, without, _ = plain(x, memory, return_weights=True)
    assert not torch.allclose(own, without)
    order = torch.randperm(7)
    assert_equal(rotary(x, memory[:, order]), rotary(x, memory), 1e-10)
    assert cross.shape == (1, 2, 5, 7)


# --- bad input ----------------------------------------------------------------------------


def x(*shape, **options):
    return torch.ones(shape or (2, 3, 8), **options)


def read(*inputs, norm_first=False, **options):
    return EncoderLayer(8, 2, 12, norm_first=norm_first)(*inputs, **options)


def write(*inputs, norm_first=False, **options):
    return DecoderLayer(8, 2, 12, norm_first=norm_first)(*inputs, **options)


# name: (call, error, what was given, what was expected, the likely fix)
BAD_INPUT = {
    "unknown activation": (
        lambda: FeedForward(8, 12, activation="silu"),
        ValueError, "activation='silu'", "one of 'relu', 'gelu', 'gelu_tanh', 'swiglu'", "",
    ),
    "activation as a function": (
        lambda: FeedForward(8, 12, activation=F.relu),
        ValueError, "activation=.*relu", "one of 'relu'", "",
    ),
    "no width": (
        lambda: FeedForward(8, 0), ValueError, "d_ff=0", "at least 1", "",
    ),
    "width as a float": (
        lambda: FeedForward(8, 12.5), TypeError, "d_ff is 12.5", "an integer", "",
    ),
    "another width": (
        lambda: FeedForward(8, 12)(x(2, 3, 7)),
        ValueError, r"x has shape \(2, 3, 7\)", "8", "d_model",
    ),
    "feed-forward of a list": (
        lambda: FeedForward(8, 12)([1.0]), TypeError, "x is a list", "torch.Tensor", "",
    ),
    "swiglu of an odd width": (
        lambda: swiglu_function(x(2, 3, 7)),
        ValueError, r"x has shape \(2, 3, 7\)", "even", "",
    ),
    "dropout of a norm": (
        lambda: AddNorm(8, dropout=1.5), ValueError, "1.5", r"(?i)probability", "",
    ),
    "dropout of a norm as a string": (
        lambda: AddNorm(8, dropout="0.1"), TypeError, "dropout is a str", "a float", "",
    ),
    "norm without width": (
        lambda: AddNorm(0), ValueError, "d_model=0", "at least 1", "",
    ),
    "norm_eps below 0": (
        lambda: AddNorm(8, norm_eps=-1.0), ValueError, "norm_eps=-1.0", "", "",
    ),
    "heads": (
        lambda: EncoderLayer(8, 3, 12),
        ValueError, "d_model=8 is not divisible by num_heads=3", "equal share", "num_heads=[24]",
    ),
    "activation of an encoder": (
        lambda: EncoderLayer(8, 2, 12, activation="tanh"),
        ValueError, "activation='tanh'", "one of 'relu'", "",
    ),
    "d_ff of an encoder": (
        lambda: EncoderLayer(8, 2, 0), ValueError, "d_ff=0", "at least 1", "",
    ),
    "dropout of an encoder": (
        lambda: EncoderLayer(8, 2, 12, dropout=-0.1),
        ValueError, "-0.1", r"(?i)probability", "",
    ),
    "attention dropout of a decoder": (
        lambda: DecoderLayer(8, 2, 12, attention_dropout=1.0),
        ValueError, "dropout=1.0", r"in \[0, 1\)", "",
    ),
    "heads of a decoder": (
        lambda: DecoderLayer(9, 2, 12),
        ValueError, "d_model=9 is not divisible by num_heads=2", "", "num_heads=[13]",
    ),
    "encoder input of another width": (
        lambda: read(x(2, 3, 7)),
        ValueError, r"(x|query) has shape \(2, 3, 7\)", r"\(batch, length, 8\)", "d_model",
    ),
    "pre-norm encoder input of another width": (
        lambda: read(x(2, 3, 7), norm_first=True),
        ValueError, r"x has shape \(2, 3, 7\)", r"\(batch, length, 8\)", "d_model",
    ),
    "one sequence": (
        lambda: read(x(3, 8)),
        ValueError, r"has shape \(3, 8\)", r"\(batch, length, 8\)", r"\[None\]",
    ),
    "a list": (
        lambda: read([1.0]), TypeError, "is a list", "torch.Tensor", "",
    ),
    "a list before a norm": (
        lambda: read([1.0], norm_first=True), TypeError, "x is a list", "torch.Tensor", "",
    ),
    "token ids": (
        lambda: read(x(dtype=torch.int64)), TypeError, "has dtype int64", "float", "embed",
    ),
    "token ids before a norm": (
        lambda: read(x(dtype=torch.int64), norm_first=True),
        TypeError, "x has dtype int64", "float", "embed",
    ),
    "another dtype than the layer's": (
        lambda: read(x(dtype=torch.float64)),
        TypeError, "has dtype float64", "expected float32", r"\.to\(",
    ),
    "float mask": (
        lambda: read(x(), mask=x(3, 3)),
        TypeError, "mask has dtype float32", "masks are boolean", "converters",
    ),
    "padding without padding_mask": (
        lambda: read(x(), mask=x(2, 3).bool()),
        ValueError, r"mask has shape \(2, 3\)", r"\(2, 2, 3, 3\)", "padding_mask",
    ),
    "is_causal as a string": (
        lambda: read(x(), is_causal="no"), TypeError, "is_causal is 'no'", "True or False", "",
    ),
    "decoder input of another width": (
        lambda: write(x(2, 3, 7), x()),
        ValueError, r"has shape \(2, 3, 7\)", r"\(batch, length, 8\)", "d_model",
    ),
    "pre-norm decoder input of another width": (
        lambda: write(x(2, 3, 7), x(), norm_first=True),
        ValueError, r"x has shape \(2, 3, 7\)", r"\(batch, length, 8\)", "d_model",
    ),
    "memory of another width": (
        lambda: write(x(), x(2, 5, 7)),
        ValueError, r"memory has shape \(2, 5, 7\)", r"\(batch, length, 8\)", "d_model",
    ),
    "memory as a list": (
        lambda: write(x(), [1.0]), TypeError, "memory is a list", "torch.Tensor", "",
    ),
    "no memory": (
        lambda: write(x(), None), TypeError, "memory is a NoneType", "torch.Tensor", "",
    ),
    "another batch of memory": (
        lambda: write(x(), x(3, 5, 8)),
        ValueError, r"\(3, 2, 5, 4\)", "same batch", "",
    ),
    "float memory mask": (
        lambda: write(x(), x(), memory_mask=x(3, 3)),
        TypeError, "mask has dtype float32", "masks are boolean", "converters",
    ),
    "memory mask of another length": (
        lambda: write(x(), x(2, 5, 8), memory_mask=x(2, 1, 1, 3).bool()),
        ValueError, r"mask has shape \(2, 1, 1, 3\)", r"\(2, 2, 3, 5\)", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    call, error, given_, expected, fix = BAD_INPUT[case]
    with pytest.raises(error, match=given_) as raised:
        call()
    for part in (expected, fix):
        assert raised.match(part)
