"""Tokens written are those that ``generate`` of ``transformers`` writes.

What theirs does besides is switched off: it takes ``pad_token_id`` in a prompt for padding unless
it gets a mask, fills in a generation config that says None from the model's, forces BART's last
token (``forced_eos_token_id``), penalises padding, and counts the prompt in ``max_length``.
"""

import itertools
import random

import pytest
import torch
from transformers import GenerationConfig

from attention_lib.generation import generate, stream
from attention_lib.masks import length_mask
from tests.models.peers import LENGTH, VOCAB, ours_of, peer
from tests.reference import draw_ids

PROMPT = 5
both = pytest.mark.parametrize("name", ["GPT", "BART"])
seeds = pytest.mark.parametrize("seed", range(6))


class Pair:
    """The same model twice, and what both are asked."""

    def __init__(self, name, seed, folder):
        self.theirs = peer(name, seed)
        self.ours = ours_of(self.theirs, name, folder)
        self.theirs.generation_config = GenerationConfig()  # it would fill in what is None
        self.is_gpt = name == "GPT"
        start = None if self.is_gpt else self.ours.config.start_id
        self.own_start = {} if self.is_gpt else {"start_id": start}
        self.told = {} if self.is_gpt else {"decoder_start_token_id": start}
        # Tokens that fill the table of positions, and one more: the last is not read.
        self.room = LENGTH - (PROMPT if self.is_gpt else 1) + 1
        self.source = draw_ids(3, PROMPT, below=VOCAB, seed=seed)
        self.mask = length_mask(torch.tensor([PROMPT, 3, 1]), PROMPT)
        if self.is_gpt:  # padding on the left, and of a token that is penalised anyhow
            self.mask = self.mask.flip(1)
            self.source = torch.where(self.mask, self.source, self.source[:, -1:])

        free = self.written_by_ours(None, (), self.room)
        # Nothing ends a text, or one token that is written, or several.
        self.stops = [(), (free[0][2],), tuple({free[0][1], free[1][3], free[2][2], 0})]

    def written_by_theirs(self, mask, stops, max_length, **options):
        mask = torch.ones_like(self.source) if mask is None else mask.long()
        options = {"pad_token_id": 0, "eos_token_id": list(stops) or None, **self.told, **options}
        config = GenerationConfig(max_new_tokens=max_length, **options)
        rows = self.theirs.generate(self.source, attention_mask=mask, generation_config=config)
        rows = rows[:, PROMPT if self.is_gpt else 1 :].tolist()
        return [list(itertools.takewhile(lambda token: token not in stops, row)) for row in rows]

    def written_by_ours(self, mask, stops, max_length, **options):
        told = {"mask": mask, "stop_id": stops, "max_length": max_length} | self.own_start
        return generate(self.ours, self.source, **told, **options)

    def streamed(self, mask, stops, max_length, **options):
        told = {"mask": mask, "stop_id": stops, "max_length": max_length} | self.own_start
        rows = [[] for _ in self.source]
        for step in stream(self.ours, self.source, **told, **options):
            for row, token in zip(rows, step, strict=True):
                row += [] if token is None else [token]
        return rows


def some(seed, count, **choices):
    """Draw some of all ways to choose one of each, and the first one always."""
    every = [dict(zip(choices, each, strict=True)) for each in itertools.product(*choices.values())]
    return [every[0], *random.Random(seed).sample(every[1:], count - 1)]


@both
@seeds
def test_greedy_writes_what_theirs_writes(name, seed, tmp_path):
    pair, lengths = Pair(name, seed, tmp_path), set()
    for way in some(seed, 6, stops=pair.stops, mask=(None, pair.mask), penalty=(1.0, 1.3, 0.7)):
        asked = (way["mask"], way["stops"], pair.room)
        options = {"repetition_penalty": way["penalty"]}
        expected = pair.written_by_theirs(*asked, do_sample=False, **options)
        for use_cache in (True, False):
            assert pair.written_by_ours(*asked, **options, use_cache=use_cache) == expected, way
        assert pair.streamed(*asked, **options) == expected, way
        lengths |= {len(row) for row in expected}
    assert max(lengths) == pair.room > min(lengths)


