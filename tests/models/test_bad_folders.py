"""Folders that are not what they should be: each is an error that names what is wrong."""

import json
import pickle
import re
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from attention_lib.models import BART, BERT, GPT, ViT
from tests.models.peers import PEERS, asked, edit_tensors, ours_of, peer, refuse

# --- tensors ------------------------------------------------------------------------------

TENSORS = [
    ("BERT", "embeddings.word_embeddings.weight"),
    ("BERT", "encoder.layer.1.attention.self.key.bias"),
    ("BERT", "pooler.dense.bias"),
    ("BERT, masked_lm", "cls.predictions.bias"),
    ("BERT, classes", "classifier.weight"),
    ("GPT", "transformer.h.2.attn.c_attn.bias"),
    ("GPT", "transformer.h.0.mlp.c_fc.weight"),
    ("GPT", "transformer.wpe.weight"),
    ("BART", "model.decoder.layers.1.encoder_attn.v_proj.weight"),
    ("BART", "final_logits_bias"),
    ("BART, classes", "classification_head.out_proj.bias"),
    ("ViT", "vit.embeddings.cls_token"),
    ("ViT", "vit.layernorm.weight"),
]
tensors = pytest.mark.parametrize(("name", "tensor"), TENSORS)


@tensors
def test_a_missing_tensor_is_named(name, tensor, tmp_path, written):
    edit_tensors(written(name), tensor)
    refuse(name, tmp_path, f"do not fit {PEERS[name][0].__name__}: missing .*{re.escape(tensor)}")


@tensors
def test_a_misshapen_tensor_is_named_with_both_shapes(name, tensor, tmp_path, written):
    shape = load_file(written(name) / "model.safetensors")[tensor].shape
    edit_tensors(tmp_path, **{tensor: torch.zeros(*shape[:-1], shape[-1] + 1)})
    was = re.escape(f"{tensor} has shape {(*shape[:-1], shape[-1] + 1)}, expected {tuple(shape)}")
    refuse(name, tmp_path, was)


@tensors
def test_a_renamed_tensor_is_missing_and_extra(name, tensor, tmp_path, written):
    written(name)
    renamed = f"{tensor}_orig"
    edit_tensors(tmp_path, tensor, **{renamed: load_file(tmp_path / "model.safetensors")[tensor]})
    refuse(name, tmp_path, rf"missing .*{re.escape(tensor)}; extra {re.escape(renamed)}")


@tensors
@pytest.mark.parametrize("dtype", [torch.int8, torch.bool, torch.complex64, torch.float8_e5m2])
def test_only_floating_point_numbers_are_read(name, tensor, dtype, tmp_path, written):
    shape = load_file(written(name) / "model.safetensors")[tensor].shape
    edit_tensors(tmp_path, **{tensor: torch.zeros(shape).to(dtype)})
    refuse(name, tmp_path, f"{re.escape(tensor)} is stored as [A-Z]+.*, expected floating point")


@pytest.mark.parametrize("name", ["BERT", "GPT", "BART", "ViT"])
def test_an_extra_tensor_is_named(name, tmp_path, written):
    edit_tensors(written(name), **{"encoder.layer.3.output.dense.bias": torch.zeros(24)})
    refuse(name, tmp_path, "extra encoder.layer.3.output.dense.bias$")


@pytest.mark.parametrize(
    ("name", "added", "first"),
    [
        ("GPT", "h.1.ln_1.weight", "transformer.h.1.ln_1.weight"),
        ("BERT", "bert.pooler.dense.bias", "pooler.dense.bias"),
        ("BERT", "embeddings.LayerNorm.gamma", "embeddings.LayerNorm.weight"),
        ("BART", "shared.weight", "model.shared.weight"),
    ],
)
def test_one_part_under_two_names_is_an_error(name, added, first, tmp_path, written):
    there = load_file(written(name) / "model.safetensors")[first]
    edit_tensors(tmp_path, **{added: there + 1})
    refuse(name, tmp_path, f"{re.escape(first)}.* are the same part|are the same part")


