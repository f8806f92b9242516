"""Coloured digits: questions that the picture alone, or the words alone, cannot answer."""

import pytest
import torch

from attention_lib.tasks import ColouredDigits, Digits

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RGB = {
    "white": (1.0, 1.0, 1.0),
    "yellow": (0.94, 0.89, 0.26),
    "orange": (0.90, 0.62, 0.0),
    "blue": (0.34, 0.71, 0.91),
    "green": (0.0, 0.62, 0.45),
    "pink": (0.80, 0.47, 0.65),
}


@pytest.fixture(scope="module")
def task():
    return ColouredDigits()


@pytest.fixture(scope="module")
def known():
    """The digit of every image, by its 64 pixels, for each split."""
    digits = Digits()
    return {
        split: {tuple(i): int(d) for i, d in zip(images.flatten(1).tolist(), labels, strict=True)}
        for split, (images, labels) in {"train": digits.train, "test": digits.test}.items()
    }


def cells_of(picture):
    """The four cells of a picture, row by row, each (3, 8, 8)."""
    return [picture[:, r : r + 8, c : c + 8] for r in (0, 8) for c in (0, 8)]


def read(cell, known):
    """The digit and the colour of a cell, found by trying all colours."""
    for colour, rgb in RGB.items():
        rgb = torch.tensor(rgb)
        ink = cell[0] / rgb[0] if rgb[0] else cell[1] / rgb[1]
        if torch.allclose(ink[None] * rgb[:, None, None], cell, atol=1e-6):
            return NAMES[known[tuple((ink * 16).round().div(16).flatten().tolist())]], colour
    raise AssertionError("no digit in one colour")


@pytest.fixture(scope="module")
def drawn(task, known):
    """Of each split: the words, the answer, the cells as (digit, colour), the asked cell."""
    found = {}
    for split in ("train", "test"):
        batch = task.batch(400, seed=1, split=split)
        found[split] = [
            (
                task.vocabulary.decode(question),
                task.vocabulary.decode([answer])[0],
                [read(cell, known[split]) for cell in cells_of(picture)],
                int(asked),
            )
            for picture, question, answer, asked in zip(*batch, strict=True)
        ]
    return found


def test_the_shapes_are_those_that_it_promises(task):
    batch = task.batch(5)
    assert batch.pictures.shape == (5, 3, 16, 16) and batch.pictures.dtype == torch.float32
    assert batch.questions.shape == (5, 6) and batch.questions.dtype == torch.int64
    assert batch.answers.shape == batch.asked.shape == (5,)
    assert batch.pictures.min() == 0 and 0.9 < batch.pictures.max() <= 1


def test_digits_and_colours_of_a_picture_are_all_different(drawn):
    for examples in drawn.values():
        for _, _, cells, _ in examples:
            digits, colours = zip(*cells, strict=True)
            assert len(set(digits)) == len(set(colours)) == 4


def test_the_answer_is_the_other_half_of_the_asked_cell(drawn):
    kinds = set()
    for examples in drawn.values():
        for words, answer, cells, asked in examples:
            digit, colour = cells[asked]
            if words[1] == "colour":
                assert words == ["what", "colour", "is", "digit", digit, "?"] and answer == colour
            else:
                assert words == ["what", "digit", "has", "colour", colour, "?"] and answer == digit
            kinds.add(words[1])
    assert kinds == {"colour", "digit"}


def test_training_never_asks_about_a_held_out_digit_and_cell(drawn, task):
    asked = {
        split: {(cells[at][0], at) for _, _, cells, at in examples}
        for split, examples in drawn.items()
    }
    assert not asked["train"] & asked["test"]
    assert len(asked["test"]) == 8 and len(asked["train"]) == 32
    shown = {(digit, at) for _, _, c, _ in drawn["train"] for at, (digit, _) in enumerate(c)}
    assert asked["test"] <= shown, "it may show what it never asks about"


def test_every_answer_digit_and_cell_comes_up_evenly(task):
    batch = task.batch(6000, seed=3)
    words = task.vocabulary.decode(batch.answers)
    assert set(words) == {*NAMES, *RGB}
    for colour in RGB:
        assert words.count(colour) / 6000 == pytest.approx(1 / 12, abs=0.015)
    assert batch.asked.bincount().min() > 1000


def test_the_same_seed_draws_the_same_batch(task):
    first, again = task.batch(9, seed=4), ColouredDigits().batch(9, seed=4)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first.pictures, task.batch(9, seed=5).pictures)
    assert not torch.equal(first.pictures, task.batch(9, seed=4, split="test").pictures)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": 0}, ValueError, "size=0; expected at least 1"),
        ({"size": 2.0}, TypeError, r"size is 2\.0; expected an integer"),
        ({"size": 1, "seed": -1}, ValueError, "seed=-1; expected 0 to"),
        ({"size": 1, "split": "dev"}, ValueError, "split='dev'; expected 'train' or 'test'"),
    ],
)
def test_bad_batches_are_errors(task, options, error, message):
    with pytest.raises(error, match=message):
        task.batch(**options)
