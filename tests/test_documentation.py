"""Python's documentation as a text for language models: two parts that share no passage."""

import hashlib
import math
import platform
import sys

import pytest
import torch

from attention_lib.tasks import Documentation, unigram_loss, windows

WIDTH = 60


@pytest.fixture(scope="module")
def documentation():
    return Documentation()


def test_the_text_is_that_of_this_python(documentation):
    topics = pytest.importorskip("pydoc_data.topics").topics
    assert len(topics) > 70 and all(text in documentation.text for text in topics.values())
    assert sum(map(len, topics.values())) <= len(documentation.text) < 1_000_000
    assert documentation.python == platform.python_version()
    digest = hashlib.sha256(documentation.text.encode("utf-8")).hexdigest()
    assert documentation.sha256 == digest == Documentation().sha256


def test_every_topic_is_in_one_part_of_the_text(documentation):
    topics = pytest.importorskip("pydoc_data.topics").topics
    held_out = set(documentation.held_out)
    assert held_out < set(topics) and list(documentation.held_out) == sorted(held_out)
    assert {"import", "strings"} <= held_out
    for name, text in topics.items():
        assert text in (documentation.test if name in held_out else documentation.train)
    lengths = [
        sum(len(t) for n, t in topics.items() if (n in held_out) == h) for h in (True, False)
    ]
    assert lengths == pytest.approx([len(documentation.test), len(documentation.train)], rel=0.01)
    assert 0.1 < lengths[0] / sum(lengths) < 0.3


def test_no_long_line_stands_in_both_parts(documentation):
    train, test = (
        {line.strip() for line in text.split("\n") if len(line.strip()) >= WIDTH}
        for text in (documentation.train, documentation.test)
    )
    assert len(train) > 1000 and len(test) > 300
    assert not train & test


def test_what_stands_in_both_parts_is_rules_of_tables(documentation):
    """Whatever the line breaks: of all passages of 60 characters, 1 %; with 20 letters, 0.02 %."""
    train, test = (" ".join(t.split()) for t in (documentation.train, documentation.test))
    seen = {train[i : i + WIDTH] for i in range(len(train) - WIDTH + 1)}
    passages = [test[i : i + WIDTH] for i in range(len(test) - WIDTH + 1)]
    shared = [passage for passage in passages if passage in seen]
    prose = [passage for passage in shared if sum(map(str.isalpha, passage)) >= 20]
    assert len(shared) / len(passages) < 0.02
    assert len(prose) / len(passages) < 0.002


def test_topics_that_share_a_long_line_stay_together(monkeypatch):
    line = "a line of more than sixty characters, which stands in two topics of three"
    names = [f"topic {i}" for i in range(40)]
    topics = {name: f"{name}\n" for name in names}
    for first, second in zip(names[:20], names[20:], strict=True):
        for name in (first, second):
            topics[name] += f"   {line} {first}\n"
    module = type(sys)("pydoc_data.topics")
    module.topics = topics
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", module)
    held_out = Documentation().held_out
    assert 0 < len(held_out) < 40
    for first, second in zip(names[:20], names[20:], strict=True):
        assert (first in held_out) == (second in held_out)


def test_a_python_without_its_documentation_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydoc_data", None)
    monkeypatch.delitem(sys.modules, "pydoc_data.topics", raising=False)
    with pytest.raises(ImportError, match=r"without pydoc_data.*apt install python3 "):
        Documentation()


def test_windows_are_cut_out_of_the_text():
    ids = torch.arange(100)
    cut = windows(ids, 500, 7, seed=3)
    assert cut.shape == (500, 8) and cut.dtype == ids.dtype
    assert torch.equal(cut - cut[:, :1], torch.arange(8).expand(500, 8))
    assert cut[:, 0].unique().tolist() == list(range(93)), "every place, the last one too"
    assert torch.equal(cut, windows(ids, 500, 7, seed=3))
    assert not torch.equal(cut, windows(ids, 500, 7, seed=4))


def test_windows_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    windows(torch.arange(9), 2, 8)
    assert torch.equal(before, torch.get_rng_state())


def test_the_unigram_loss_of_a_text_under_itself_is_its_entropy():
    ids = torch.tensor([0, 1, 1, 2, 2, 2, 2, 3]).repeat(100_000)
    entropy = torch.distributions.Categorical(torch.tensor([1, 2, 4, 1]) / 8).entropy()
    assert unigram_loss(ids, ids, 4) == pytest.approx(entropy.item(), abs=1e-4)


def test_an_unseen_token_costs_as_much_as_one_sight_of_it():
    train, test = torch.tensor([0, 0, 1]), torch.tensor([2])
    assert unigram_loss(train, test, 3) == pytest.approx(math.log(6))


def test_frequencies_tell_more_than_nothing_of_the_held_out_text(documentation):
    """By characters: ln V is 4.63, frequencies reach 3.36, in Python 3.11."""
    characters = sorted(set(documentation.text))
    number = {character: i for i, character in enumerate(characters)}
    train, test = (
        torch.tensor([number[c] for c in text])
        for text in (documentation.train, documentation.test)
    )
    size = len(characters)
    entropy = unigram_loss(train, train, size)
    assert entropy < unigram_loss(train, test, size) < entropy + 0.3 < math.log(size) - 0.9


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: windows([1, 2, 3], 1, 1), TypeError, r"ids is list; .*try torch\.tensor"),
        (lambda: windows(torch.rand(9), 1, 1), TypeError, r"ids is torch\.float32; expected"),
        (
            lambda: windows(torch.ones(2, 9).long(), 1, 1),
            ValueError,
            r"\(2, 9\); expected one text",
        ),
        (lambda: windows(torch.arange(9), 1, 9), ValueError, r"holds 9 tokens; expected at least"),
        (lambda: windows(torch.arange(9), 0, 2), ValueError, "batch=0; expected at least 1"),
        (lambda: windows(torch.arange(9), 2, 1.5), TypeError, r"length is 1\.5; expected an int"),
        (lambda: unigram_loss(torch.arange(9), torch.arange(9), 8), ValueError, "train holds ids"),
        (lambda: unigram_loss(torch.arange(8), torch.arange(9), 8), ValueError, "test holds ids"),
        (lambda: unigram_loss(torch.arange(8), "abc", 8), TypeError, "test is str; expected"),
    ],
)
def test_bad_texts_are_errors(call, error, message):
    with pytest.raises(error, match=message):
        call()