@pytest.mark.parametrize(
    ("name", "copy", "first"),
    [
        ("GPT", "lm_head.weight", "transformer.wte.weight"),
        ("BERT, masked_lm", "cls.predictions.decoder.weight", "bert.embeddings.word_embeddings"),
        ("BERT, masked_lm", "cls.predictions.decoder.bias", "cls.predictions.bias"),
        ("BART", "lm_head.weight", "model.shared.weight"),
        ("BART, bare", "decoder.embed_tokens.weight", "shared.weight"),
    ],
)
def test_copies_must_be_copies(name, copy, first, tmp_path, written):
    stored = load_file(written(name) / "model.safetensors")
    there = next(tensor for own, tensor in stored.items() if own.startswith(first))
    plain = PEERS[name][0].from_pretrained(tmp_path)
    edit_tensors(tmp_path, **{copy: there})
    read = PEERS[name][0].from_pretrained(tmp_path)
    assert all(map(torch.equal, read.parameters(), plain.parameters()))
    changed = there.clone()
    changed.view(-1)[0] += 1e-6
    edit_tensors(tmp_path, **{copy: changed})
    refuse(name, tmp_path, f"{re.escape(copy)} differs from {re.escape(first)}.*tied here")


def test_a_turned_map_is_found_by_its_shape_and_a_square_one_by_what_it_computes(
    tmp_path, monkeypatch, written
):
    name = "transformer.h.0.attn.c_attn.weight"
    there = load_file(written("GPT") / "model.safetensors")[name]
    edit_tensors(tmp_path, **{name: there.T.contiguous()})
    refuse("GPT", tmp_path, r"c_attn.weight has shape \(72, 24\), expected \(24, 72\)")

    # No shape tells when a square map is turned: the comparison with theirs does.
    table, key = GPT.names, "layers.0.self_attention.out_map"

    def wrong(_, config):
        found = table(config)
        return replace(found, body=found.body | {key: str(found.body[key])})

    theirs = peer("GPT")
    ids = asked("GPT")["input_ids"]
    with torch.no_grad():
        expected = theirs(ids).logits
        right = ours_of(theirs, "GPT", tmp_path)(ids).logits
        monkeypatch.setattr(GPT, "names", classmethod(wrong))
        turned = ours_of(theirs, "GPT", tmp_path)(ids).logits
    assert (right - expected).abs().max() < 1e-9
    assert (turned - expected).abs().max() > 0.1


def test_a_pattern_of_masks_eats_no_bias(tmp_path, written):
    written("GPT")
    masks = {f"transformer.h.{i}.attn.bias": torch.ones(1, 1, 11, 11).tril() for i in range(3)}
    edit_tensors(tmp_path, **masks)
    GPT.from_pretrained(tmp_path)
    edit_tensors(tmp_path, "transformer.h.1.attn.c_attn.bias")
    refuse("GPT", tmp_path, r"missing transformer.h.1.attn.c_attn.bias$")
    written("GPT")
    edit_tensors(tmp_path, **{"transformer.h.3.attn.c_attn.bias": torch.zeros(72)})
    refuse("GPT", tmp_path, r"extra transformer.h.3.attn.c_attn.bias$")


