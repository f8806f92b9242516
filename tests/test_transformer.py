"""The Transformer of 2017: torch.nn's, with embeddings, positions and a tied head around it."""

import copy
import dataclasses

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from attention_lib.cache import Cache
from attention_lib.models.transformer import Transformer, TransformerConfig
from tests.reference import (
    TorchTransformer,
    assert_equal,
    assert_same_gradients,
    count_parameters,
    draw,
    draw_ids,
    redraw,
    same_weights,
    written_sinusoids,
)

THEIR_ACTIVATIONS = {
    "relu": "relu",
    "gelu": "gelu",
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}
SMALL = {"d_model": 16, "num_heads": 4, "d_ff": 24, "num_layers": 2, "dropout": 0.0}
TINY = SMALL | {"d_model": 8, "num_heads": 2, "d_ff": 12}
REAL = torch.arange(7) < torch.tensor([[7], [2], [5]])
REAL_TARGET = torch.arange(6) < torch.tensor([[3], [6], [5]])
each_norm = pytest.mark.parametrize("norm_first", [False, True])
each_table = pytest.mark.parametrize("source_vocab_size", [None, 13])
each_kind_of_positions = pytest.mark.parametrize("positions", ["sinusoidal", "learned"])
seeds = st.integers(0, 2**16)


def model(seed=0, **options):
    torch.manual_seed(0)
    return redraw(Transformer(TransformerConfig(11, **(TINY | {"max_length": 20} | options))), seed)


# --- torch.nn.Transformer -----------------------------------------------------------------


def pair(activation="relu", seed=0, final_norms=None, **options):
    """Our model and torch.nn's, with the same weights; ours gets theirs' final norms if asked."""
    config = TransformerConfig(11, activation=activation, **(SMALL | {"max_length": 9} | options))
    ours = Transformer(config)
    final_norms = config.norm_first if final_norms is None else final_norms
    if final_norms and not config.norm_first:
        ours.encoder_norm, ours.decoder_norm = (
            nn.LayerNorm(config.d_model, bias=config.bias) for _ in range(2)
        )
    theirs = TorchTransformer(
        config, final_norms=final_norms, activation=THEIR_ACTIVATIONS[activation]
    )
    return same_weights(ours, theirs, seed)


def assert_parity(ours, theirs, source, target, mask=None, target_mask=None):
    output = ours(source, target, mask=mask, target_mask=target_mask)
    expected = theirs(source, target, mask, target_mask)
    assert output.weights is None
    assert_equal(output.logits, expected)
    assert_same_gradients(ours, theirs, output.logits, expected)


@pytest.mark.parametrize("mask", [None, REAL], ids=["", "source padding"])
@pytest.mark.parametrize("target_mask", [None, REAL_TARGET], ids=["", "target padding"])
@pytest.mark.parametrize("activation", THEIR_ACTIVATIONS)
@pytest.mark.parametrize("bias", [True, False])
@each_norm
def test_logits_and_gradients_are_those_of_torch_nn(
    norm_first, bias, activation, target_mask, mask
):
    ours, theirs = pair(activation, norm_first=norm_first, bias=bias)
    source, target = draw_ids(3, 7, below=11), draw_ids(3, 6, below=11, seed=1)
    assert_parity(ours, theirs, source, target, mask, target_mask)


@each_norm
@each_table
@each_kind_of_positions
def test_tables_of_embeddings_and_positions_are_used_as_beside_torch_nn(
    norm_first, source_vocab_size, positions
):
    ours, theirs = pair(
        norm_first=norm_first, source_vocab_size=source_vocab_size, positions=positions
    )
    source = draw_ids(3, 7, below=source_vocab_size or 11)
    assert_parity(ours, theirs, source, draw_ids(3, 6, below=11, seed=1), REAL, REAL_TARGET)
    assert count_parameters(ours) == count_parameters(theirs)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("bias", [True, False])