@both
@seeds
def test_beams_write_what_theirs_write(name, seed, tmp_path):
    pair, lengths, is_greedy = Pair(name, seed, tmp_path), set(), []
    for way in some(
        seed,
        8,
        num_beams=(3, 2, 5),
        stops=pair.stops,
        mask=(None, pair.mask),
        length_penalty=(1.0, 0.0, 0.5, 2.0, -1.0),
        max_length=(pair.room, 3),
        repetition_penalty=(1.0, 1.4),
    ):
        asked = [way.pop(key) for key in ("mask", "stops", "max_length")]
        expected = pair.written_by_theirs(*asked, do_sample=False, early_stopping=False, **way)
        for use_cache in (True, False):
            found = pair.written_by_ours(*asked, **way, use_cache=use_cache)
            assert found == expected, (asked, way, use_cache)
        lengths |= {len(row) for row in expected}
        penalty = way["repetition_penalty"]
        is_greedy.append(pair.written_by_ours(*asked, repetition_penalty=penalty) == expected)
    assert max(lengths) == pair.room > min(lengths)
    assert not all(is_greedy)


SAMPLING = [
    {"temperature": 1.0},
    {"temperature": 0.7},
    {"temperature": 1.5, "top_k": 5},
    {"temperature": 3.0, "top_p": 0.7},
    {"temperature": 5.0, "top_k": 10, "top_p": 0.5},
    {"temperature": 2.0, "top_k": 10, "top_p": 0.8, "repetition_penalty": 1.3},
    {"temperature": 4.0, "top_k": 1},
    {"temperature": 4.0, "top_p": 0.01},
    {"temperature": 4.0, "top_k": VOCAB + 5, "top_p": 1.0},
]


@both
@seeds
def test_the_same_lots_draw_what_theirs_draws(name, seed, tmp_path):
    pair, drawn = Pair(name, seed, tmp_path), set()
    for way in some(seed, 6, options=SAMPLING, stops=pair.stops, mask=(None, pair.mask)):
        asked, options = (way["mask"], way["stops"], pair.room), way["options"]
        torch.manual_seed(seed)
        theirs = {"top_k": 0, "top_p": 1.0} | options
        expected = pair.written_by_theirs(*asked, do_sample=True, **theirs)
        for write in (pair.written_by_ours, pair.streamed):
            for use_cache in (True, False):
                torch.manual_seed(seed)
                assert write(*asked, **options, use_cache=use_cache) == expected, way
        drawn |= {token for row in expected for token in row}
    assert len(drawn) > 10


def test_the_last_position_is_the_last(tmp_path):
    for name in ("GPT", "BART"):
        pair = Pair(name, 0, tmp_path / name)
        assert [len(row) for row in pair.written_by_ours(None, (), pair.room)] == [pair.room] * 3
        with pytest.raises(ValueError, match=f"expected at most max_length={pair.room}, or a sh"):
            pair.written_by_ours(None, (), pair.room + 1)


@pytest.mark.parametrize("name", ["BART", "BART, other ids"])
def test_without_ids_of_its_own_generate_takes_those_of_the_folder(name, tmp_path):
    pair = Pair(name, 1, tmp_path)
    stop = pair.theirs.config.eos_token_id
    config = GenerationConfig.from_model_config(pair.theirs.config)
    source, mask = pair.source, torch.ones_like(pair.source)
    rows = pair.theirs.generate(
        source, attention_mask=mask, generation_config=config, max_new_tokens=pair.room
    )
    assert (rows[:, 0] == pair.theirs.config.decoder_start_token_id).all()
    expected = [row[: row.index(stop)] if stop in row else row for row in rows[:, 1:].tolist()]
    assert generate(pair.ours, source, max_length=pair.room) == expected
