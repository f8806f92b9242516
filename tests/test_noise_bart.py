"""BART's noises: what stays, what goes, and how often."""

import random
from collections import Counter
from math import exp, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attention_lib.noise import delete, draw_spans, hide, infill, permute_sentences, rotate

TEXT = [*["anna", "met", "ben", ".", "they", "played", "in", "dover", "."], "it", "rained", "."]
texts = st.lists(st.integers(0, 5), max_size=30)
seeds = st.integers(0, 10_000)


def test_a_hidden_token_leaves_a_mask_in_its_place():
    damaged = hide(TEXT, "_", random.Random(0), share=0.5)
    assert len(damaged) == len(TEXT)
    assert all(there in (token, "_") for token, there in zip(TEXT, damaged, strict=True))
    assert 0 < damaged.count("_") < len(TEXT)


def test_a_deleted_token_leaves_nothing():
    tokens = list(range(100))
    damaged = delete(tokens, random.Random(0), share=0.3)
    assert damaged == sorted(damaged) and len(damaged) < 100
    assert set(damaged) < set(tokens)


@pytest.mark.parametrize("noise", [hide, delete])
def test_the_share_is_kept(noise):
    tokens = list(range(20_000))
    mask = (None,) if noise is hide else ()
    intact = set(noise(tokens, *mask, random.Random(0), share=0.3)) - {None}
    assert abs(1 - len(intact) / 20_000 - 0.3) < 0.015


def test_a_span_of_any_length_leaves_one_mask():
    assert infill(list("abcdef"), [(1, 3)], "_") == list("a_ef")
    assert infill(list("abcdef"), [(0, 1), (1, 5)], "_") == ["_", "_"]
    assert infill(list("abc"), [(2, 0)], "_") == list("ab_c"), "a span of 0 inserts one"
    assert infill(list("abc"), [(3, 0)], "_") == list("abc_")
    assert infill(list("abc"), [], "_") == list("abc")


@given(tokens=texts, seed=seeds, share=st.floats(0, 1))
def test_spans_and_what_they_leave_are_the_whole_text(tokens, seed, share):
    spans = draw_spans(len(tokens), random.Random(seed), share=share)
    assert sum(length for _, length in spans) == round(share * len(tokens))
    rest = iter(infill(tokens, spans, None))
    rebuilt, spans = [], iter(spans)
    for token in rest:
        start, length = next(spans) if token is None else (0, 0)
        rebuilt += tokens[start : start + length] if token is None else [token]
    assert rebuilt == tokens and next(spans, None) is None


def test_lengths_of_spans_are_poisson():
    rng, lengths = random.Random(0), Counter()
    for _ in range(300):
        lengths.update(length for _, length in draw_spans(1000, rng))
    total = sum(lengths.values())
    for k in range(8):  # one span in a hundred is cut short
        expected = exp(-3) * 3**k / factorial(k)
        assert abs(lengths[k] / total - expected) < 0.01, k


def test_tokens_far_from_the_ends_are_covered_alike():
    rng, covered = random.Random(0), Counter()
    for _ in range(4000):
        for start, length in draw_spans(60, rng):
            covered.update(range(start, start + length))
    assert covered.total() == 4000 * 18
    assert all(abs(covered[place] / 4000 - 0.3) < 0.04 for place in range(10, 50))


def test_sentences_change_places_and_stay_whole():
    seen = {tuple(permute_sentences(TEXT, ".", random.Random(seed))) for seed in range(50)}
    whole = {"anna met ben", "they played in dover", "it rained"}
    assert len(seen) == 6, "all orders of three sentences"
    for damaged in seen:
        assert {s.strip() for s in " ".join(damaged).split(" .") if s} == whole


def test_a_rotated_text_is_the_text_from_another_place():
    seen = {tuple(rotate(TEXT, random.Random(seed))) for seed in range(200)}
    twice = TEXT + TEXT
    assert seen == {tuple(twice[i : i + len(TEXT)]) for i in range(len(TEXT))}


@given(tokens=texts.filter(len), seed=seeds)
def test_noises_repeat_and_leave_their_input_alone(tokens, seed):
    before = list(tokens)
    for noise in (
        lambda rng: hide(tokens, -1, rng),
        lambda rng: delete(tokens, rng),
        lambda rng: infill(tokens, draw_spans(len(tokens), rng), -1),
        lambda rng: permute_sentences(tokens, 0, rng),
        lambda rng: rotate(tokens, rng),
    ):
        assert noise(random.Random(seed)) == noise(random.Random(seed))
    assert tokens == before


def test_order_noises_keep_every_token():
    for seed in range(20):
        for damaged in (
            permute_sentences(TEXT, ".", random.Random(seed)),
            rotate(TEXT, random.Random(seed)),
        ):
            assert Counter(damaged) == Counter(TEXT)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rng: hide(TEXT, "_", rng, share=1.5), "share=1.5; expected a number from 0 to 1"),
        (lambda rng: delete(TEXT, rng, share=-0.1), "share=-0.1; expected a number from 0 to 1"),
        (lambda rng: draw_spans(9, rng, mean=0), "mean=0; expected a number from 0.001"),
        (lambda rng: infill(TEXT, [(2, 3), (4, 1)], "_"), r"span \(4, 1\) behind position 5"),
        (
            lambda rng: infill(TEXT, [(10, 3)], "_"),
            r"span \(10, 3\) .* in 12 tokens",
        ),
        (lambda rng: rotate([], rng), "0 tokens"),
    ],
)
def test_bad_calls_are_errors(call, message):
    with pytest.raises(ValueError, match=message):
        call(random.Random(0))


@pytest.mark.parametrize(
    "noise",
    [
        lambda text, rng: hide(text, "_", rng),
        lambda text, rng: delete(text, rng),
        lambda text, rng: infill(text, [(0, 1)], "_"),
        lambda text, rng: permute_sentences(text, ".", rng),
        lambda text, rng: rotate(text, rng),
    ],
)
def test_a_string_is_not_taken_for_a_list_of_letters(noise):
    with pytest.raises(TypeError, match=r"tokens is the string 'anna met ben \.'; .*split"):
        noise("anna met ben .", random.Random(0))


def test_a_mean_without_end_is_refused():
    with pytest.raises(ValueError, match="mean=inf"):
        draw_spans(10, random.Random(0), mean=float("inf"))