# --- files --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "match"),
    [
        (b"{", "is not JSON"),
        (b"", "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b"[" * 100_000, "is not JSON"),
        (b"[1]", "holds a list; expected a JSON object"),
        (b"3", "holds a int; expected a JSON object"),
    ],
)
def test_a_config_that_is_no_object_is_an_error(config, match, tmp_path, written):
    (written("GPT") / "config.json").write_bytes(config)
    refuse("GPT", tmp_path, rf"config.json {match}")


def test_what_is_missing_is_named(tmp_path, written):
    refuse("GPT", tmp_path, "config.json: no such file", FileNotFoundError)
    written("GPT")
    (tmp_path / "model.safetensors").unlink()
    refuse("GPT", tmp_path, r"has no model.safetensors; expected one, or", FileNotFoundError)


def test_nothing_is_unpickled(tmp_path, written):
    written("GPT")
    (tmp_path / "model.safetensors").unlink()
    mark = tmp_path / "unpickled"

    class Trap:
        def __reduce__(self):
            return mark.touch, ()

    trap = pickle.dumps(Trap())
    pickle.loads(trap)
    assert mark.exists()  # it works
    mark.unlink()
    (tmp_path / "pytorch_model.bin").write_bytes(trap)
    refuse("GPT", tmp_path, "a pickle can run code, so pytorch_model.bin", FileNotFoundError)
    (tmp_path / "model.safetensors").write_bytes(trap)
    refuse("GPT", tmp_path, "is not a readable safetensors file")
    index = {"weight_map": {"transformer.wte.weight": "pytorch_model.bin"}}
    (tmp_path / "model.safetensors").unlink()
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    refuse("GPT", tmp_path, "pytorch_model.bin is not a readable safetensors file")
    assert not mark.exists()


@pytest.mark.parametrize("left", [0, 4, 100, -8, -1])
def test_a_truncated_file_is_an_error(left, tmp_path, written):
    path = written("GPT") / "model.safetensors"
    path.write_bytes(path.read_bytes()[:left])
    refuse("GPT", tmp_path, "model.safetensors is not a readable safetensors file")


def test_garbage_is_an_error(tmp_path, written):
    path = written("GPT") / "model.safetensors"
    path.write_bytes(b"garbage" * 1000)
    refuse("GPT", tmp_path, "model.safetensors is not a readable safetensors file")
    save_file({}, path)
    refuse("GPT", tmp_path, "missing transformer.wte.weight, .* and [0-9]+ more")


@pytest.mark.parametrize(
    "index",
    [{}, [], {"weight_map": {}}, {"weight_map": None}, {"weight_map": []}, {"weight_map": "a"}]
    + [{"weight_map": {"x": file}} for file in (5, ["a"], None, "../other/model.safetensors")]
    + [{"weight_map": {"x": file}} for file in ("a/b", "/etc/passwd", ".")],
)
def test_an_index_names_files_beside_it(index, tmp_path, written):
    written("GPT", "other")
    written("GPT", "own")
    (tmp_path / "own/model.safetensors").unlink()
    (tmp_path / "own/model.safetensors.index.json").write_text(json.dumps(index))
    refuse("GPT", tmp_path / "own", "index.json (names no files beside it|holds a list)")


@pytest.mark.parametrize("file", ["absent.safetensors", "..", ""])
def test_a_shard_that_is_not_there_is_named(file, tmp_path, written):
    path = written("GPT") / "model.safetensors"
    path.rename(tmp_path / "model-1.safetensors")
    index = {"weight_map": {"x": file, "y": "model-1.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    refuse("GPT", tmp_path, "no such file; expected a .safetensors file", FileNotFoundError)


def test_shards_hold_each_tensor_once(tmp_path):
    peer("GPT").save_pretrained(tmp_path, max_shard_size="30KB")
    one, two, *_ = sorted(tmp_path.glob("*.safetensors"))
    first, second = load_file(one), load_file(two)
    name = next(iter(first))
    save_file(second | {name: first[name]}, two)
    refuse("GPT", tmp_path, f"{two.name} and another file both have {re.escape(name)}")
    save_file(second, two)
    GPT.from_pretrained(tmp_path)
    save_file({own: tensor for own, tensor in first.items() if own != name}, one)
    refuse("GPT", tmp_path, f"missing {re.escape(name)}$")


def test_a_folder_of_another_family_is_an_error(tmp_path, written):
    written("GPT")
    for cls in (BERT, BART, ViT):
        with pytest.raises(ValueError, match=r"model_type 'gpt2'; expected .*class of its family"):
            cls.from_pretrained(tmp_path)