def test_with_norms_behind_both_stacks_post_norm_is_torch_nn_as_it_is_made(bias):
    ours, theirs = pair(final_norms=True, bias=bias)
    source, target = draw_ids(3, 7, below=11), draw_ids(3, 6, below=11, seed=1)
    assert_parity(ours, theirs, source, target, REAL, REAL_TARGET)
    assert count_parameters(ours) == count_parameters(theirs)
    standard = nn.Transformer(
        16, 4, 2, 2, 24, dropout=0.0, batch_first=True, bias=bias, dtype=torch.float64
    )
    standard.load_state_dict(theirs.transformer.state_dict(), strict=True)
    theirs.transformer = standard
    assert_equal(ours(source, target).logits, theirs(source, target))


@pytest.mark.parametrize("bias", [True, False])
@each_norm
def test_parameters_are_as_many_as_those_of_torch_nn(norm_first, bias):
    for options in ({}, {"source_vocab_size": 13}, {"positions": "learned"}):
        ours, theirs = pair(norm_first=norm_first, bias=bias, **options)
        assert count_parameters(ours) == count_parameters(theirs)


@settings(deadline=None, max_examples=25)
@given(
    batch=st.integers(1, 3),
    lengths=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    layers=st.integers(1, 3),
    norm_first=st.booleans(),
    bias=st.booleans(),
    positions=st.sampled_from(["sinusoidal", "learned"]),
    seed=seeds,
)
def test_logits_are_those_of_torch_nn_for_any_lengths_and_padding(
    batch, lengths, layers, norm_first, bias, positions, seed
):
    ours, theirs = pair(
        seed=seed, num_layers=layers, norm_first=norm_first, bias=bias, positions=positions
    )
    source, target = (draw_ids(batch, n, below=11, seed=seed) for n in lengths)
    mask, target_mask = (draw(batch, n, seed=seed) > 0 for n in lengths)
    mask[:, -1] = target_mask[:, 0] = True
    logits = ours(source, target, mask=mask, target_mask=target_mask).logits
    assert_equal(logits, theirs(source, target, mask, target_mask))


# --- what every row and token hears -------------------------------------------------------


def embedded(net, run):
    """Run, and return the result with the source's and the target's embeddings."""
    found = []
    with torch.enable_grad():
        tables = {id(t): t for t in (net.source_embedding, net.target_embedding)}.values()
        hooks = [t.register_forward_hook(lambda *given: found.append(given[2])) for t in tables]
        result = run()
    for hook in hooks:
        hook.remove()
    return result, *found


problems = {
    "batch": st.integers(1, 3),
    "length": st.integers(2, 6),
    "norm_first": st.booleans(),
    "source_vocab_size": st.sampled_from([None, 13]),
    "positions": st.sampled_from(["sinusoidal", "learned"]),
    "seed": seeds,
}


@settings(deadline=None, max_examples=40)
@given(data=st.data(), **problems)
def test_future_target_tokens_change_neither_logits_nor_gradient(
    data, batch, length, seed, **options
):
    net = model(seed, **options)
    t = data.draw(st.integers(0, length - 2))
    source, target = (draw_ids(batch, length, below=11, seed=seed + i) for i in range(2))
    changed = target.clone()
    changed[:, t + 1 :] = (changed[:, t + 1 :] + 1) % 11
    logits, _, of_target = embedded(net, lambda: net(source, target).logits)
    assert torch.equal(logits[:, : t + 1], net(source, changed).logits[:, : t + 1])
    assert not torch.equal(logits, net(source, changed).logits)
    upstream = draw(batch, t + 1, 11, seed=9)
    (found,) = torch.autograd.grad(logits[:, : t + 1], of_target, upstream)
    assert (found[:, t + 1 :] == 0).all() and (found[:, t] != 0).any()


