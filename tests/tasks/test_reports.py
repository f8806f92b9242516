"""Reports of games: what they say, what is held out, what a trivial answer gets."""

import re
from collections import Counter, defaultdict

import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from attention_lib.tasks import PAD, START, STOP, Reports

USES = {use: Reports(use) for use in Reports.uses}
each_use = pytest.mark.parametrize("task", USES.values(), ids=USES)
GOALS = {"clearly lost to": -2, "narrowly lost to": -1, "drew with": 0}
GOALS |= {"narrowly beat": 1, "clearly beat": 2}


def read(text):
    """Read a report by the rules of English, written down once more."""
    found = {}
    for sentence in text.split(" ."):
        sentence = sentence.strip()
        if met := re.fullmatch(r"on (\w+) (\w+) invited (\w+)", sentence):
            found |= zip(("day", "host", "guest"), met.groups(), strict=True)
        elif met := re.fullmatch(r"(\w+) visited (\w+) on (\w+)", sentence):
            found |= zip(("guest", "host", "day"), met.groups(), strict=True)
        elif met := re.fullmatch(r"(?:they played|the game was) in (\w+)", sentence):
            found["town"] = met[1]
        elif met := re.fullmatch(r"it ended (\d)-(\d)", sentence):
            found["margin"] = int(met[1]) - int(met[2])
        elif met := re.fullmatch(r"(\w+) ((?:narrowly|clearly|drew) \w+(?: to)?) (\w+)", sentence):
            assert (met[1], met[3]) == (found["host"], found["guest"]), text
            assert found.setdefault("margin", GOALS[met[2]]) == GOALS[met[2]], text
    return found


def share_right(task, examples):
    return sum(task.baseline(e.source) == e.target for e in examples) / len(examples)


def test_all_uses_share_one_vocabulary_and_need_all_of_it():
    said = set()
    for task in USES.values():
        assert task.vocabulary.tokens == Reports().vocabulary.tokens
        for split in ("train", "test"):
            said |= {w for e in task.sample(1500, split=split) for part in e for w in part}
    assert Reports().vocabulary.tokens[:4] == (PAD, START, STOP, Reports.mask)
    assert said == set(Reports().vocabulary.tokens[4:])


@each_use
def test_every_word_of_the_test_is_known_from_training(task):
    known = {w for e in task.sample(2500) for part in e for w in part}
    assert {w for e in task.sample(1000, split="test") for part in e for w in part} <= known


@each_use
def test_the_people_of_the_test_have_not_met_in_training(task):
    def pairs(split, task):
        people = set(task.values["people"])
        return {frozenset(people & {*e.source, *e.target}) for e in task.sample(2000, split=split)}

    in_training = set().union(*(pairs("train", other) for other in USES.values()))
    assert not in_training & pairs("test", task)
    assert len(in_training) + len(pairs("test", task)) == 66


def test_texts_say_the_same_twice_and_never_contradict_themselves():
    for report, target in Reports("text").sample(2000):
        assert report == target
        text = " ".join(report)
        found = read(text)
        assert len(found) == 5
        for person, role in re.findall(r"(\w+) was a good (\w+)", text):
            assert found[role] == person
        for town, day in re.findall(r"(\w+) was lovely that (\w+)", text):
            assert (town, day) == (found["town"], found["day"])


def test_an_outcome_follows_from_the_score_of_this_time():
    for source, target in Reports("outcome").sample(2000, split="test"):
        *report, last = source
        found = read(" ".join(report))
        assert last == found["host"] and GOALS[" ".join(target)] == found["margin"]
        assert "last time it ended" in " ".join(source)


def test_a_story_tells_its_five_words():
    for (host, guest, day, town, score), target in Reports("story").sample(1000, split="test"):
        found = read(" ".join(target))
        goals = [int(g) for g in score.split("-")]
        wanted = {"host": host, "guest": guest, "day": day, "town": town}
        assert found == wanted | {"margin": goals[0] - goals[1]}


def test_a_summary_follows_from_its_report():
    for source, target in Reports("summary").sample(2000, split="test"):
        found = read(" ".join(source))
        met = re.fullmatch(r"(\w+) (.*) (\w+) in (\w+) on (\w+)", " ".join(target))
        assert met.groups()[::2] == (found["host"], found["guest"], found["day"])
        assert (GOALS[met[2]], met[4]) == (found["margin"], found["town"])


def test_an_answer_follows_from_the_report():
    for source, target in Reports("answer").sample(2000, split="test"):
        report, question = " ".join(source).rsplit(" . ", 1)
        found, answer = read(report), " ".join(target)
        winner = found["host"] if found["margin"] > 0 else found["guest"]
        assert found["margin"] != 0
        assert (
            answer
            == {
                "who won ?": winner,
                "who was the guest ?": found["guest"],
                "when was it ?": f"on {found['day']}",
                "where was it ?": f"in {found['town']}",
            }[question]
        )


def test_what_a_report_tells_can_be_read_back():
    task = Reports("story")
    for source, target in task.sample(500):
        told = task.told(target)
        assert (told["host"], told["guest"], told["day"], told["town"], told["score"]) == source
        assert GOALS[told["did"]] == read(" ".join(target))["margin"]
    assert task.told(["on", "monday", "anna", "invited"]) == {}, "what is no sentence tells nothing"
    assert task.told(["last", "time", "it", "ended", "2-1", "."]) == {}


# --- what does not solve them ---------------------------------------------------------------


def test_a_bag_of_words_does_not_tell_the_outcome():
    task = Reports("outcome")
    train, test = task.sample(2000), task.sample(600, split="test")
    (texts, labels), (test_texts, test_labels) = (
        ([" ".join(e.source) for e in es], [" ".join(e.target) for e in es]) for es in (train, test)
    )
    bag = make_pipeline(CountVectorizer(token_pattern=r"\S+"), LogisticRegression(max_iter=500))
    assert bag.fit(texts, labels).score(test_texts, test_labels) < 0.6, "of two scores, one"
    assert 0.15 < share_right(task, test) < 0.25, "five outcomes, equally likely"


def test_a_lead_is_no_summary():
    overlaps = []
    for source, target in Reports("summary").sample(1000, split="test"):
        lead = Reports("summary").baseline(source)
        assert lead == source[: len(lead)] and source[len(lead)] == "." and lead != target
        words = sorted({*lead, *target})
        overlaps.append(f1_score(*([w in part for w in words] for part in (target, lead))))
    assert sum(overlaps) / len(overlaps) < 0.5


def test_the_first_word_of_its_kind_is_seldom_the_answer():
    task = Reports("answer")
    right = defaultdict(list)
    for example in task.sample(1000, split="test"):
        kind = " ".join(example.source[-4:])
        right[kind].append(task.baseline(example.source) == example.target)
    assert all(0.2 < sum(found) / len(found) < 0.6 for found in right.values()), right
    assert len(right) == 4


def test_an_answer_could_be_any_word_of_its_kind():
    counts = defaultdict(Counter)
    for source, target in Reports("answer").sample(2000, split="test"):
        counts[source[-4:]][target] += 1
    for by_answer in counts.values():
        assert max(by_answer.values()) < 0.3 * by_answer.total()


def test_bad_uses_and_sources_are_errors():
    with pytest.raises(ValueError, match="use='poem'; expected one of text, outcome"):
        Reports("poem")
    with pytest.raises(ValueError, match="expected a report and a question"):
        Reports("answer").baseline(["anna", "won", "."])
