"""BERT's masking: what is chosen, and what becomes of it."""

import pytest
import torch

from attention_lib.noise import mask_tokens

MASK, WORDS = 3, torch.arange(4, 1000)


def draw(seed=0, share=0.15, size=(500, 400)):
    ids = torch.randint(0, 1000, size, generator=torch.Generator().manual_seed(99))
    generator = torch.Generator().manual_seed(seed)
    return ids, *mask_tokens(ids, WORDS, MASK, share=share, generator=generator)


def test_what_was_not_chosen_stays():
    ids, damaged, chosen = draw()
    assert torch.equal(damaged[~chosen], ids[~chosen])


def test_only_words_are_chosen_and_as_many_as_was_asked_for():
    ids, _, chosen = draw(share=0.15)
    assert not chosen[ids < 4].any()
    assert abs(chosen[ids >= 4].float().mean() - 0.15) < 0.005


def test_of_ten_chosen_tokens_eight_are_hidden_one_is_exchanged_one_stays():
    ids, damaged, chosen = draw()
    hidden = damaged[chosen] == MASK
    stays = damaged[chosen] == ids[chosen]
    assert abs(hidden.float().mean() - 0.8) < 0.01
    assert abs(stays.float().mean() - 0.1) < 0.01  # a word exchanged for itself: one in 996
    exchanged = damaged[chosen][~hidden & ~stays]
    assert exchanged.min() >= 4 and len(exchanged.unique()) > 900


def test_the_same_seed_damages_the_same_and_ids_stay_as_they_were():
    ids = torch.arange(4, 104)[None]
    before = ids.clone()
    first, again, other = (
        mask_tokens(ids, WORDS, MASK, generator=torch.Generator().manual_seed(seed))[0]
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(ids, before)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (1.0, 100), (0, 0), (1, 100)])
def test_none_and_all(share, count):
    _, chosen = mask_tokens(torch.arange(4, 104)[None], WORDS, MASK, share=share)
    assert chosen.sum() == count


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"ids": torch.zeros(2, 3)}, TypeError, "ids is float32; expected token ids"),
        ({"ids": [[1, 2]]}, TypeError, "ids is list"),
        ({"ids": torch.arange(3)}, ValueError, r"expected \(batch, length\)"),
        ({"words": torch.zeros(0)}, ValueError, r"shape \(0,\).*torch.arange"),
        ({"words": 1000}, ValueError, "given as 1000"),
        ({"share": 15}, ValueError, "share=15; expected a number from 0 to 1"),
        ({"share": "a"}, TypeError, "share is 'a'"),
    ],
)
def test_bad_input_says_what_was_expected(change, error, message):
    options = {"ids": torch.arange(3)[None], "words": WORDS, "mask_id": MASK} | change
    with pytest.raises(error, match=message):
        mask_tokens(**options)
