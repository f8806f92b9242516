"""What BERT, GPT, BART and ViT promise, whatever their numbers are."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_lib.cache import Cache
from attention_lib.masks import length_mask
from attention_lib.models import (
    BART,
    BERT,
    GPT,
    ViT,
)
from tests.reference import assert_equal, draw, draw_ids, redraw

VOCAB, LENGTH = 23, 9
_SHAPE = {"d_model": 12, "num_heads": 3, "d_ff": 20, "num_layers": 2}
_TEXT = _SHAPE | {"vocab_size": VOCAB, "max_length": LENGTH}
_IMAGE = _SHAPE | {"image_size": 8, "patch_size": 4, "num_channels": 2, "num_classes": 5}
HEADS = {
    "BERT": (None, "pooler", "masked_lm", "classification"),
    "BART": (None, "language_model", "classification"),
    "ViT": (None, "classification"),
}
NAMES = ["GPT", *(f"{name}, {head}" for name, heads in HEADS.items() for head in heads)]
every = pytest.mark.parametrize("name", NAMES)
LENGTHS = torch.tensor([LENGTH, 5, 1])
REAL = length_mask(LENGTHS, LENGTH)
IDS = draw_ids(3, LENGTH, below=VOCAB, seed=1).masked_fill_(~REAL, 0)
IDS[IDS == 2] = 3
IDS[range(3), LENGTHS - 1] = 2  # where a classifier of BART looks
TARGET = draw_ids(3, 6, below=VOCAB, seed=2)


def build(name, seed=0, **changes):
    """Make a model with every parameter drawn, in float64 and evaluation mode."""
    family, _, head = name.partition(", ")
    cls = {"BERT": BERT, "GPT": GPT, "BART": BART, "ViT": ViT}[family]
    if head:
        changes["head"] = None if head == "None" else head
    options = (_IMAGE if family == "ViT" else _TEXT) | changes
    return redraw(cls(cls.format.config_class(**options)), seed).eval()


def call(model, ids=IDS, mask=REAL, **options):
    """Give all that a model answers to one input."""
    if isinstance(model, ViT):
        return model(draw(3, 2, 8, 8).to(model.norm.weight.dtype), **options)
    if isinstance(model, BART) and model.config.head != "classification":
        return model(ids, TARGET, mask=mask, **options)
    return model(ids, mask=mask, **options)


def answer(model, *arguments):
    """Give the one tensor that a model is asked for."""
    found = call(model, *arguments)
    if isinstance(model, BERT) and model.config.head == "pooler":
        return model.pool(found.hidden)
    return found.hidden if found.logits is None else found.logits


# --- who sees whom ------------------------------------------------------------------------


def seen_positions(output, table):
    """Tell by gradients which rows of a table of positions an output depends on."""
    [gradient] = torch.autograd.grad((output * draw(*output.shape, seed=9)).sum(), table)
    return gradient.abs().sum(dim=1) > 0


def test_gpt_sees_nothing_that_comes_later():
    gpt, table = build("GPT"), None
    table = gpt.positions.table.weight
    for t in range(LENGTH):
        seen = seen_positions(gpt(IDS).logits[:, t], table)
        assert seen.tolist() == [s <= t for s in range(LENGTH)]


def test_bart_sees_the_whole_source_and_no_later_target():
    bart = build("BART, language_model")
    source, target = bart.source_positions.table.weight, bart.target_positions.table.weight
    for t in range(TARGET.size(1)):
        assert seen_positions(bart(IDS, TARGET).logits[:, t], source)[2 : LENGTH + 2].all()
        seen = seen_positions(bart(IDS, TARGET).logits[:, t], target)
        assert seen.tolist() == [2 <= row <= t + 2 for row in range(LENGTH + 2)]


def test_bert_sees_both_sides():
    bert = build("BERT, masked_lm")
    for t in range(LENGTH):
        seen = seen_positions(bert(IDS[:1]).logits[:, t], bert.positions.table.weight)
        assert seen.all()


@pytest.mark.parametrize("name", [name for name in NAMES if not name.startswith("ViT")])
@torch.no_grad()
def test_a_row_of_a_padded_batch_is_the_row_alone(name):
    model = build(name)
    ids = IDS
    if name != "BART, classification":  # which would look at a stop token among the padding
        ids = torch.where(REAL, IDS, draw_ids(3, LENGTH, below=VOCAB, seed=8))
    together = call(model, ids)
    for i, length in enumerate(LENGTHS):
        options = {}
        if name in ("BART, None", "BART, language_model"):
            options["target"] = TARGET[i : i + 1]
        alone = model(IDS[i : i + 1, :length], **options)
        size = alone.hidden.size(1)
        assert_equal(together.hidden[i, :size], alone.hidden[0])
        if alone.logits is not None:  # of every token, or of the whole row
            found = together.logits[i]
            assert_equal(found if found.dim() == 1 else found[:size], alone.logits[0])


@torch.no_grad()
def test_images_of_a_batch_do_not_see_each_other():
    vit, images = build("ViT, classification"), draw(3, 2, 8, 8)
    for image, logits in zip(images, vit(images).logits, strict=True):
        assert_equal(vit(image[None]).logits[0], logits)


masks = st.lists(
    st.lists(st.booleans(), min_size=LENGTH, max_size=LENGTH).filter(any), min_size=1, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(real=masks, seed=st.integers(0, 99))
@torch.no_grad()
def test_gpt_reads_real_tokens_wherever_padding_stands(real, seed):
    gpt, real = build("GPT", seed % 5), torch.tensor(real)
    ids = draw_ids(len(real), LENGTH, below=VOCAB, seed=seed)
    logits = gpt(ids, mask=real).logits
    for row, own, kept in zip(logits, ids, real, strict=True):
        assert_equal(row[kept], gpt(own[kept][None]).logits[0])


@settings(max_examples=60, deadline=None)
@given(
    real=masks | st.none(),
    steps=st.lists(st.integers(1, 4), min_size=2).filter(lambda steps: sum(steps) <= LENGTH),
    seed=st.integers(0, 99),
)
@torch.no_grad()
def test_gpt_reads_in_pieces_what_it_reads_at_once(real, steps, seed):
    gpt, end = build("GPT", seed % 5), sum(steps)
    real = None if real is None else torch.tensor(real)[:, :end]
    ids = draw_ids(3 if real is None else len(real), end, below=VOCAB, seed=seed)
    cache, start, pieces = Cache(2), 0, []
    for step in steps:
        seen = None if real is None else real[:, : start + step]
        pieces.append(gpt(ids[:, start : start + step], mask=seen, cache=cache).logits)
        last = gpt.next_logits(ids[:, : start + step], mask=seen)
        assert_equal(pieces[-1][:, -1], last)
        start += step
    assert_equal(torch.cat(pieces, dim=1), gpt(ids, mask=real).logits)
    assert cache.length == end


@torch.no_grad()
def test_bart_reads_its_target_in_pieces():
    bart, cache = build("BART, language_model"), Cache(2)
    memory, start, pieces = bart.encode(IDS, mask=REAL), 0, []
    target_mask = length_mask(torch.tensor([6, 3, 4]), 6)
    for step in (1, 3, 2):
        part, seen = TARGET[:, start : start + step], target_mask[:, : start + step]
        pieces.append(bart.decode(part, memory, mask=REAL, target_mask=seen, cache=cache))
        start += step
    expected = bart(IDS, TARGET, mask=REAL, target_mask=target_mask).logits
    assert_equal(torch.cat(pieces, dim=1), expected)


# --- options ------------------------------------------------------------------------------


@torch.no_grad()
@pytest.mark.parametrize("head", ["language_model", "classification", None])
def test_without_a_target_bart_reads_its_source_moved_by_one(head):
    bart = build(f"BART, {head}", start_id=7)
    moved = torch.cat([torch.full((3, 1), 7), IDS[:, :-1]], dim=1)
    own, told = bart(IDS, mask=REAL), bart(IDS, moved, mask=REAL, target_mask=REAL)
    assert_equal(own.hidden, told.hidden)
    if head:
        assert_equal(own.logits, told.logits)
    assert not torch.allclose(bart(IDS).hidden, bart(IDS, IDS).hidden)


@torch.no_grad()
def test_a_classifier_of_bart_looks_at_the_last_stop_token():
    bart = build("BART, classification")
    ids = torch.full((2, LENGTH), 5)
    ids[0, [1, 4]] = ids[1, 7] = 2
    found = bart(ids)
    by_hand = torch.stack([found.hidden[0, 4], found.hidden[1, 7]])
    assert_equal(found.logits, bart.classifier(torch.tanh(bart.classifier_map(by_hand))))
    with pytest.raises(
        ValueError, match="source has a row without stop_id=2; expected one in each"
    ):
        bart(ids.masked_fill(torch.tensor([[False], [True]]), 5))


@torch.no_grad()
def test_segments_are_zeros_unless_told():
    bert = build("BERT, None")
    zeros, ones = torch.zeros_like(IDS), torch.ones_like(IDS)
    assert torch.equal(bert(IDS).hidden, bert(IDS, zeros).hidden)
    assert not torch.allclose(bert(IDS).hidden, bert(IDS, ones).hidden)
    with pytest.raises(ValueError, match="segments holds ids from 2 to 2; expected 0 to 1"):
        bert(IDS, 2 * ones)
    with pytest.raises(ValueError, match=r"segments has shape \(3, 8\); expected that of ids"):
        bert(IDS, zeros[:, 1:])
    with pytest.raises(TypeError, match="segments is float32"):
        bert(IDS, zeros.float())


@torch.no_grad()
def test_the_pooler_maps_the_first_token():
    for head in ("pooler", "classification"):
        bert = build(f"BERT, {head}")
        hidden = bert(IDS, mask=REAL).hidden
        assert_equal(bert.pool(hidden), torch.tanh(bert.pooler(hidden[:, 0])))
    for head in (None, "masked_lm"):
        bert = build(f"BERT, {head}")
        with pytest.raises(ValueError, match=f"head={head!r} has no pooler; expected 'pooler' or"):
            bert.pool(bert(IDS).hidden)


@pytest.mark.parametrize(
    ("images", "error", "match"),
    [
        (torch.zeros(1, 2, 8, 8, dtype=torch.uint8), TypeError, r"images is uint8.*float\(\) / 25"),
        ([[0.0]], TypeError, "images is list; expected floating point"),
        (
            torch.zeros(2, 8, 8),
            ValueError,
            r"shape \(2, 8, 8\); expected \(batch, 2, 8, 8\).*\[None",
        ),
        (torch.zeros(1, 3, 8, 8), ValueError, r"expected \(batch, 2, 8, 8\)"),
        (torch.zeros(1, 2, 8, 9), ValueError, r"expected \(batch, 2, 8, 8\)"),
        (torch.zeros(1, 2, 16, 16), ValueError, r"expected \(batch, 2, 8, 8\)"),
        (torch.zeros(0, 2, 8, 8), ValueError, r"expected \(batch, 2, 8, 8\)"),
    ],
)
def test_images_of_another_kind_are_an_error(images, error, match):
    with pytest.raises(error, match=match):
        build("ViT, classification").float()(images)


@pytest.mark.parametrize("name", ["GPT", "BERT, None", "BART, language_model"])
@pytest.mark.parametrize(
    ("ids", "mask", "error", "match"),
    [
        (torch.zeros(1, 10, dtype=torch.long), None, ValueError, "max_length=|positions"),
        (
            torch.tensor([[VOCAB]]),
            None,
            ValueError,
            f"ids from {VOCAB} to {VOCAB}; expected 0 to 22",
        ),
        (torch.tensor([[-1]]), None, ValueError, "ids from -1 to -1"),
        (torch.zeros(1, 3), None, TypeError, "is float32; expected token ids"),
        (torch.tensor([1, 2]), None, ValueError, r"shape \(2,\); expected \(batch, length\)"),
        (torch.zeros(2, 0, dtype=torch.long), None, ValueError, "neither of them 0"),
        (IDS, REAL.long(), TypeError, "masks are boolean tensors, True = a real token"),
        (IDS, REAL[:, 1:], ValueError, r"the mask of \w+ has shape \(3, 8\)"),
        (IDS, REAL[:2], ValueError, r"the mask of \w+ has shape \(2, 9\)"),
    ],
)
def test_bad_ids_and_masks_are_named(name, ids, mask, error, match):
    model = build(name)
    with pytest.raises(error, match=match):
        model(ids, **({"target": TARGET} if isinstance(model, BART) else {}), mask=mask)
