"""BERT, GPT, BART and ViT as modules: weights, gradients, dropout, dtypes, copies."""

import copy

import pytest
import tokenizers
import torch
import transformers

from attention_lib.checkpoints import find_weights
from attention_lib.models import BART, BERT, ViT
from tests.models.test_models import IDS, LENGTH, REAL, answer, build, call, every
from tests.reference import assert_equal, draw


def all_weights(found):
    """Give every attention map of an answer, by the side that looks and the side looked at."""
    if isinstance(found.weights, tuple) and not hasattr(found.weights, "cross"):
        return {"own": found.weights}
    return found.weights._asdict()


@every
@torch.no_grad()
def test_weights_and_layers_are_given_when_asked_for(name):
    model = build(name)
    plain, told = call(model), call(model, return_weights=True, return_layers=True)
    assert_equal(plain.hidden, told.hidden)
    assert not plain.weights and not plain.layers
    for side, weights in all_weights(told).items():
        assert len(weights) == 2
        for each in weights:
            assert each.shape[:2] == (3, 3)
            if each.size(-1) == LENGTH and side != "decoder":
                assert (each * ~REAL[:, None, None, :]).sum() == 0
            sums = each.sum(dim=-1)
            assert_equal(sums, torch.ones_like(sums))
    layers = told.layers if not hasattr(told.layers, "encoder") else told.layers.decoder
    assert len(layers) == 3 and all(layer.shape == told.hidden.shape for layer in layers)
    with pytest.raises(TypeError, match="return_weights is 1; expected True or False"):
        call(model, return_weights=1)


@every
def test_gradients_reach_every_parameter(name):
    model = build(name)
    answer(model).mul(draw(*answer(model).shape, seed=4)).sum().backward()
    missed = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert missed == []


@every
@torch.no_grad()
def test_a_model_without_a_head_gives_hidden_vectors(name):
    found = call(build(name))
    assert found.hidden.shape[::2] == (3, 12)
    has_none = name.endswith(("None", "pooler"))
    assert (found.logits is None) == has_none


@every
@torch.no_grad()
def test_dropout_acts_in_training_alone(name):
    model = build(name, dropout=0.5, attention_dropout=0.0)
    assert torch.equal(answer(model), answer(model))
    quiet = answer(model)
    model.train()
    assert not torch.allclose(answer(model), answer(model))
    model.eval()
    assert torch.equal(answer(model), quiet)
    silent = {"dropout": 0.0, "attention_dropout": 0.0}
    if name.startswith("BART"):
        silent["activation_dropout"] = 0.0
    model = build(name, **silent)
    assert torch.equal(answer(model), quiet)
    assert torch.equal(answer(model.train()), quiet)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("BERT, None", "attention_dropout"),
        ("GPT", "attention_dropout"),
        ("ViT, None", "attention_dropout"),
        ("BART, None", "attention_dropout"),
        ("BART, None", "activation_dropout"),
        ("BART, classification", "classifier_dropout"),
        ("BERT, classification", "dropout"),
    ],
)
@torch.no_grad()
def test_each_dropout_has_its_own_place(name, field):
    fields = {"dropout": 0.0, "attention_dropout": 0.0}
    if name.startswith("BART"):
        fields |= {"activation_dropout": 0.0, "classifier_dropout": 0.0}
    model = build(name, **fields | {field: 0.5})
    quiet = answer(model)
    assert not torch.allclose(answer(model.train()), quiet)


@torch.no_grad()
def test_a_classifier_of_bert_drops_some_of_what_it_reads():
    bert, shapes = build("BERT, classification"), []
    bert.dropout.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape)))
    bert(IDS)
    assert shapes == [(3, LENGTH, 12), (3, 12)]


@every
@pytest.mark.parametrize(("dtype", "error"), [(torch.bfloat16, 0.03), (torch.float16, 0.004)])
@torch.no_grad()
def test_half_precision_blurs_a_little(name, dtype, error):
    model = build(name)
    exact = answer(model)
    found = answer(model.to(dtype))
    assert found.dtype == dtype
    assert 0 < (found.double() - exact).norm() < error * exact.norm()


@every
@torch.no_grad()
def test_a_copy_computes_the_same_and_shares_nothing(name):
    model = build(name)
    expected, twin = answer(model), copy.deepcopy(model)
    assert torch.equal(answer(twin), expected)
    other = build(name, seed=1)
    assert not torch.allclose(answer(other), expected)
    other.load_state_dict(model.state_dict(), strict=True)
    assert torch.equal(answer(other), expected)
    for parameter in model.parameters():
        parameter.zero_()
    assert torch.equal(answer(twin), expected) and torch.equal(answer(other), expected)
    if isinstance(twin, BART):
        assert twin.source_embedding is twin.target_embedding


@every
def test_a_model_starts_from_small_numbers_and_no_opinion(name):
    torch.manual_seed(0)
    model = type(build(name))(build(name).config)
    for own, parameter in model.named_parameters():
        if own.endswith("bias") or (isinstance(model, BERT) and own == "logits_bias"):
            assert not parameter.any(), own
        elif "norm" in own:
            assert (parameter == 1).all(), own
        else:
            assert 0.001 < parameter.std() < 0.03, own
    assert isinstance(model, ViT) or model(IDS, mask=REAL).hidden.isfinite().all()


@pytest.mark.skipif(find_weights() is None, reason="the weights package is not installed")
@torch.no_grad()
def test_minilm_reads_sentences_as_theirs_does():
    folder = find_weights()
    tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_padding()
    texts = [
        "The bank of the river was muddy.",
        "She paid the money into her account at the bank, which had opened early that morning.",
        "Hello!",
        "",
    ]
    found = tokenizer.encode_batch(texts)
    ids = torch.tensor([one.ids for one in found])
    real = torch.tensor([one.attention_mask for one in found]).bool()
    assert len(set(real.sum(1).tolist())) == 4
    ours = BERT.from_pretrained("all-MiniLM-L6-v2", dtype=torch.float64)
    theirs = transformers.BertModel.from_pretrained(
        folder, dtype=torch.float64, attn_implementation="eager"
    )
    told = theirs(ids, attention_mask=real.long())
    own = ours(ids, mask=real)
    assert_equal(own.hidden[real], told.last_hidden_state[real])
    assert_equal(ours.pool(own.hidden), told.pooler_output)
    for hidden, kept, one in zip(own.hidden, real, found, strict=True):
        alone = torch.tensor([one.ids])[:, kept]
        assert_equal(hidden[kept], ours(alone).hidden[0])
