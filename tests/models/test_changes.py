"""Reading a folder with changes: the body is read, a new head is drawn."""

import pytest
import torch

from attention_lib.models import BART, BERT
from tests.models.peers import edit_tensors, ours_of, peer, same_numbers


def read(seed, folder, cls=BERT, **changes):
    torch.manual_seed(seed)
    return cls.from_pretrained(folder, **changes)


@pytest.mark.parametrize("name", ["BERT", "BERT, masked_lm", "BERT, classes"])
def test_a_new_head_is_drawn_and_the_body_is_read(name, tmp_path):
    own = ours_of(peer(name), name, tmp_path, dtype=torch.float32)
    changes = {"head": "classification", "num_classes": 3, "dropout": 0.0}
    one, two = (read(seed, tmp_path, **changes) for seed in (0, 1))
    assert (one.config.head, one.config.num_classes) == ("classification", 3)
    assert not one.training and one.dropout.p == 0.0
    known = {
        k: v
        for k, v in own.state_dict().items()
        if not k.startswith(("classifier", "head_", "logits_bias"))
    }
    body = {k: v for k, v in one.state_dict().items() if k in known}
    assert len(body) == len(known) > 30
    assert all(torch.equal(known[key], value) for key, value in body.items())
    drawn = one.state_dict().keys() - body.keys()
    assert drawn == {"classifier.weight", "classifier.bias"} | (
        {"pooler.weight", "pooler.bias"} if "masked" in name else set()
    )
    assert one.classifier.weight.std() > 0
    assert not torch.equal(one.classifier.weight, two.classifier.weight)
    assert same_numbers(one, read(0, tmp_path, **changes))


def test_a_head_that_the_folder_has_is_read_though_its_own_does_not_need_it(tmp_path):
    theirs = peer("BERT, masked_lm")
    theirs.save_pretrained(tmp_path)
    weight, bias = torch.randn(24, 24), torch.randn(24)
    edit_tensors(tmp_path, **{"bert.pooler.dense.weight": weight, "bert.pooler.dense.bias": bias})
    assert not hasattr(BERT.from_pretrained(tmp_path), "pooler")
    for head in ("pooler", "classification"):
        pooler = BERT.from_pretrained(tmp_path, head=head).pooler
        assert torch.equal(pooler.weight, weight) and torch.equal(pooler.bias, bias)


def test_reading_draws_nothing_but_a_new_head(tmp_path):
    own = ours_of(peer("BERT, masked_lm"), "BERT, masked_lm", tmp_path, dtype=torch.float32)
    before = torch.get_rng_state()
    read_again = BERT.from_pretrained(tmp_path, dropout=0.0)
    assert torch.equal(torch.get_rng_state(), before)
    assert same_numbers(own, read_again)
    BERT.from_pretrained(tmp_path, head="classification")
    assert not torch.equal(torch.get_rng_state(), before)


def test_a_bare_model_gets_its_head(tmp_path):
    bare = ours_of(peer("BART, bare"), "BART, bare", tmp_path, dtype=torch.float32)
    writing = BART.from_pretrained(tmp_path, head="language_model")
    assert bare.config.head is None and torch.equal(writing.logits_bias, torch.zeros(1, 37))


@pytest.mark.parametrize(
    "changes",
    [
        {"d_model": 48},
        {"max_length": 5},
        {"num_layers": 4},
        {"num_layers": 1},
        {"num_heads": 1},
        {"activation": "relu"},
        {"vocab_size": 38},
        {"num_segments": 2},
    ],
)
def test_no_other_shape_is_read(changes, tmp_path):
    peer("BERT").save_pretrained(tmp_path)
    [name] = changes
    with pytest.raises(ValueError, match=f"{name} cannot change: the numbers belong to {name}="):
        BERT.from_pretrained(tmp_path, **changes)


def test_a_change_of_no_field_is_an_error(tmp_path):
    peer("BERT").save_pretrained(tmp_path)
    with pytest.raises(TypeError, match="drop_out"):
        BERT.from_pretrained(tmp_path, drop_out=0.0)
    with pytest.raises(ValueError, match="head='tagger'; expected one of None, 'pooler'"):
        BERT.from_pretrained(tmp_path, head="tagger")
