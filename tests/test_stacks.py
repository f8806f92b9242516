"""Stacks of layers: a loop, and what it keeps on the way."""

import pytest
import torch

from attention_lib.cache import Cache
from attention_lib.layers import DecoderLayer, EncoderLayer
from attention_lib.masks import causal_mask
from attention_lib.stacks import DecoderStack, EncoderStack
from tests.reference import draw, redraw


def encoder(count=3):
    return redraw(EncoderStack(EncoderLayer(8, 2, 12) for _ in range(count)))


def decoder(count=2):
    return redraw(DecoderStack(DecoderLayer(8, 2, 12) for _ in range(count)))


def test_an_encoder_stack_is_the_loop_over_its_layers():
    stack, x = encoder(), draw(2, 5, 8)
    mask = causal_mask(5)
    found = stack(x, mask=mask, return_weights=True, return_layers=True)
    assert len(found.weights) == 3 and len(found.layers) == 4 and found.cross_weights == ()
    assert torch.equal(found.layers[0], x) and torch.equal(found.layers[-1], found.hidden)
    for i, layer in enumerate(stack):
        x, weights = layer(x, mask=mask, return_weights=True)
        assert torch.equal(found.layers[i + 1], x) and torch.equal(found.weights[i], weights)


def test_a_decoder_stack_reads_one_memory_in_every_layer():
    stack, x, memory = decoder(), draw(2, 5, 8), draw(2, 4, 8, seed=1)
    found = stack(x, memory, return_weights=True, return_layers=True)
    for i, layer in enumerate(stack):
        x, weights, cross = layer(x, memory, return_weights=True)
        assert torch.equal(found.layers[i + 1], x)
        assert torch.equal(found.weights[i], weights)
        assert torch.equal(found.cross_weights[i], cross)


def test_nothing_is_kept_that_was_not_asked_for():
    assert encoder()(draw(1, 3, 8))[1:] == ((), (), ())
    assert decoder()(draw(1, 3, 8), draw(1, 2, 8))[1:] == ((), (), ())


def test_a_part_of_a_stack_is_a_stack():
    stack, x = encoder(), draw(1, 4, 8)
    lower, upper = stack[:2], stack[2:]
    assert type(lower) is EncoderStack and len(lower) == 2
    assert torch.equal(upper(lower(x).hidden).hidden, stack(x).hidden)


@pytest.mark.parametrize("make", [encoder, decoder])
def test_a_cache_for_other_layers_is_an_error(make):
    inputs = [draw(1, 3, 8)] * (1 + (make is decoder))
    with pytest.raises(ValueError, match=r"cache is for 7 layers; expected \d: Cache\(num_layers"):
        make()(*inputs, cache=Cache(7))