@settings(deadline=None, max_examples=40)
@given(**problems)
def test_padding_changes_neither_logits_nor_gradient(batch, length, seed, **options):
    net = model(seed, **options)
    generator = torch.Generator().manual_seed(seed)
    real, real_target = (torch.rand(batch, length, generator=generator) < 0.6 for _ in range(2))
    masks = {"mask": real, "target_mask": real_target}
    source, target = (draw_ids(batch, length, below=11, seed=seed + i) for i in range(2))
    others = [
        torch.where(mask, ids, (ids + 3) % 11)
        for mask, ids in ((real, source), (real_target, target))
    ]
    logits, of_source, of_target = embedded(net, lambda: net(source, target, **masks).logits)
    assert torch.equal(logits[real_target], net(*others, **masks).logits[real_target])
    upstream = draw(int(real_target.sum()), 11, seed=9)
    found = torch.autograd.grad(logits[real_target], (of_source, of_target), upstream)
    assert (found[0][~real] == 0).all() and (found[1][~real_target] == 0).all()
    heard = real.all(1) & real_target.any(1)
    assert (found[0][heard] != 0).any() or not heard.any()


@settings(deadline=None, max_examples=40)
@given(**problems)
def test_a_row_alone_is_that_row_of_a_padded_batch(batch, length, seed, **options):
    net = model(seed, **options)
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, length + 1, (2, batch), generator=generator)
    real, real_target = (torch.arange(length) < n[:, None] for n in lengths)
    source, target = (draw_ids(batch, length, below=11, seed=seed + i) for i in range(2))
    output = net(source, target, mask=real, target_mask=real_target, return_weights=True)
    for row, (n, m) in enumerate(lengths.T.tolist()):
        alone = net(source[row : row + 1, :n], target[row : row + 1, :m], return_weights=True)
        assert_equal(output.logits[row, :m], alone.logits[0], 1e-10)
        for kind, sizes in (("encoder", (n, n)), ("decoder", (m, m)), ("cross", (m, n))):
            many, one = getattr(output.weights, kind), getattr(alone.weights, kind)
            for together, weights in zip(many, one, strict=True):
                assert_equal(together[row, :, : sizes[0], : sizes[1]], weights[0], 1e-11)


def test_every_source_token_is_heard_by_every_logit():
    net = model()
    source, target = draw_ids(1, 5, below=11), draw_ids(1, 4, below=11, seed=1)
    logits, of_source, of_target = embedded(net, lambda: net(source, target).logits)
    for t in range(4):
        found = torch.autograd.grad(logits[:, t].sum(), (of_source, of_target), retain_graph=True)
        assert (found[0] != 0).any(-1).all()
        assert (found[1][:, : t + 1] != 0).any(-1).all()


@each_kind_of_positions
def test_the_order_of_source_and_target_matters(positions):
    net = model(positions=positions)
    source, target = torch.arange(5)[None], torch.arange(5, 9)[None]
    logits = net(source, target).logits
    assert not torch.allclose(net(source.flip(1), target).logits, logits)
    swapped = target[:, [1, 0, 2, 3]]
    assert not torch.allclose(net(source, swapped).logits[:, 3], logits[:, 3])


def test_a_source_of_padding_alone_says_nothing_and_breaks_nothing():
    net = model()
    source, target = draw_ids(2, 5, below=11), draw_ids(2, 4, below=11, seed=1)
    mask = torch.tensor([[True] * 5, [False] * 5])
    logits, of_source, _ = embedded(net, lambda: net(source, target, mask=mask).logits)
    found = torch.autograd.grad(logits.sum(), [of_source, *net.parameters()])
    assert all(f.isfinite().all() for f in (logits, *found))
    assert (found[0][1] == 0).all()
    again = net(source.flip(1), target, mask=mask).logits
    assert torch.equal(again[1], logits[1])


# --- weights, parts, gradients ------------------------------------------------------------


