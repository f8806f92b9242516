"""One body, several heads."""

import pytest
import torch

from attention_lib.models import BART, BERT, GPT, BARTConfig, BERTConfig, GPTConfig, ViT, ViTConfig
from tests.reference import draw, draw_ids

SHAPE = {"d_model": 12, "num_heads": 3, "d_ff": 20, "num_layers": 2}
TEXT = {"vocab_size": 17, "max_length": 9}
IDS = draw_ids(3, 7, below=17)


def bert(head="masked_lm"):
    return BERT(BERTConfig(**SHAPE, **TEXT, head=head, dropout=0.0, attention_dropout=0.0)).double()


def test_the_body_keeps_its_numbers_and_the_new_head_is_drawn():
    model = bert().eval()
    classifier = model.with_head("classification", num_classes=4)
    assert torch.equal(classifier(IDS).hidden, model(IDS).hidden)
    assert classifier(IDS).logits.shape == (3, 4) and model(IDS).logits.shape == (3, 7, 17)
    assert not classifier.training and classifier.classifier.weight.dtype == torch.float64
    other = model.with_head("classification", num_classes=4)
    assert not torch.equal(other.classifier.weight, classifier.classifier.weight)


def test_what_is_trained_afterwards_stays_with_its_model():
    model = bert().train()
    copy = model.with_head("classification")
    assert copy.training
    before = {name: value.clone() for name, value in model.state_dict().items()}
    copy(IDS).logits.sum().backward()
    with torch.no_grad():
        for parameter in copy.parameters():
            parameter.sub_(parameter.grad if parameter.grad is not None else 0)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_parts_that_both_heads_share_are_kept():
    pooler = bert("pooler")
    classifier = pooler.with_head("classification")
    assert torch.equal(classifier.pooler.weight, pooler.pooler.weight)
    again = classifier.with_head("classification")
    assert torch.equal(again.classifier.weight, classifier.classifier.weight)
    wider = classifier.with_head("classification", num_classes=5)
    assert wider.classifier.weight.shape == (5, 12)


def test_bart_and_vit_change_their_heads_too():
    config = BARTConfig(**SHAPE, **TEXT, start_id=1, stop_id=2, pad_id=0, dropout=0.0)
    bart = BART(config).eval()
    source = IDS.clone()
    source[:, -1] = 2
    classifier = bart.with_head("classification")
    assert torch.equal(classifier(source, IDS).hidden, bart(source, IDS).hidden)
    assert classifier(source).logits.shape == (3, 3)
    assert torch.equal(
        classifier.with_head("language_model")(source, IDS).logits, bart(source, IDS).logits
    )
    vit = ViT(ViTConfig(image_size=8, patch_size=4, num_channels=1, **SHAPE)).eval()
    images = draw(2, 1, 8, 8, dtype=torch.float32)
    assert torch.equal(vit.with_head(None)(images).hidden, vit(images).hidden)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bert().with_head("poet"), ValueError, "head='poet'; expected one of"),
        (
            lambda: bert().with_head(None, d_model=24),
            ValueError,
            "d_model cannot change",
        ),
        (lambda: bert().with_head(None, colour=3), TypeError, "colour"),
        (lambda: GPT(GPTConfig(**SHAPE, **TEXT)).with_head(None), TypeError, "one head alone"),
    ],
)
def test_what_does_not_fit_is_an_error(call, error, message):
    with pytest.raises(error, match=message):
        call()
