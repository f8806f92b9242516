"""Writing by lot: tokens come as often as they are likely, and by nobody's lot but ours."""

import math

import pytest
import torch

from attention_lib.generation import generate, stream
from attention_lib.models import GPT, GPTConfig
from tests.reference import draw_ids
from tests.test_sampling import P, share

ROWS, STEPS = 2000, 5


def writer(probabilities):
    """Make a GPT that gives the same probabilities whatever it reads."""
    config = GPTConfig(len(probabilities), 4, 2, num_layers=1, max_length=16)
    gpt = GPT(config).eval()
    with torch.no_grad():
        gpt.norm.weight.zero_()
        gpt.norm.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0]))
        gpt.token_embedding.weight[:, 0] = torch.tensor(probabilities).log()
    return gpt


def assert_drawn_from(counts, probabilities):
    """Each count lies within 5 standard deviations: one test in 10^6 would fail by chance."""
    total = sum(counts)
    for count, p in zip(counts, probabilities, strict=True):
        assert abs(count - total * p) <= 5 * math.sqrt(total * p * (1 - p)), (counts, probabilities)


OPTIONS = [
    ({"temperature": 1.0}, P),
    ({"temperature": 0.5}, share([p**2 for p in P])),
    ({"temperature": 3.0}, share([p ** (1 / 3) for p in P])),
    ({"temperature": 1.0, "top_k": 3}, share(P, [0, 1, 2])),
    ({"temperature": 1.0, "top_p": 0.5}, share(P, [0, 1])),
    ({"temperature": 0.5, "top_k": 4, "top_p": 0.99}, share([p**2 for p in P], [0, 1, 2, 3])),
]


@pytest.mark.parametrize(("options", "expected"), OPTIONS)
@pytest.mark.parametrize("use_cache", [True, False])
def test_tokens_come_as_often_as_they_are_likely(options, expected, use_cache):
    torch.manual_seed(0)
    prompt = torch.zeros(ROWS, 1, dtype=torch.long)
    told = {"max_length": STEPS, "use_cache": use_cache} | options
    rows = torch.tensor(generate(writer(P), prompt, **told))
    assert rows.shape == (ROWS, STEPS)
    assert_drawn_from(torch.bincount(rows.flatten(), minlength=5).tolist(), expected)
    for step in rows.T:
        assert_drawn_from(torch.bincount(step, minlength=5).tolist(), expected)
    # One token says nothing about the next, nor a row about the one below it.
    for pairs in (5 * rows[:, :-1] + rows[:, 1:], 5 * rows[:-1] + rows[1:]):
        counts = torch.bincount(pairs[::2].flatten(), minlength=25).tolist()
        assert_drawn_from(counts, [p * q for p in expected for q in expected])


def test_streamed_tokens_come_as_often_as_they_are_likely():
    torch.manual_seed(1)
    steps = stream(
        writer(P), torch.zeros(ROWS, 1, dtype=torch.long), max_length=STEPS, temperature=1.0
    )
    assert_drawn_from(torch.bincount(torch.tensor(list(steps)).flatten()).tolist(), P)


def test_texts_are_as_long_as_their_stop_token_is_rare():
    torch.manual_seed(2)
    told = {"max_length": 12, "stop_id": 2, "temperature": 1.0}
    rows = generate(writer(P), torch.zeros(ROWS, 1, dtype=torch.long), **told)
    lengths = torch.bincount(torch.tensor([len(row) for row in rows]), minlength=13).tolist()
    goes_on = 1 - P[2]
    expected = [goes_on**n * P[2] for n in range(12)] + [goes_on**12]
    assert_drawn_from(lengths, expected)
    written = torch.bincount(torch.tensor([t for row in rows for t in row]), minlength=5).tolist()
    assert_drawn_from(written, share(P, [0, 1, 3, 4]))


def test_a_penalised_token_comes_less_often():
    torch.manual_seed(3)
    prompt = torch.tensor([[0]]).expand(10_000, 1)
    told = {"max_length": 1, "temperature": 1.0, "repetition_penalty": 2.0}
    rows = torch.tensor(generate(writer(P), prompt, **told))
    # The logits are logarithms of probabilities, negative: twice as large is the square.
    assert_drawn_from(torch.bincount(rows.flatten()).tolist(), share([P[0] ** 2, *P[1:]]))


@pytest.mark.parametrize("temperature", [0.0, 1e-4, 1e-38])
def test_without_temperature_writing_is_greedy(temperature):
    gpt = GPT(GPTConfig(17, 8, 2, num_layers=2, max_length=12)).eval()
    prompt = draw_ids(5, 3, below=17)
    greedy = generate(gpt, prompt, max_length=9)
    assert generate(gpt, prompt, max_length=9, temperature=temperature) == greedy
    assert generate(gpt, prompt, max_length=9, temperature=5.0, top_k=1) == greedy
    assert generate(gpt, prompt, max_length=9, temperature=5.0, top_p=1e-6) == greedy
    assert generate(gpt, prompt, max_length=9, num_beams=1) == greedy


def test_a_generator_draws_the_same_again_and_touches_no_other():
    prompt = torch.zeros(20, 1, dtype=torch.long)

    def write(seed):
        generator = torch.Generator().manual_seed(seed)
        return generate(gpt, prompt, max_length=4, temperature=1.0, generator=generator)

    gpt, before = writer(P), torch.get_rng_state()
    assert write(5) == write(5) != write(6)
    assert torch.equal(torch.get_rng_state(), before)
    own = torch.Generator().manual_seed(5)
    steps = stream(gpt, prompt, max_length=4, temperature=1.0, generator=own)
    assert [list(row) for row in zip(*steps, strict=True)] == write(5)