def test_weights_of_every_layer_sum_to_1_and_change_no_logit():
    net = model(num_layers=3)
    source, target = draw_ids(3, 7, below=11), draw_ids(3, 6, below=11, seed=1)
    masks = {"mask": REAL, "target_mask": REAL_TARGET}
    output = net(source, target, **masks, return_weights=True)
    assert_equal(output.logits, net(source, target, **masks).logits, 1e-12)
    shapes = {"encoder": (3, 2, 7, 7), "decoder": (3, 2, 6, 6), "cross": (3, 2, 6, 7)}
    for kind, shape in shapes.items():
        weights = getattr(output.weights, kind)
        assert [w.shape for w in weights] == [shape] * 3
        for found in weights:
            assert_equal(found.sum(-1), torch.ones(shape[:-1], dtype=torch.float64), 1e-12)
    for found in output.weights.decoder:
        assert (found.triu(1) == 0).all()
        assert (found.transpose(1, 3)[~REAL_TARGET] == 0).all()
    for found in (*output.weights.encoder, *output.weights.cross):
        assert (found.transpose(1, 3)[~REAL] == 0).all()
    assert not torch.allclose(output.weights.encoder[0], output.weights.encoder[1])


@each_norm
def test_encode_and_decode_are_the_two_halves_of_forward(norm_first):
    net = model(norm_first=norm_first)
    source, target = draw_ids(3, 7, below=11), draw_ids(3, 6, below=11, seed=1)
    memory = net.encode(source, mask=REAL)
    assert memory.shape == (3, 7, 8)
    logits = net.decode(target, memory, mask=REAL, target_mask=REAL_TARGET)
    expected = net(source, target, mask=REAL, target_mask=REAL_TARGET).logits
    assert torch.equal(logits, expected)


def test_embeddings_and_head_share_one_table():
    shared, separate = model(), model(source_vocab_size=13)
    assert shared.source_embedding is shared.target_embedding
    assert separate.source_embedding.weight.shape == (13, 8)
    assert count_parameters(separate) - count_parameters(shared) == 13 * 8
    names = {name for name, _ in shared.named_parameters()}
    assert not any("head" in name or "logit" in name for name in names)
    logits = shared(draw_ids(1, 3, below=11), draw_ids(1, 2, below=11)).logits
    (found,) = torch.autograd.grad(logits.sum(), shared.target_embedding.weight)
    assert (found != 0).any(-1).all(), "through the head, of every token"


@each_norm
@each_kind_of_positions
def test_gradients_are_those_of_finite_differences(norm_first, positions):
    torch.manual_seed(0)
    sizes = {"d_model": 4, "num_heads": 2, "d_ff": 5, "num_layers": 1, "dropout": 0.0}
    config = TransformerConfig(
        5, **sizes, norm_first=norm_first, positions=positions, max_length=4, activation="gelu"
    )
    net = redraw(Transformer(config))
    source, target = draw_ids(2, 3, below=5), draw_ids(2, 4, below=5, seed=1)
    masks = {
        "mask": torch.tensor([[True, False, True], [False, False, False]]),
        "target_mask": torch.tensor([[True, True, True, False], [False, True, True, True]]),
    }
    names = [name for name, _ in net.named_parameters()]

    def function(*values):
        state = dict(zip(names, values, strict=True))
        return torch.func.functional_call(net, state, (source, target), masks).logits

    values = [p.detach().requires_grad_() for p in net.parameters()]
    assert torch.autograd.gradcheck(function, values)


# --- beginnings, dropout, copies, dtypes --------------------------------------------------


def test_the_defaults_are_the_base_model_of_the_paper():
    base, big = TransformerConfig.base(), TransformerConfig.big()
    assert base == TransformerConfig(37_000)
    assert (base.d_model, base.num_heads, base.d_ff, base.num_layers) == (512, 8, 2048, 6)
    assert (big.d_model, big.num_heads, big.d_ff, big.num_layers) == (1024, 16, 4096, 6)
    assert (base.dropout, big.dropout) == (0.1, 0.3)
    assert (base.norm_first, base.activation, base.bias) == (False, "relu", True)
    assert TransformerConfig.big(100, dropout=0.0) == TransformerConfig(
        100, d_model=1024, num_heads=16, d_ff=4096, dropout=0.0
    )
    with torch.device("meta"):
        millions = [count_parameters(Transformer(config)) / 1e6 for config in (base, big)]
    assert millions[0] == pytest.approx(65, abs=2) and millions[1] == pytest.approx(213, abs=3)
    with pytest.raises(dataclasses.FrozenInstanceError):
        base.d_model = 8


