"""Every task: seeded, in two splits that never overlap."""

import random
from collections import defaultdict

import pytest
import torch

from attention_lib.tasks import (
    PAD,
    START,
    STOP,
    TASKS,
    BankCorpus,
    Copy,
    Example,
    Idiom,
    Reversal,
    Task,
    Vocabulary,
    pad,
)

tasks = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


@tasks
def test_the_same_seed_draws_the_same_examples(task):
    assert task.sample(50, seed=3) == task.sample(50, seed=3)
    assert task.sample(50, seed=3) != task.sample(50, seed=4)
    assert task.sample(50, seed=3) == task.sample(100, seed=3)[:50]


@tasks
def test_the_splits_share_no_source(task):
    train = {example.source for example in task.sample(3000, split="train")}
    test = {example.source for example in task.sample(1000, split="test", seed=1)}
    assert not train & test
    assert len(train) > 100 and len(test) > 30


@tasks
def test_what_is_held_out_is_told_by_the_example_alone(task):
    for split in ("train", "test"):
        held_out = {task.is_held_out(Example(*e)) for e in task.sample(200, split=split, seed=2)}
        assert held_out == {split == "test"}


@tasks
def test_sampling_leaves_the_global_generator_alone(task):
    random.seed(0)
    before = random.getstate()
    task.sample(5)
    assert random.getstate() == before


@tasks
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 3, "split": "dev"}, "split='dev'; expected 'train' or 'test'"),
        ({"count": 0}, "count=0; expected at least 1"),
    ],
)
def test_bad_samples_are_errors(task, options, message):
    with pytest.raises(ValueError, match=message):
        task.sample(**options)


def test_a_task_too_small_for_two_splits_says_so():
    class OneSentence(Task):
        name = "one"

        def draw(self, rng):
            return Example(("the", "only", "one"), ())

    with pytest.raises(RuntimeError, match=r"one: no (train|test) example in 100000 draws"):
        OneSentence().sample(1, split="train")
        OneSentence().sample(1, split="test")


def test_the_bank_corpus_plants_two_senses():
    examples = BankCorpus().sample(2000)
    company = {"money": set(), "river": set()}
    for source, (sense,) in examples:
        assert len(source) == 4
        company[sense] |= set(source[:3])
    assert company["money"] & company["river"] == {"bank"}


def test_a_vocabulary_goes_there_and_back():
    vocabulary = Vocabulary.of([("money", "bank"), ("river", "bank")])
    assert vocabulary.tokens == ("bank", "money", "river") and len(vocabulary) == 3
    ids = vocabulary.encode(["river", "bank", "river"])
    assert ids == [2, 0, 2]
    assert vocabulary.decode(ids) == ["river", "bank", "river"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda v: v.encode("a b"), TypeError, r"the string 'a b'.*\.split\(\)"),
        (lambda v: v.encode(["a", "z"]), KeyError, r"vocabulary of 2 tokens: \['z'\]"),
        (lambda v: v.decode([2]), IndexError, "id 2; expected 0 to 1"),
        (lambda v: v.decode([-1]), IndexError, "id -1; expected 0 to 1"),
        (lambda v: Vocabulary(["a", "a"]), ValueError, r"repeated: \['a'\]; expected distinct"),
        (lambda v: Vocabulary([]), ValueError, "0 tokens"),
        (lambda v: v.of(["ab"], special=PAD), TypeError, r"'<pad>'; expected a list: try \['<pad"),
        (lambda v: v.of(["ab"], special=["c", "c"]), ValueError, r"repeated: \['c'\]"),
    ],
)
def test_bad_vocabulary_calls_are_errors(call, error, message):
    with pytest.raises(error, match=message):
        call(Vocabulary(["a", "b"]))


def test_special_tokens_come_first_in_a_vocabulary():
    sentences = [("money", START, "bank"), ("river", "bank")]
    vocabulary = Vocabulary.of(sentences, special=(PAD, START, STOP))
    assert vocabulary.tokens == (PAD, START, STOP, "bank", "money", "river")
    assert vocabulary.encode([PAD, START, STOP]) == [0, 1, 2]


