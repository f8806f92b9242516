"""Who does it: the same words, two answers."""

from collections import Counter, defaultdict

import pytest

from attention_lib.tasks import Example, Order


@pytest.fixture(scope="module")
def examples():
    return Order().sample(20_000)


def test_the_answer_is_the_noun_before_the_verb(examples):
    task = Order()
    for source, target in examples[:2000]:
        [verb] = [i for i, word in enumerate(source) if word in task.verbs]
        nouns = [i for i, word in enumerate(source) if word in task.nouns]
        assert len(nouns) == 2 and nouns[0] < verb < nouns[1]
        assert source[nouns[0]] != source[nouns[1]]
        assert target == (source[nouns[0]],)
        assert task.pair(source) == (source[nouns[0]], source[nouns[1]])


def test_the_words_without_their_order_tell_nothing(examples):
    answers = defaultdict(Counter)
    for source, target in examples:
        answers[frozenset(Order().pair(source))][target] += 1
    assert len(answers) > 100
    best = sum(max(found.values()) for found in answers.values())
    assert best / len(examples) < 0.56, "0.5, and what chance adds to a maximum of two"
    # Exchanging the nouns gives a sentence of the same task with the same words.
    for source, (doer,) in examples[:200]:
        before, behind = Order().pair(source)
        exchanged = tuple({before: behind, behind: before}.get(word, word) for word in source)
        assert Counter(exchanged) == Counter(source)
        assert doer == before and Order().pair(exchanged)[0] == behind


def test_a_pair_of_nouns_is_held_out_in_both_orders():
    task = Order()
    pairs = {
        split: {frozenset(task.pair(source)) for source, _ in task.sample(5000, split=split)}
        for split in ("train", "test")
    }
    assert not pairs["train"] & pairs["test"]
    assert len(pairs["train"]) + len(pairs["test"]) == 20 * 19 / 2
    assert len(pairs["test"]) == pytest.approx(38, abs=10)
    words = [{word for pair in found for word in pair} for found in pairs.values()]
    assert words[0] == set(task.nouns), "every noun is known, only the pair is new"


def test_lengths_go_as_far_as_asked(examples):
    assert set(Counter(len(source) for source, _ in examples)) == set(range(3, 13))
    far = Order(min_length=40, max_length=40).sample(100, split="test")
    assert {len(source) for source, _ in far} == {40}
    assert all(Order().is_held_out(example) for example in far), "whatever the bounds"
    places = [source.index(target[0]) for source, target in far]
    assert min(places) < 5 and max(places) > 20


def test_the_vocabulary_is_small_and_all_of_it_is_used(examples):
    vocabulary = Order().vocabulary
    assert len(vocabulary) <= 60
    assert {word for source, _ in examples for word in source} == set(vocabulary.tokens)
    assert len({source for source, _ in examples}) > 10_000


@pytest.mark.parametrize("bounds", [(2, 5), (6, 5)])
def test_bad_bounds_of_order_are_errors(bounds):
    with pytest.raises(ValueError, match=r"min_length=\d, max_length=5; expected 3 <= min_length"):
        Order(*bounds)


@pytest.mark.parametrize(
    "words",
    ["dog bites", "dog man bites", "dog bites dog", "dog bites man cat", "dog bites the man", ""],
)
def test_what_is_no_sentence_of_order_is_an_error(words):
    with pytest.raises(ValueError, match="expected a sentence of this task, such as 'today dog"):
        Order().is_held_out(Example(tuple(words.split()), ()))