def test_a_new_model_knows_nothing_and_its_numbers_are_neither_large_nor_small():
    torch.manual_seed(0)
    net = Transformer(TransformerConfig(1000, **(TINY | {"d_model": 64, "d_ff": 256})))
    source, target = draw_ids(8, 20, below=1000), draw_ids(8, 20, below=1000, seed=1)
    logits = net(source, target).logits
    loss = F.cross_entropy(logits.flatten(0, 1), draw_ids(160, below=1000, seed=2))
    assert loss.item() == pytest.approx(6.9, abs=1.0), "log 1000"
    assert net.target_embedding.weight.norm(dim=-1).mean().item() == pytest.approx(1, abs=0.05)
    for name, parameter in net.named_parameters():
        if name.endswith("bias"):
            assert (parameter == 0).all(), name
    for layer in (*net.encoder, *net.decoder):
        bound = (6 / 128) ** 0.5
        for weight in layer.self_attention.in_map.weight.chunk(3):
            assert 0.95 * bound < weight.abs().max() <= bound, "as for a square map"


@each_norm
def test_dropout_acts_in_training_alone(norm_first):
    plain = model(norm_first=norm_first)
    net = model(norm_first=norm_first, dropout=0.3)
    source, target = draw_ids(2, 5, below=11), draw_ids(2, 4, below=11, seed=1)
    expected = plain(source, target).logits
    assert torch.equal(plain.eval()(source, target).logits, expected)
    assert not torch.allclose(net(source, target).logits, expected)
    assert not torch.equal(net(source, target).logits, net(source, target).logits)
    assert torch.equal(net.eval()(source, target).logits, expected)
    rates = [m.p for m in net.modules() if isinstance(m, nn.Dropout) and m.p > 0]
    assert rates == [0.3] * (1 + 2 * 2 + 2 * 3), "embeddings, and every sublayer"


def test_dropout_falls_on_the_sums_of_embeddings_and_positions():
    net, seen = model(dropout=0.5), []
    for stack in (net.encoder, net.decoder):
        stack[0].register_forward_pre_hook(lambda _, given_: seen.append(given_[0]))
    source, target = draw_ids(20, 5, below=11), draw_ids(20, 4, below=11, seed=1)
    net(source, target)
    for x, tokens in zip(seen, (source, target), strict=True):
        table = net.target_embedding(tokens) * 8**0.5 + written_sinusoids(tokens.size(1), 8)
        dropped = x == 0
        assert 0.4 < dropped.double().mean() < 0.6
        assert_equal(x[~dropped], 2 * table[~dropped])


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_ids_may_be_of_either_integer_dtype(dtype):
    net, source, target = model(), draw_ids(2, 5, below=11), draw_ids(2, 4, below=11, seed=1)
    logits = net(source.to(dtype), target.to(dtype)).logits
    assert torch.equal(logits, net(source, target).logits)


@each_kind_of_positions
@each_table
@each_norm
def test_state_is_the_parameters_alone_and_loads_strictly(norm_first, source_vocab_size, positions):
    options = {
        "norm_first": norm_first,
        "source_vocab_size": source_vocab_size,
        "positions": positions,
    }
    one, two = model(1, **options), model(2, **options)
    source, target = draw_ids(2, 5, below=11), draw_ids(2, 4, below=11, seed=1)
    expected = one(source, target).logits
    assert not torch.allclose(two(source, target).logits, expected)
    two.load_state_dict(one.state_dict(), strict=True)
    assert torch.equal(two(source, target).logits, expected)
    own = {name for name, _ in one.named_parameters(remove_duplicate=False)}
    assert set(one.state_dict()) == own
    twin = copy.deepcopy(one)
    assert (twin.source_embedding is twin.target_embedding) == (source_vocab_size is None)
    with torch.no_grad():
        one.target_embedding.weight.zero_()
    assert torch.equal(twin(source, target).logits, expected)


