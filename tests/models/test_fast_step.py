"""A GPT's step without its modules gives the numbers of the step with them, or is not taken."""

import pytest
import torch
from torch import nn

from attention_lib.cache import Cache
from attention_lib.fast_step import FastStep
from attention_lib.generation import generate
from attention_lib.grouped_query import GroupedQueryAttention
from attention_lib.masks import length_mask
from attention_lib.models import BERT, GPT, BERTConfig, GPTConfig
from attention_lib.positions import RotaryAttention
from tests.reference import draw_ids, redraw


def gpt(activation="gelu_tanh", dtype=torch.float64):
    shape = {"d_model": 12, "num_heads": 3, "num_layers": 3, "max_length": 40}
    return redraw(GPT(GPTConfig(19, activation=activation, **shape))).to(dtype).eval()


@torch.no_grad()
@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "relu", "swiglu"])
@pytest.mark.parametrize("is_padded", [False, True])
def test_the_numbers_are_those_of_the_model(activation, is_padded):
    model, ids = gpt(activation), draw_ids(3, 12, below=19)
    real = length_mask(torch.tensor([12, 9, 5]), 12).flip(1) if is_padded else None
    fast, slow = Cache(3), Cache(3)
    before = None if real is None else real[:, :7]
    for cache in (fast, slow):
        model(ids[:, :7], mask=before, cache=cache)
    step = FastStep(model)
    for end in range(8, 13):
        token, mask = ids[:, end - 1 : end], None if real is None else real[:, :end]
        expected = model.next_logits(token, mask=mask, cache=slow)
        assert torch.equal(step(token, mask, fast), expected)
    assert fast.length == slow.length == 12


def written(model, **options):
    """Draw: a small model left to its likeliest token would say the same one again and again."""
    generator = torch.Generator().manual_seed(0)
    prompt = draw_ids(8, 4, below=19)
    return generate(model, prompt, max_length=20, temperature=1.0, generator=generator, **options)


def replace_attention(model):
    model.layers[1].self_attention = GroupedQueryAttention(12, 3, 1).double()


def replace_attend(model):
    model.layers[2].self_attention.attend = RotaryAttention()


def replace_a_map(model):
    class Twice(nn.Linear):
        def forward(self, x):
            return 2 * super().forward(x)

    model.layers[0].feed_forward.up = Twice(12, 48).double()


def add_a_hook(model):
    model.layers[1].register_forward_hook(lambda module, given, output: 2 * output)


def exchange_forward(model):
    model.layers[0].feed_forward.forward = lambda x: x


def parametrize(model):
    nn.utils.parametrizations.weight_norm(model.layers[0].self_attention.out_map)
    with torch.no_grad():
        model.layers[0].self_attention.out_map.parametrizations.weight.original0 *= 3


@pytest.mark.parametrize(
    "change",
    [
        replace_attention,
        replace_attend,
        replace_a_map,
        add_a_hook,
        exchange_forward,
        parametrize,
    ],
)
def test_a_changed_model_writes_what_it_says_itself(change):
    model = gpt()
    assert FastStep.fits(model)
    unchanged = written(model)
    change(model)
    assert not FastStep.fits(model)
    model.eval()
    assert written(model) == written(model, use_cache=False) != unchanged


def test_it_is_for_gpt_alone():
    config = BERTConfig(9, d_model=4, num_heads=1, d_ff=8, num_layers=1, max_length=8)
    assert not FastStep.fits(BERT(config))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_trained_between_two_texts_is_seen(dtype):
    model = gpt(dtype=dtype)
    before = written(model)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(-1)
    assert written(model) != before
