"""Writing greedily and with beams, against plain loops without caches or batches."""

import itertools
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_lib.generation import generate
from attention_lib.masks import length_mask
from attention_lib.models.transformer import Transformer, TransformerConfig
from bench.translation import TABLE, summary
from tests.reference import draw_ids, redraw

START, STOP = 1, 2
TOLD = {"start_id": START, "stop_id": STOP}


def model(vocab=7, seed=0):
    config = TransformerConfig(vocab, d_model=8, num_heads=2, d_ff=16, num_layers=2, dropout=0.0)
    return redraw(Transformer(config), seed).eval()


def log_probs(transformer, source, written):
    """Of the next token, without a cache."""
    target = torch.tensor([[START, *written]])
    with torch.no_grad():
        return torch.log_softmax(transformer(source, target).logits[0, -1].float(), -1).tolist()


def plain_greedy(transformer, source, max_length):
    written = []
    for _ in range(max_length):
        scores = log_probs(transformer, source, written)
        written.append(max(range(len(scores)), key=scores.__getitem__))
        if written[-1] == STOP:
            return written[:-1]
    return written


def plain_beams(transformer, source, max_length, beams, penalty):
    kept, ended = [(0.0, [])], []
    for length in range(1, max_length + 1):
        grown = [
            (score + following, [*written, token])
            for score, written in kept
            for token, following in enumerate(log_probs(transformer, source, written))
        ]
        grown.sort(reverse=True)
        for score, written in grown[:beams]:
            if written[-1] == STOP or length == max_length:
                ended.append((score / length**penalty, written))
        ended = sorted(ended, reverse=True)[:beams]
        kept = [found for found in grown if found[1][-1] != STOP][:beams]
        if len(ended) == beams and kept[0][0] / length**penalty <= ended[-1][0]:
            break
    best = ended[0][1]
    return best[:-1] if best[-1] == STOP else best


@pytest.mark.parametrize("seed", range(6))
def test_greedy_writes_what_a_loop_without_a_cache_writes(seed):
    transformer, source = model(seed=seed), draw_ids(5, 4, below=7, seed=seed)
    expected = [plain_greedy(transformer, row[None], 9) for row in source]
    assert generate(transformer, source, max_length=9, **TOLD) == expected


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    beams=st.integers(2, 9),
    max_length=st.integers(1, 6),
    penalty=st.sampled_from([0.0, 0.5, 1.0, 2.0, -1.0]),
)
def test_beam_search_finds_what_a_plain_one_finds(seed, beams, max_length, penalty):
    transformer, source = model(seed=seed), draw_ids(3, 4, below=7, seed=seed)
    expected = [plain_beams(transformer, row[None], max_length, beams, penalty) for row in source]
    told = {"max_length": max_length, "num_beams": beams, "length_penalty": penalty} | TOLD
    assert generate(transformer, source, **told) == expected


@pytest.mark.parametrize("seed", range(5))
def test_enough_beams_find_the_likeliest_of_all_sequences(seed):
    transformer, source = model(vocab=4, seed=seed), draw_ids(1, 3, below=4, seed=seed)

    def score(written):
        total = sum(
            log_probs(transformer, source, written[:i])[token] for i, token in enumerate(written)
        )
        return total / len(written)

    tokens = range(4)
    ended = [w for n in (1, 2, 3) for w in itertools.product(tokens, repeat=n)]
    ended = [w for w in ended if STOP not in w[:-1] and (w[-1] == STOP or len(w) == 3)]
    best = max(ended, key=score)
    told = {"max_length": 3, "num_beams": 64} | TOLD
    assert generate(transformer, source, **told) == [[t for t in best if t != STOP]]


@pytest.mark.parametrize("beams", [1, 3])
def test_padding_and_other_rows_of_the_batch_change_nothing(beams):
    transformer, source = model(seed=3), draw_ids(3, 6, below=7)
    lengths = torch.tensor([6, 4, 2])
    told = {"max_length": 8, "num_beams": beams} | TOLD
    together = generate(transformer, source, mask=length_mask(lengths, 6), **told)
    alone = [
        generate(transformer, row[None, :length], **told)[0]
        for row, length in zip(source, lengths, strict=True)
    ]
    assert together == alone


def test_nothing_is_written_that_is_longer_than_asked():
    written = generate(model(), draw_ids(4, 3, below=7), max_length=2, **TOLD)
    assert all(len(row) <= 2 and STOP not in row for row in written)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"start_id": 7}, "start_id=7; expected 0 to 6"),
        ({"stop_id": -1}, "stop_id=-1; expected 0 to 6"),
        ({"max_length": 0}, "max_length=0"),
        ({"num_beams": 0}, "num_beams=0"),
        ({"start_id": 1.5}, "start_id is 1.5; expected an integer"),
        ({"stop_id": "<stop>"}, "stop_id is '<stop>'; expected an integer"),
        ({"length_penalty": float("nan")}, "length_penalty=nan"),
        ({"length_penalty": 1000.0}, "length_penalty=1000.0"),
        ({"length_penalty": "1"}, "length_penalty is '1'"),
        ({"model": model().train()}, "in training mode.*model.eval"),
        ({"model": torch.nn.Linear(2, 2)}, "model is a Linear; expected a Transformer"),
    ],
)
def test_bad_input_names_what_was_given_and_expected(changed, message):
    told = {"model": model(), "source": draw_ids(1, 3, below=7), "max_length": 4} | TOLD
    with pytest.raises((TypeError, ValueError), match=message):
        generate(**(told | changed))


@pytest.mark.parametrize("beams", [1, 2])
def test_a_model_whose_training_diverged_is_told_from_one_that_writes(beams):
    transformer = model()
    with torch.no_grad():
        transformer.target_embedding.weight.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="did the training diverge"):
        generate(transformer, draw_ids(1, 3, below=7), max_length=3, num_beams=beams, **TOLD)


def test_chapter_8_shows_what_was_measured():
    path = Path(__file__).parents[1] / "chapters/08_encoder_decoder.ipynb"
    cell = next(cell for cell in nbformat.read(path, as_version=4).cells if cell.id == "longer")
    assert summary(pd.read_csv(TABLE)).strip() in cell.source