@each_kind_of_positions
def test_a_model_moved_to_another_dtype_goes_on_there(positions):
    net = model(positions=positions)
    source, target = draw_ids(2, 5, below=11), draw_ids(2, 4, below=11, seed=1)
    expected = net(source, target).logits
    for dtype, tolerance in ((torch.float32, 1e-5), (torch.bfloat16, 0.15), (torch.float64, 0.15)):
        logits = net.to(dtype)(source, target).logits
        assert logits.dtype == dtype
        assert_equal(logits.double(), expected, tolerance)
    net = model(positions=positions)
    net(source, target)
    assert_equal(net.bfloat16().double()(source, target).logits, expected, 0.15)


def test_autocast_gives_logits_and_gradients_close_to_float32():
    net = model().float()
    source, target = draw_ids(2, 5, below=11), draw_ids(2, 4, below=11, seed=1)
    expected = net(source, target).logits
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(source, target, mask=torch.ones(2, 5).bool()).logits
    assert_equal(logits.float(), expected, 0.15)
    logits.float().sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


def test_a_long_source_needs_no_longer_table_of_sinusoids():
    net = model()
    source, target = draw_ids(1, 700, below=11), draw_ids(1, 4, below=11)
    assert net(source, target).logits.isfinite().all()
    assert set(net.state_dict()) == set(model().state_dict())


# --- bad input ----------------------------------------------------------------------------


def config(**options):
    return TransformerConfig(**({"vocab_size": 11} | TINY | options))


def net(**options):
    return Transformer(config(**options))


def ids(*shape):
    return torch.zeros(shape or (2, 3), dtype=torch.int64)


def real(*shape):
    return torch.ones(shape, dtype=torch.bool)


def decode(*given_, **options):
    return net().decode(*given_, **options)


