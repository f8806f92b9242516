"""Mirrored reviews: what a sentence is about says nothing about its judgement."""

import re
from collections import Counter

import numpy as np
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline

from attention_lib.tasks import MIRRORED_REVIEWS

SENTENCES = [sentence for pair in MIRRORED_REVIEWS for sentence in pair]
NEGATIONS = "not", "no", "nothing", "nobody", "never", "without", "cannot", "hardly", "barely"


def words(sentence):
    return re.findall(r"[a-z]+", sentence.lower())


def counts():
    """How often each word stands in the praise, and in the blame."""
    sides = zip(*MIRRORED_REVIEWS, strict=True)
    return [Counter(word for sentence in side for word in words(sentence)) for side in sides]


def test_there_are_enough_pairs_and_no_sentence_stands_twice():
    assert len(MIRRORED_REVIEWS) >= 120
    assert all(len(pair) == 2 for pair in MIRRORED_REVIEWS)
    assert len({" ".join(words(s)) for s in SENTENCES}) == len(SENTENCES)


def test_every_review_is_one_short_plain_sentence():
    for sentence in SENTENCES:
        assert sentence.isascii() and sentence == sentence.strip()
        assert re.fullmatch(r"[A-Z][A-Za-z, ]+\.", sentence), sentence
        assert 5 <= len(words(sentence)) <= 14, sentence


def test_both_sentences_of_a_pair_are_about_the_same_thing():
    for praise, blame in MIRRORED_REVIEWS:
        shared = set(words(praise)) & set(words(blame)) - ENGLISH_STOP_WORDS
        assert shared, (praise, blame)


def test_about_half_of_the_pairs_share_most_of_their_words():
    def overlap(praise, blame):
        a, b = set(words(praise)), set(words(blame))
        return 2 * len(a & b) / (len(a) + len(b))

    assert 0.4 < np.mean([overlap(*pair) > 0.6 for pair in MIRRORED_REVIEWS]) < 0.6


def test_negations_stand_on_both_sides_about_equally_often():
    """Within an eighth of all of them; and the usual ones on both sides."""
    praise, blame = (sum(side[word] for word in NEGATIONS) for side in counts())
    assert min(praise, blame) >= 30
    assert abs(praise - blame) <= (praise + blame) / 8
    for side in counts():
        assert all(side[word] >= 2 for word in ("not", "no", "never", "nothing", "nobody"))


def test_no_word_gives_the_judgement_away():
    """Of the content words none stands on one side over four times more than on the other."""
    praise, blame = counts()
    content = (praise.keys() | blame.keys()) - ENGLISH_STOP_WORDS
    assert max(abs(praise[word] - blame[word]) for word in content) <= 4
    blatant = "good", "bad", "great", "terrible", "lovely", "awful", "best", "worst", "love", "hate"
    assert max(praise[word] + blame[word] for word in blatant) <= 3


def test_a_bag_of_words_can_hardly_tell_praise_from_blame():
    """Its words tell little of a pair that it has not seen; the pairs that it has, it knows."""
    bag = make_pipeline(CountVectorizer(), LogisticRegression(max_iter=1000))
    judgement = np.tile([1, 0], len(MIRRORED_REVIEWS))
    pair = np.repeat(np.arange(len(MIRRORED_REVIEWS)), 2)
    unseen = cross_val_score(bag, SENTENCES, judgement, groups=pair, cv=GroupKFold(10))
    assert 0.35 < unseen.mean() < 0.65
    assert bag.fit(SENTENCES, judgement).score(SENTENCES, judgement) > 0.95
