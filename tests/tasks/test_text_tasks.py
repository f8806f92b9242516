"""Sentiment, questions, summaries: what decides, what is held out, what a trivial answer gets."""

from collections import Counter, defaultdict
from itertools import permutations

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from attention_lib.tasks import (
    PAD,
    START,
    STOP,
    Notes,
    QuestionAnswering,
    Sentiment,
    Summarisation,
)

TASKS = {task.name: task for task in (Sentiment(), QuestionAnswering(), Summarisation())}
tasks = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)


def share_right(task, examples):
    return sum(task.baseline(e.source) == e.target for e in examples) / len(examples)


@tasks
def test_the_vocabulary_is_exactly_what_is_said(task):
    examples = task.sample(8000) + task.sample(4000, split="test")
    words = {word for example in examples for part in example for word in part}
    assert words == set(task.vocabulary.tokens[3:])
    assert task.vocabulary.tokens[:3] == (PAD, START, STOP)


@tasks
def test_every_word_of_the_test_is_known_from_training(task):
    known = {w for e in task.sample(8000) for part in e for w in part}
    assert {w for e in task.sample(2000, split="test") for part in e for w in part} <= known


# --- sentiment ----------------------------------------------------------------------------


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


# --- questions ----------------------------------------------------------------------------


def facts_of(source):
    *facts, question = " ".join(source).split(" . ")
    return [fact.split() for fact in facts], question.split()


def test_an_answer_stands_in_the_story_and_only_one_fact_gives_it():
    task = QuestionAnswering()
    answering = {"brought": "in", "bring": "in", "got": "from", "get": "from"}
    for split in ("train", "test"):
        for source, target in task.sample(2000, split=split):
            facts, question = facts_of(source)
            assert 3 <= len(facts) <= 6
            [direction] = {answering[word] for word in question if word in answering}
            answers = set()
            for fact in facts:
                parts = {"who": fact[:1], "what": fact[2:5], "where": fact[6:8]}
                asked = parts.pop(question[0])
                given = [w for part in parts.values() for w in part if w != "the"]
                if fact[5] == direction and all(word in question for word in given):
                    answers.add(tuple(asked))
            assert answers == {target}, " ".join(source)


def test_questions_for_testing_are_about_pairs_that_no_story_for_training_has():
    task, pairs = QuestionAnswering(), set()
    for source, _ in task.sample(10_000):
        pairs |= {(fact[0], *fact[3:5]) for fact in facts_of(source)[0]}
    for example in task.sample(1000, split="test"):
        facts, question = facts_of(example.source)
        known = {(fact[0], *fact[3:5]) for fact in facts} & pairs
        told = [*question, *example.target]
        asked = {p for p in [(f[0], *f[3:5]) for f in facts] if all(w in told for w in p)}
        assert asked and not asked & known


def test_word_overlap_and_position_do_not_answer():
    task = QuestionAnswering()
    test = task.sample(1500, split="test")
    assert share_right(task, test) < 0.6
    kinds = {"who": slice(0, 1), "what": slice(2, 5), "where": slice(6, 8)}
    for place in (0, -1):
        right = 0
        for source, target in test:
            facts, question = facts_of(source)
            right += tuple(facts[place][kinds[question[0]]]) == target
        assert right / len(test) < 0.45, "neither the first fact nor the last"
    assert {len(e.target) for e in test} == {1, 2, 3}, "parts of an answer can be right"


# --- summaries ----------------------------------------------------------------------------


def told(source):
    """Read a report: what a summary must say."""
    found, goals = {}, {}
    for sentence in " ".join(source).split(" ."):
        words = sentence.split()
        if "hosted" in words:
            found |= {"day": words[1], "teams": {words[3], words[6]}}
        elif "visited" in words:
            found |= {"day": words[-1], "teams": {words[1], words[4]}}
        elif "played" in words and "match" in words:
            found["town"] = words[-1]
        elif words[1:3] == ["was", "the"] and "place" in words:
            found["town"] = words[0]
        elif "scored" in words:
            goals[words[1]] = words[3]
        elif "went" in words:
            goals[words[-1]] = words[0]
    return found, goals


def test_a_summary_follows_from_its_report():
    numbers = ["no", "one", "two", "three", "four"]
    task = Summarisation()
    for split in ("train", "test"):
        for source, target in task.sample(2000, split=split):
            found, goals = told(source)
            text = " ".join(target)
            assert text.endswith(f" in {found['town']} on {found['day']}")
            (one, first), (two, second) = goals.items()
            assert {one, two} == found["teams"]
            margin = numbers.index(first) - numbers.index(second)
            if margin == 0:
                assert "drew" in target and {one, two} <= set(target)
                continue
            winner, loser = (one, two) if margin > 0 else (two, one)
            did = ["narrowly beat", "clearly beat", "easily beat", "crushed"][abs(margin) - 1]
            assert text.startswith(f"the {winner} {did} the {loser} in")


def test_no_sentence_of_a_report_is_its_summary():
    task = Summarisation()
    for source, target in task.sample(1000, split="test"):
        lead = task.baseline(source)
        assert lead == source[: len(lead)] and source[len(lead)] == "."
        assert lead != target
    overlaps = []
    for source, target in task.sample(1000, split="test"):
        words = set(task.baseline(source)) | set(target)
        said = [[w in part for w in sorted(words)] for part in (target, task.baseline(source))]
        overlaps.append(f1_score(*said))
    assert sum(overlaps) / len(overlaps) < 0.5


def test_the_teams_of_the_test_have_not_met_in_training():
    task = Summarisation()

    def pairs(split):
        return {frozenset(set(e.target) & set(task.teams)) for e in task.sample(5000, split=split)}

    assert not pairs("train") & pairs("test")
    assert len(pairs("train")) + len(pairs("test")) == 66