# name: (call, error, what was given, what was expected, the likely fix)
BAD_INPUT = {
    "no tokens": (lambda: config(vocab_size=0), ValueError, "vocab_size=0", "at least 1", ""),
    "no source tokens": (
        lambda: config(source_vocab_size=0), ValueError, "source_vocab_size=0", "at least 1", "",
    ),
    "vocabulary as a string": (
        lambda: config(vocab_size="11"), TypeError, "vocab_size is '11'", "an integer", "",
    ),
    "vocabulary as a float": (
        lambda: config(vocab_size=11.5), TypeError, "vocab_size is 11.5", "an integer", "",
    ),
    "no vocabulary": (
        lambda: config(vocab_size=None), TypeError, "vocab_size is None", "an integer", "",
    ),
    "layers as a float": (
        lambda: config(num_layers=2.0), TypeError, "num_layers is 2.0", "an integer", "",
    ),
    "layers as None": (
        lambda: config(num_layers=None), TypeError, "num_layers is None", "an integer", "",
    ),
    "no layers": (lambda: config(num_layers=0), ValueError, "num_layers=0", "at least 1", ""),
    "no d_ff": (lambda: config(d_ff=0), ValueError, "d_ff=0", "at least 1", ""),
    "no positions": (lambda: config(max_length=0), ValueError, "max_length=0", "at least 1", ""),
    "heads": (
        lambda: config(num_heads=3),
        ValueError, "d_model=8 is not divisible by num_heads=3", "equal share", "num_heads=[24]",
    ),
    "dropout": (
        lambda: config(dropout=1.0), ValueError, "dropout=1.0", r"in \[0, 1\)", "0.1",
    ),
    "kind of positions": (
        lambda: config(positions="rotary"),
        ValueError, "positions='rotary'", "one of 'sinusoidal', 'learned'", "",
    ),
    "activation": (
        lambda: config(activation="tanh"), ValueError, "activation='tanh'", "one of 'relu'", "",
    ),
    "odd width with sinusoids": (
        lambda: net(d_model=9, num_heads=3),
        ValueError, "d_model=9", "an even number", "",
    ),
    "norm_first as a string": (
        lambda: config(norm_first="no"), TypeError, "norm_first is 'no'", "True or False", "",
    ),
    "no config": (
        lambda: Transformer(11), TypeError, "config is (11|a int|an int)", "TransformerConfig", "",
    ),
    "float ids": (
        lambda: net()(ids().float(), ids()), TypeError, "source is float32", "int64", "",
    ),
    "ids as a list": (
        lambda: net()([[1, 2]], ids()), TypeError, "source is list", "a tensor", "",
    ),
    "one source": (
        lambda: net()(ids(3), ids()),
        ValueError, r"source has shape \(3,\)", r"\(batch, length\)", r"source\[None\]",
    ),
    "empty target": (
        lambda: net()(ids(), ids(2, 0)), ValueError, r"target has shape \(2, 0\)", "neither", "",
    ),
    "an id beyond the vocabulary": (
        lambda: net()(ids() + 11, ids()),
        ValueError, "source holds ids from 11 to 11", "0 to 10", "vocab_size",
    ),
    "a negative id": (
        lambda: net()(ids(), ids() - 1), ValueError, "target holds ids from -1", "0 to 10", "",
    ),
    "an id of the other vocabulary": (
        lambda: net(source_vocab_size=5)(ids() + 7, ids() + 7),
        ValueError, "source holds ids from 7", "0 to 4", "",
    ),
    "another batch": (
        lambda: net()(ids(2, 3), ids(3, 3)),
        ValueError, "target .*3.*|3.*target", "batch", "",
    ),
    "mask of numbers": (
        lambda: net()(ids(), ids(), mask=torch.ones(2, 3)),
        TypeError, "mask of source is float32", "boolean", "ids != pad_id",
    ),
    "mask of scores": (
        lambda: net()(ids(), ids(), target_mask=real(3, 3)),
        ValueError, r"mask of target has shape \(3, 3\)", r"\(2, 3\)", "causal",
    ),
    "mask of another length": (
        lambda: net()(ids(), ids(), mask=real(2, 4)),
        ValueError, r"mask of source has shape \(2, 4\)", r"\(2, 3\)", "",
    ),
    "return_weights as a number": (
        lambda: net()(ids(), ids(), return_weights=1),
        TypeError, "return_weights is 1", "True or False", "",
    ),
    "a source that is too long": (
        lambda: net(positions="learned", max_length=4)(ids(2, 5), ids()),
        ValueError, "positions 0 to 4", "below max_length=4", "shorten",
    ),
    "ids as memory": (
        lambda: decode(ids(), ids()),
        ValueError, r"memory has shape \(2, 3\)", r"\(batch, length, 8\)", "encode",
    ),
    "memory of another width": (
        lambda: decode(ids(), torch.ones(2, 5, 7)),
        ValueError, r"memory has shape \(2, 5, 7\)", r"\(batch, length, 8\)", "encode",
    ),
    "no memory": (
        lambda: decode(ids(), None), TypeError, "memory is a NoneType", "torch.Tensor", "encode",
    ),
    "float mask of a memory": (
        lambda: decode(ids(), torch.ones(2, 5, 8), mask=torch.ones(2, 5)),
        TypeError, "mask", "boolean", "pad_id",
    ),
    "mask of another memory": (
        lambda: decode(ids(), torch.ones(2, 5, 8), mask=real(2, 4)),
        ValueError, r"shape \(2, .*4\)", "5", "",
    ),
    "a cache for fewer layers": (
        lambda: decode(ids(), torch.ones(2, 5, 8), cache=Cache(1)),
        ValueError, "cache .*1 layer", "2", r"Cache\(config.num_layers\)|num_layers",
    ),
    "a cache for more layers": (
        lambda: decode(ids(), torch.ones(2, 5, 8), cache=Cache(3)),
        ValueError, "cache .*3 layer", "2", r"Cache\(config.num_layers\)|num_layers",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    call, error, given_, expected, fix = BAD_INPUT[case]
    with torch.no_grad(), pytest.raises(error, match=given_) as raised:
        call()
    for part in (expected, fix):
        assert raised.match(part)
