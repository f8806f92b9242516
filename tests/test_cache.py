"""A cache changes how long an answer takes, and nothing else."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_lib.attention import MultiHeadAttention
from attention_lib.cache import Cache, KVCache, MemoryCache, with_cache
from attention_lib.grouped_query import GroupedQueryAttention
from attention_lib.layers import DecoderLayer, EncoderLayer
from attention_lib.masks import padding_mask
from attention_lib.models.transformer import Transformer, TransformerConfig
from attention_lib.positions import RotaryAttention
from tests.reference import ATTENDS, ATTENTIONS, assert_equal, draw, draw_ids, redraw

each_attention = pytest.mark.parametrize("name", ATTENTIONS)
seeds = st.integers(0, 2**16)


@st.composite
def readings(draw_):
    """A length, where to cut it into chunks, which tokens are real, and a first capacity."""
    length = draw_(st.integers(1, 12))
    cuts = draw_(st.sets(st.integers(1, length), max_size=length))
    if draw_(st.booleans()):
        cuts = set(range(1, length))  # one token at a time
    ends = sorted({*cuts, length})
    batch, seed = draw_(st.integers(1, 3)), draw_(seeds)
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, length + 1, (batch, 1), generator=generator)
    real = torch.arange(length) < lengths
    real = {
        "none": None,
        "right": real,
        "left": real.flip(1),
        "holes": torch.rand(batch, length, generator=generator) < 0.7,
    }[draw_(st.sampled_from(["none", "right", "left", "holes"]))]
    chunks = list(zip([0, *ends[:-1]], ends, strict=True))
    return batch, length, chunks, real, draw_(st.sampled_from([1, 2, 64])), seed


def shown(real, end):
    """The mask of the keys up to ``end``."""
    return None if real is None else padding_mask(real[:, :end])


# --- cached == uncached -------------------------------------------------------------------


@each_attention
@settings(deadline=None, max_examples=25)
@given(reading=readings(), return_weights=st.booleans())
def test_reading_in_chunks_is_reading_at_once(name, reading, return_weights):
    batch, length, chunks, real, capacity, seed = reading
    layer = redraw(ATTENTIONS[name](8, 2), seed)
    x, cache, found, seen = draw(batch, length, 8, seed=seed), KVCache(capacity), [], []
    with torch.no_grad():
        expected, weights = layer(x, mask=shown(real, length), is_causal=True, return_weights=True)
        for start, end in chunks:
            options = {"mask": shown(real, end), "is_causal": True}
            output = cache.attend(layer, x[:, start:end], **options, return_weights=return_weights)
            if return_weights:
                assert_equal(output[1], weights[:, :, start:end, :end])
                output = output[0]
            found.append(output)
            seen.append(cache.length)
    assert_equal(torch.cat(found, dim=1), expected)
    assert seen == [end for _, end in chunks]


@settings(deadline=None, max_examples=40)
@given(
    reading=readings(),
    attend=st.sampled_from(list(ATTENDS)),
    norm_first=st.booleans(),
    grouped=st.booleans(),
)
def test_an_encoder_layer_reads_in_chunks_as_at_once(reading, attend, norm_first, grouped):
    batch, length, chunks, real, capacity, seed = reading
    layer = EncoderLayer(8, 2, 12, norm_first=norm_first, attend=ATTENDS[attend](2))
    if grouped:
        layer.self_attention = GroupedQueryAttention(8, 2, 1, attend=ATTENDS[attend](2))
    redraw(layer, seed)
    x, cache = draw(batch, length, 8, seed=seed), KVCache(capacity)
    with torch.no_grad():
        expected = layer(x, mask=shown(real, length), is_causal=True)
        found = [
            layer(x[:, start:end], mask=shown(real, end), is_causal=True, cache=cache)
            for start, end in chunks
        ]
    assert_equal(torch.cat(found, dim=1), expected)


@settings(deadline=None, max_examples=40)
@given(
    reading=readings(),
    attend=st.sampled_from(list(ATTENDS)),
    norm_first=st.booleans(),
    memory_length=st.integers(1, 5),
    return_weights=st.booleans(),
)
def test_a_decoder_layer_writes_in_chunks_as_at_once(
    reading, attend, norm_first, memory_length, return_weights
):
    batch, length, chunks, real, capacity, seed = reading
    layer = redraw(DecoderLayer(8, 2, 12, norm_first=norm_first, attend=ATTENDS[attend](2)), seed)
    x, memory = draw(batch, length, 8, seed=seed), draw(batch, memory_length, 8, seed=seed + 1)
    memory_mask = padding_mask(draw(batch, memory_length, seed=seed + 2) > 0)
    cache, found = (KVCache(capacity), MemoryCache()), []
    with torch.no_grad():
        expected, weights, cross = layer(
            x, memory, mask=shown(real, length), memory_mask=memory_mask, return_weights=True
        )
        for start, end in chunks:
            output = layer(
                x[:, start:end],
                memory,
                mask=shown(real, end),
                memory_mask=memory_mask,
                cache=cache,
                return_weights=return_weights,
            )
            if return_weights:
                assert_equal(output[1], weights[:, :, start:end, :end])
                assert_equal(output[2], cross[:, :, start:end])
                output = output[0]
            found.append(output)
    assert_equal(torch.cat(found, dim=1), expected)


def transformer(seed=0, **options):
    sizes = {"d_model": 8, "num_heads": 2, "d_ff": 12, "num_layers": 2, "dropout": 0.0}
    return redraw(Transformer(TransformerConfig(11, **(sizes | options))), seed).eval()


@settings(deadline=None, max_examples=60)
@given(
    reading=readings(),
    source_length=st.integers(1, 5),
    norm_first=st.booleans(),
    positions=st.sampled_from(["sinusoidal", "learned"]),
)
def test_the_transformer_writes_in_chunks_as_at_once(reading, source_length, **options):
    batch, length, chunks, real, capacity, seed = reading
    net = transformer(seed, max_length=12, **options)
    source, target = (draw_ids(batch, n, below=11, seed=seed) for n in (source_length, length))
    mask = draw(batch, source_length, seed=seed) > 0
    cache = Cache(2, capacity)
    with torch.no_grad():
        memory = net.encode(source, mask=mask)
        expected = net.decode(target, memory, mask=mask, target_mask=real)
        found = []
        for start, end in chunks:
            assert cache.length == start
            found.append(
                net.decode(
                    target[:, start:end],
                    memory,
                    mask=mask,
                    target_mask=None if real is None else real[:, :end],
                    cache=cache,
                )
            )
    assert_equal(torch.cat(found, dim=1), expected)
    assert cache.length == length


def test_what_is_cached_is_not_computed_again():
    layer, cache = redraw(MultiHeadAttention(8, 2)), KVCache()
    x = draw(1, 6, 8)
    with torch.no_grad():
        expected = layer(x, is_causal=True)
        cache.attend(layer, x[:, :5], is_causal=True)
        sizes = []
        layer.to_heads, of_class = (
            lambda query, *rest: sizes.append(query.size(1)) or of_class(query, *rest),
            layer.to_heads,
        )
        assert_equal(cache.attend(layer, x[:, 5:], is_causal=True), expected[:, 5:])
    assert sizes == [1]


def test_a_memory_is_mapped_once():
    net, calls = transformer(), []
    target, memory = draw_ids(2, 4, below=11), draw(2, 3, 8)
    for layer in net.decoder:
        attention = layer.cross_attention
        attention.to_heads = lambda *given, a=attention: (
            calls.append(a) or MultiHeadAttention.to_heads(a, *given)
        )
    cache = Cache(2)
    with torch.no_grad():
        expected = net.decode(target, memory)
        calls.clear()
        found = [net.decode(target[:, t : t + 1], memory, cache=cache) for t in range(4)]
        assert len(calls) == 2, "one for each layer"
        assert_equal(torch.cat(found, dim=1), expected)


def test_without_a_cache_the_attention_itself_is_called():
    layer = MultiHeadAttention(8, 2)
    assert with_cache(layer, None) is layer
    cache = KVCache()
    with torch.no_grad():
        x = torch.ones(1, 3, 8)
        assert_equal(with_cache(layer, cache)(x, is_causal=True), layer(x, is_causal=True), 1e-6)
    assert cache.length == 3


# --- growing ------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(
    capacity=st.integers(1, 9),
    lengths=st.lists(st.integers(0, 9), min_size=1, max_size=8),
    seed=seeds,
)
def test_keys_and_values_come_back_in_the_order_in_which_they_were_added(capacity, lengths, seed):
    cache = KVCache(capacity)
    keys, values = (draw(2, 3, sum(lengths), d, seed=seed) for d in (4, 5))
    end = 0
    for length in lengths:
        start, end = end, end + length
        found = cache.append(keys[:, :, start:end], values[:, :, start:end])
        assert cache.length == end
        assert torch.equal(found[0], keys[:, :, :end])
        assert torch.equal(found[1], values[:, :, :end])


def test_room_doubles_so_that_few_tokens_are_ever_moved():
    cache, places = KVCache(4), []
    one = torch.ones(1, 1, 1, 2)
    for _ in range(1000):
        places.append(cache.append(one, one)[0].data_ptr())
    moves = sum(a != b for a, b in pairwise(places))
    assert moves <= 8, "4, 8, 16, ... 1024"


def test_the_capacity_is_only_a_beginning():
    small, large = KVCache(1), KVCache(4096)
    x = draw(1, 2, 100, 4)
    for cache in (small, large):
        assert torch.equal(cache.append(x, x)[0], x)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_a_cache_takes_the_dtype_of_what_it_keeps(dtype):
    cache = KVCache()
    x = draw(1, 2, 3, 4, dtype=dtype)
    assert all(kept.dtype == dtype for kept in cache.append(x, x))


def test_what_was_added_later_does_not_change_what_came_before():
    cache = KVCache(8)
    first, second = draw(1, 2, 3, 4), draw(1, 2, 3, 4, seed=1)
    kept, _ = cache.append(first, first)
    cache.append(second, second)
    assert torch.equal(kept, first)
    first.zero_()
    assert not (kept == 0).any(), "a copy, not the tensor itself"


# --- rows ---------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(
    batch=st.integers(1, 4),
    before=st.integers(1, 5),
    after=st.integers(1, 4),
    capacity=st.sampled_from([1, 64]),
    data=st.data(),
    seed=seeds,
)
def test_selected_rows_go_on_as_if_they_had_been_alone(batch, before, after, capacity, data, seed):
    rows = torch.tensor(data.draw(st.lists(st.integers(0, batch - 1), min_size=1, max_size=6)))
    net, cache = transformer(seed), Cache(2, capacity)
    source = draw_ids(batch, 4, below=11, seed=seed)
    mask = draw(batch, 4, seed=seed) > -0.5
    start = draw_ids(batch, before, below=11, seed=seed + 1)
    more = draw_ids(len(rows), after, below=11, seed=seed + 2)
    with torch.no_grad():
        memory = net.encode(source, mask=mask)
        net.decode(start, memory, mask=mask, cache=cache)
        cache.select(rows)
        assert cache.length == before
        options = {"mask": mask[rows], "cache": cache}
        found = [net.decode(more[:, t : t + 1], memory[rows], **options) for t in range(after)]
        whole = torch.cat([start[rows], more], dim=1)
        expected = net(source[rows], whole, mask=mask[rows]).logits[:, before:]
    assert_equal(torch.cat(found, dim=1), expected)


@each_attention
def test_one_attention_goes_on_with_selected_rows(name):
    layer, cache = redraw(ATTENTIONS[name](8, 2)), KVCache(2)
    x, rows = draw(3, 6, 8), torch.tensor([2, 0, 0, 1])
    with torch.no_grad():
        cache.attend(layer, x[:, :4], is_causal=True)
        cache.select(rows)
        found = cache.attend(layer, x[rows, 4:], is_causal=True)
        assert_equal(found, layer(x[rows], is_causal=True)[:, 4:])


def test_one_source_serves_several_hypotheses_when_it_is_repeated():
    net, cache, rows = transformer(), Cache(2), torch.tensor([3, 1, 1, 0])
    target, memory = draw_ids(4, 3, below=11), draw(1, 3, 8)
    with torch.no_grad():
        with pytest.raises(ValueError, match=r"target has 4 rows and memory.* 1; .*repeat"):
            net.decode(target[:, :2], memory, cache=cache)
        memory = memory.repeat(4, 1, 1)
        net.decode(target[:, :2], memory, cache=cache)
        cache.select(rows)
        found = net.decode(target[:, 2:], memory, cache=cache)
        whole = torch.cat([target[rows, :2], target[:, 2:]], dim=1)
        assert_equal(found, net.decode(whole, memory)[:, 2:])


def test_an_empty_cache_has_no_rows_to_select():
    cache = Cache(2)
    cache.select(torch.tensor([0, 1]))
    assert cache.length == 0


# --- gradients, modes ---------------------------------------------------------------------


def test_a_model_whose_parameters_are_frozen_needs_no_no_grad():
    layer = redraw(MultiHeadAttention(8, 2)).requires_grad_(False)
    x, cache = draw(1, 4, 8), KVCache()
    found = [cache.attend(layer, x[:, t : t + 1], is_causal=True) for t in range(4)]
    assert_equal(torch.cat(found, dim=1), layer(x, is_causal=True))


def test_inference_mode_fills_a_cache_too():
    net, target, memory = transformer(), draw_ids(2, 4, below=11), draw(2, 3, 8)
    with torch.inference_mode():
        cache = Cache(2, 1)
        found = [net.decode(target[:, t : t + 1], memory, cache=cache) for t in range(4)]
        assert_equal(torch.cat(found, dim=1), net.decode(target, memory))
        cache.select(torch.tensor([1]))
    assert cache.length == 4


def test_a_failed_call_leaves_the_cache_as_it_was():
    layer, cache = redraw(MultiHeadAttention(8, 2)), KVCache()
    x = draw(1, 4, 8)
    with torch.no_grad():
        cache.attend(layer, x[:, :2], is_causal=True)
        with pytest.raises(ValueError, match="mask has shape"):
            cache.attend(layer, x[:, 2:], mask=torch.ones(1, 1, 1, 9).bool(), is_causal=True)
        assert cache.length == 2
        found = cache.attend(layer, x[:, 2:], is_causal=True)
        assert_equal(found, layer(x, is_causal=True)[:, 2:])


# --- bad input ----------------------------------------------------------------------------


def x(*shape, **options):
    return torch.ones(shape or (2, 3, 4, 5), **options)


def appended(*pairs):
    cache = KVCache()
    for key, value in pairs:
        cache.append(key, value)


def selected(rows):
    cache = KVCache()
    cache.append(x(), x())
    cache.select(rows)


def with_gradient():
    KVCache().attend(MultiHeadAttention(8, 2), x(1, 3, 8), is_causal=True)


def decoded_with_gradient():
    transformer().decode(draw_ids(1, 2, below=11), draw(1, 3, 8), cache=Cache(2))


def other_batch():
    net, cache = transformer(), Cache(2)
    with torch.no_grad():
        net.decode(draw_ids(2, 3, below=11), draw(2, 3, 8), cache=cache)
        net.decode(draw_ids(3, 1, below=11), draw(3, 3, 8), cache=cache)


def mask_of_new_tokens_alone():
    net, cache = transformer(), Cache(2)
    options = {"cache": cache, "target_mask": torch.ones(2, 3).bool()}
    with torch.no_grad():
        net.decode(draw_ids(2, 3, below=11), draw(2, 3, 8), **options)
        net.decode(draw_ids(2, 3, below=11), draw(2, 3, 8), **options)


def beyond_the_table():
    net, cache = transformer(positions="learned", max_length=4), Cache(2)
    with torch.no_grad():
        net.decode(draw_ids(2, 3, below=11), draw(2, 3, 8), cache=cache)
        net.decode(draw_ids(2, 2, below=11), draw(2, 3, 8), cache=cache)


# name: (call, error, what was given, what was expected, the likely fix)
BAD_INPUT = {
    "no capacity": (lambda: KVCache(0), ValueError, "capacity=0", "at least 1", ""),
    "capacity as a float": (
        lambda: KVCache(2.5), TypeError, "capacity is 2.5", "an integer", "",
    ),
    "no layers": (lambda: Cache(0), ValueError, "num_layers=0", "at least 1", ""),
    "layers as a float": (lambda: Cache(2.0), TypeError, "num_layers is 2.0", "an integer", ""),
    "a cache without capacity": (
        lambda: Cache(2, 0), ValueError, "capacity=0", "at least 1", "",
    ),
    "gradients": (
        with_gradient, RuntimeError, "requires a gradient", "for inference", "no_grad",
    ),
    "gradients of a model": (
        decoded_with_gradient, RuntimeError, "requires a gradient", "for inference", "no_grad",
    ),
    "another batch": (
        lambda: appended((x(), x()), (x(1, 3, 1, 5), x(1, 3, 1, 5))),
        ValueError, r"new positions have shape \(1, 3, 1, 5\)", r"\(2, 3, .*5\)", "a new one",
    ),
    "another batch of a model": (
        other_batch, ValueError, r"new positions have shape \(3, ", r"\(2, 2, ", "a new one",
    ),
    "other heads": (
        lambda: appended((x(), x()), (x(2, 1, 1, 5), x(2, 1, 1, 5))),
        ValueError, r"shape \(2, 1, 1, 5\)", r"\(2, 3, ", "a new one",
    ),
    "another width": (
        lambda: appended((x(), x()), (x(2, 3, 1, 6), x(2, 3, 1, 6))),
        ValueError, r"shape \(2, 3, 1, 6\)", r"\(2, 3, .*5\)", "a new one",
    ),
    "another dtype": (
        lambda: appended((x(), x()), (x().double(), x().double())),
        TypeError, "float64", "float32", "",
    ),
    "lengths of key and value": (
        lambda: appended((x(), x(2, 3, 2, 5))),
        ValueError, "key has length 4 and value has length 2", "one value for every key", "",
    ),
    "a list": (
        lambda: appended(([1.0], [1.0])), TypeError, "key is a list", "torch.Tensor", "",
    ),
    "rows as a list": (
        lambda: selected([0, 1]), TypeError, "rows is a list", "tensor", "torch.tensor",
    ),
    "rows as a mask": (
        lambda: selected(torch.tensor([True, False])),
        TypeError, "rows has dtype bool", "int64", "nonzero",
    ),
    "rows beyond the batch": (
        lambda: selected(torch.tensor([0, 2])), (ValueError, IndexError), "2", "", "",
    ),
    "a mask of the new tokens alone": (
        mask_of_new_tokens_alone,
        ValueError, r"mask of target has shape \(2, 3\)", r"\(2, 6\)", "one entry a token",
    ),
    "more tokens than the table of positions has": (
        beyond_the_table, ValueError, "positions 3 to 4", "below max_length=4", "shorten",
    ),
    "no attention": (
        lambda: with_cache(None, KVCache())(x(1, 3, 8)),
        (TypeError, AttributeError), "NoneType", "", "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_names_what_was_given_expected_and_the_fix(case):
    call, error, given_, expected, fix = BAD_INPUT[case]
    with pytest.raises(error, match=given_) as raised:
        call()
    for part in (expected, fix):
        assert raised.match(part)


def test_rotary_positions_go_on_counting_in_a_cache():
    """A cache that forgot how many came before would give each token position 0."""
    layer, cache = redraw(MultiHeadAttention(8, 2, attend=RotaryAttention())), KVCache()
    x = draw(1, 1, 8).expand(1, 5, 8)
    with torch.no_grad():
        found = [
            cache.attend(layer, x[:, t : t + 1], is_causal=True, return_weights=True)[1]
            for t in range(5)
        ]
    assert found[4][0, 0, 0].unique().numel() == 5
