"""BERT, GPT, BART and ViT compute what the models of ``transformers`` compute."""

import pytest
import torch

from attention_lib.masks import length_mask
from tests.models.peers import LENGTH, PEERS, VOCAB, images, ours_of, peer
from tests.reference import assert_equal, draw_ids

REAL = length_mask(torch.tensor([LENGTH, 7, 4, 1]), LENGTH)
IDS = draw_ids(4, LENGTH, below=VOCAB, seed=1)
TARGET = draw_ids(4, 6, below=VOCAB, seed=2)
peers = pytest.mark.parametrize("name", PEERS)


def both(name, ours, theirs, masked):
    """Give what each says: hidden states by layer, attention maps by layer, logits."""
    told = {"output_hidden_states": True, "output_attentions": True, "return_dict": True}
    asked = {"return_weights": True, "return_layers": True}
    if name.startswith("ViT"):
        pixels = images().to(theirs.dtype)
        return ours(pixels, **asked), theirs(pixel_values=pixels, **told)
    mask = REAL if masked else None
    their_mask = None if mask is None else mask.long()
    if name.startswith("BERT"):
        segments = draw_ids(4, LENGTH, below=theirs.config.type_vocab_size, seed=3)
        told |= {"token_type_ids": segments}
        return ours(IDS, segments, mask=mask, **asked), theirs(IDS, their_mask, **told)
    if name.startswith("GPT"):
        return ours(IDS, mask=mask, **asked), theirs(IDS, attention_mask=their_mask, **told)
    if ours.config.head == "classification":
        source = IDS.masked_fill(ours.config.stop_id == IDS, 9)
        source[torch.arange(4), REAL.sum(1) - 1] = ours.config.stop_id
        target_mask = None if mask is None else mask
        told |= {"decoder_attention_mask": their_mask}
        return (
            ours(source, mask=mask, target_mask=target_mask, **asked),
            theirs(source, their_mask, **told),
        )
    told |= {"decoder_input_ids": TARGET}
    return ours(IDS, TARGET, mask=mask, **asked), theirs(IDS, their_mask, **told)


def pairs(name, ours, theirs):
    """Name every tensor that both have."""
    if name.startswith("BART"):
        sides = [
            ("encoder", ours.layers.encoder, theirs.encoder_hidden_states),
            ("decoder", ours.layers.decoder, theirs.decoder_hidden_states),
            ("encoder weights", ours.weights.encoder, theirs.encoder_attentions),
            ("decoder weights", ours.weights.decoder, theirs.decoder_attentions),
            ("cross weights", ours.weights.cross, theirs.cross_attentions),
        ]
        yield "memory", ours.memory, theirs.encoder_last_hidden_state
    else:
        # Theirs of the last layer is normalised in GPT-2: that is our `hidden`.
        ended = "GPT" in name
        last = (*ours.layers[:-1], ours.hidden) if ended else ours.layers
        sides = [("layers", last, theirs.hidden_states)]
        if theirs.attentions or not name.startswith("ViT"):
            sides += [("weights", ours.weights, theirs.attentions)]
    for title, own, other in sides:
        assert len(own) == len(other) > 1
        for i, (one, two) in enumerate(zip(own, other, strict=True)):
            yield f"{title} {i}", one, two
    if "last_hidden_state" in theirs:
        yield "hidden", ours.hidden, theirs.last_hidden_state
    if "logits" in theirs:
        assert ours.logits is not None
        yield "logits", ours.logits, theirs.logits


def real_parts(title, tensor, masked):
    """Leave out what padding says: nobody reads it."""
    rows = REAL[: len(tensor)]
    of_source = not (title.startswith(("decoder", "cross")) or tensor.dim() == 2)
    if not masked or (not of_source and tensor.size(-2) != LENGTH):
        return tensor
    if tensor.dim() == 3 and tensor.size(1) == LENGTH:
        return tensor[rows]
    if tensor.dim() == 4 and tensor.size(2) == LENGTH:
        return tensor.transpose(1, 2)[rows]
    return tensor


@peers
@pytest.mark.parametrize("masked", [False, True])
def test_every_number_is_theirs_in_float64(name, masked, tmp_path):
    theirs = peer(name)
    ours = ours_of(theirs, name, tmp_path)
    if name.startswith("ViT"):  # to show its weights it computes them in float32: see below
        theirs.set_attn_implementation("sdpa")
    compared = 0
    with torch.no_grad():
        for title, one, two in pairs(name, *both(name, ours, theirs, masked)):
            one, two = (real_parts(title, t, masked) for t in (one, two))
            torch.testing.assert_close(
                one, two, atol=1e-9, rtol=1e-9, msg=lambda text, title=title: f"{title}: {text}"
            )
            compared += one.numel()
    assert compared > 500


@peers
def test_every_number_is_theirs_in_float32(name, tmp_path):
    theirs = peer(name)
    ours = ours_of(theirs, name, tmp_path, dtype=torch.float32)
    theirs = theirs.float()
    with torch.no_grad():
        for title, one, two in pairs(name, *both(name, ours, theirs, masked=True)):
            one, two = (real_parts(title, t, masked=True) for t in (one, two))
            assert (one - two).norm() <= 2e-5 * two.norm(), title


def test_the_weights_of_vit_are_theirs(tmp_path):
    theirs = peer("ViT")
    ours = ours_of(theirs, "ViT", tmp_path)
    with torch.no_grad():
        own, other = both("ViT", ours, theirs, masked=False)
    assert len(own.weights) == len(other.attentions) == 3
    for one, two in zip(own.weights, other.attentions, strict=True):
        assert_equal(one, two, tolerance=1e-6)


def test_the_pooled_vector_is_theirs(tmp_path):
    theirs = peer("BERT")
    ours = ours_of(theirs, "BERT", tmp_path)
    with torch.no_grad():
        pooled = ours.pool(ours(IDS, mask=REAL).hidden)
        assert_equal(pooled, theirs(IDS, REAL.long()).pooler_output)
