"""Sentiment and notes: what decides, what is held out, what a trivial answer gets."""

from collections import Counter, defaultdict
from itertools import permutations

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from attention_lib.tasks import PAD, START, STOP, Notes, Sentiment


def share_right(task, examples):
    return sum(task.baseline(e.source) == e.target for e in examples) / len(examples)


def test_the_vocabulary_is_exactly_what_is_said():
    task = Sentiment()
    examples = task.sample(8000) + task.sample(4000, split="test")
    words = {word for example in examples for part in example for word in part}
    assert words == set(task.vocabulary.tokens[3:])
    assert task.vocabulary.tokens[:3] == (PAD, START, STOP)


def test_every_word_of_the_test_is_known_from_training():
    task = Sentiment()
    known = {w for e in task.sample(8000) for part in e for w in part}
    assert {w for e in task.sample(2000, split="test") for part in e for w in part} <= known


@pytest.mark.parametrize("split", ["train", "test"])
def test_no_word_of_a_review_tells_its_target(split):
    counts = defaultdict(Counter)
    for source, (target,) in Sentiment().sample(20_000, split=split):
        for word in set(source):
            counts[word][target] += 1
    for word, by_target in counts.items():
        total = by_target.total()
        assert abs(by_target["positive"] / total - 0.5) < 5 * 0.5 / total**0.5, word


def test_a_bag_of_words_is_no_better_than_a_guess():
    task = Sentiment()
    train, test = task.sample(5000), task.sample(2000, split="test")
    (train_texts, train_labels), (test_texts, test_labels) = (
        ([" ".join(e.source) for e in examples], [e.target[0] for e in examples])
        for examples in (train, test)
    )
    bag = make_pipeline(CountVectorizer(token_pattern=r"\S+"), LogisticRegression(max_iter=500))
    bag.fit(train_texts, train_labels)
    assert 0.42 < bag.score(test_texts, test_labels) < 0.58
    pairs = make_pipeline(
        CountVectorizer(token_pattern=r"\S+", ngram_range=(1, 2)),
        LogisticRegression(max_iter=500),
    )
    pairs.fit(train_texts, train_labels)
    assert pairs.score(test_texts, test_labels) < 0.75, "nor do neighbours decide"
    assert 0.42 < share_right(task, test) < 0.58


def test_the_pairs_that_decide_in_the_test_are_new():
    task = Sentiment()
    seen = {pair for e in task.sample(20_000) for pair in task.pairs(e.source)}
    unseen = 0
    for example in task.sample(3000, split="test"):
        found = task.pairs(example.source)
        contrast = {tuple(word for _, word in found)} if len(found) == 2 else set()
        unseen += bool(set(found) - seen) or bool(contrast)
    assert unseen == 3000
    assert len(seen) > 100


def judged(source):
    """Judge a review by the rules of English, written down once more."""
    task, text = Sentiment(), " ".join(source)
    if " but " in text or " yet " in text:
        text = text.replace(" yet ", " but ").split(" but ")[1]
    elif " , " in text:
        text = text.split(" , ")[1]
    else:
        for word in (" even though ", " although ", " though "):
            text = text.split(word)[0]
    words = text.split()
    denied = any(word in task.stances["denying"] for word in words)
    praised = any(word in task.opinions["positive"] for word in words)
    return ("positive",) if praised != denied else ("negative",)


@pytest.mark.parametrize(
    ("review", "target"),
    [
        ("in my view the plot was never boring", "positive"),
        ("this time nobody found the soup really good", "negative"),
        ("the hero was good but the ending was dull last week", "negative"),
        ("although the hero was good , the ending was dull last week", "negative"),
        ("the hero was not dull though the ending was always weak that evening", "positive"),
    ],
)
def test_the_rules_of_the_test_are_those_of_english(review, target):
    assert judged(review.split()) == (target,)


def test_reviews_mean_what_their_target_says():
    for split in ("train", "test"):
        for example in Sentiment().sample(3000, split=split):
            assert judged(example.source) == example.target, " ".join(example.source)


def test_a_note_praises_four_things_of_one_subject_or_blames_them():
    task = Sentiment()
    subject_of = {thing: things for things in task.things for thing in things}
    mood_of = {word: mood for mood, words in task.opinions.items() for word in words}
    for source, (target,) in Notes().sample(2000):
        opinions = [word for word in source if word in mood_of]
        things = [word for word in source if word in subject_of]
        assert len(set(opinions)) == len(set(things)) == 4
        assert {mood_of[word] for word in opinions} == {target}
        assert len({subject_of[thing] for thing in things}) == 1


def test_notes_show_no_pair_of_opinions_that_reviews_hold_out_and_no_denial():
    task = Sentiment()
    held_out = {
        pair
        for source, _ in task.sample(5000, split="test")
        for pair in permutations([opinion for _, opinion in task.pairs(source)], 2)
        if not any(task.are_held_out(*p) for p in task.pairs(source))
    }
    assert len(held_out) > 20
    stances = {word for words in task.stances.values() for word in words if word}
    for split in ("train", "test"):
        for source, _ in Notes().sample(2000, split=split):
            assert not stances & set(source)
            assert not held_out & set(permutations(source, 2))
            clauses = " ".join(source).split(" , ")
            judged_by = [clause.split()[-1] for clause in clauses if " was " in clause]
            assert not any(task.are_held_out("", opinion) for opinion in judged_by)