def test_padding_fills_up_to_the_longest_and_masks_what_it_added():
    ids, mask = pad([[5, 0, 7], [4], [1, 2]])
    assert ids.dtype == torch.int64 and ids.tolist() == [[5, 0, 7], [4, 0, 0], [1, 2, 0]]
    assert mask.dtype == torch.bool
    assert mask.tolist() == [[True, True, True], [True, False, False], [True, True, False]]
    assert pad([[1], [2, 3]], pad_id=9)[0].tolist() == [[1, 9], [2, 3]]


@pytest.mark.parametrize(
    ("sequences", "error", "message"),
    [
        ([], ValueError, "0 sequences; expected at least one"),
        ([[1], []], ValueError, r"sequences\[1\] is empty; expected at least one id"),
        ([1, 2], TypeError, r"sequences\[0\] is the id 1; expected a list: try pad\(\[ids\]\)"),
        (
            [["a"]],
            TypeError,
            r"sequences\[0\] starts with 'a'; expected ids: try vocabulary.encode",
        ),
    ],
)
def test_what_cannot_be_padded_is_an_error(sequences, error, message):
    with pytest.raises(error, match=message):
        pad(sequences)


def test_reversal_batches_hold_letters_and_their_mirror():
    task = Reversal(letters=5, min_length=2, max_length=6)
    lengths = set()
    for seed in range(40):
        source, target = task.batch(3, seed=seed)
        assert torch.equal(source.flip(1), target) and source.max() < 5
        lengths.add(source.size(1))
    assert lengths == {2, 3, 4, 5, 6}
    assert torch.equal(task.batch(3, length=9, seed=1)[0], task.batch(3, length=9, seed=1)[0])
    assert task.vocabulary.decode([task.start_id]) == ["<start>"]
    assert all(e.target == e.source[::-1] for e in task.sample(20))


def test_copies_are_of_the_same_letters_as_reversals():
    task = Copy(letters=5, max_length=6)
    for seed in range(10):
        source, target = task.batch(3, seed=seed)
        assert torch.equal(source, target)
        assert torch.equal(source, Reversal(letters=5, max_length=6).batch(3, seed=seed)[0])
    assert all(e.target == e.source for e in task.sample(20))
    assert task.vocabulary.decode([task.start_id]) == [START]


@pytest.mark.parametrize("task", [Copy, Reversal])
@pytest.mark.parametrize("options", [{"letters": 1}, {"min_length": 0}, {"max_length": 0}])
def test_bad_bounds_of_letters_are_errors(task, options):
    with pytest.raises(ValueError, match="expected"):
        task(**options)


def test_an_idiom_is_decided_by_two_words_together_and_by_neither_alone():
    task = Idiom()
    for split in ("train", "test"):
        meanings = defaultdict(set)
        easy = []
        for source, target in task.sample(4000, split=split):
            reading = target[6:]
            assert reading in (task.easy_job, task.cake)
            easy.append(reading == task.easy_job)
            own_place = any(
                source[2] in task.people[trade] and source[5] in task.places[trade]
                for trade in task.people
            )
            assert own_place == easy[-1]
            for word in source:
                meanings[word].add(reading)
        assert all(len(readings) == 2 for readings in meanings.values())
        assert sum(easy) / len(easy) == pytest.approx(0.5, abs=0.03)


def test_the_splits_of_idioms_share_no_pair_of_words_that_matter():
    task = Idiom()
    pairs = {
        split: {(s[2], s[5]) for s, _ in task.sample(5000, split=split)}
        for split in ("train", "test")
    }
    assert len(pairs["train"]) == 320 and len(pairs["test"]) == 80
    assert not pairs["train"] & pairs["test"]
    seen = [{word for pair in found for word in pair} for found in pairs.values()]
    assert seen[0] == seen[1], "every word is known, only the combination is new"


def test_idioms_are_translated_word_by_word():
    source = ["today", "the", "nurse", "in", "the", "barn", "said", "piece", "of", "cake"]
    assert " ".join(Idiom().translate(source, easy_job=False)) == (
        "आज नर्स ने खलिहान में कहा केक का टुकड़ा"
    )
    assert Idiom().translate(source, easy_job=True)[-2:] == ("सरल", "काम")
    with pytest.raises(ValueError, match="source='a piece of cake'; expected a sentence of this"):
        Idiom().translate(["a", "piece", "of", "cake"], easy_job=True)
