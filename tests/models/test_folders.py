"""Folders: what transformers writes is read, and what is written transformers reads."""

import json
import os
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from attention_lib import pretrained
from attention_lib.models import GPT, GPTConfig
from tests.models.peers import PEERS, asked, ours_of, peer, same_numbers, theirs_of

peers = pytest.mark.parametrize("name", PEERS)
ONE_EACH = ["BERT, masked_lm", "BERT, classes", "GPT", "BART", "BART, classes", "ViT"]
one_each = pytest.mark.parametrize("name", ONE_EACH)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def gpt():
    torch.manual_seed(0)
    return GPT(GPTConfig(7, 8, 2, num_layers=2, max_length=5, stop_id=3)).eval()


# --- there and back -----------------------------------------------------------------------


@peers
def test_a_folder_in_several_files_is_read_as_one(name, tmp_path):
    theirs = peer(name)
    theirs.save_pretrained(tmp_path / "many", max_shard_size="9KB")
    assert len(list((tmp_path / "many").glob("*.safetensors"))) > 2
    assert not (tmp_path / "many/model.safetensors").exists()
    many = PEERS[name][0].from_pretrained(tmp_path / "many", dtype=torch.float64)
    assert same_numbers(many, ours_of(theirs, name, tmp_path / "one"))


@peers
def test_they_read_what_they_wrote_after_it_went_through_ours(name, tmp_path):
    theirs = peer(name)
    ours_of(theirs, name, tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    back = theirs_of(tmp_path / "ours", name)
    if PEERS[name][1] == "ViTModel":
        theirs.pooler = None  # no model here has it
    assert same_numbers(theirs, back)
    with torch.no_grad():  # sums may be ordered by where numbers lie, which a file decides for some
        one, two = theirs(**asked(name))[0], back(**asked(name))[0]
    torch.testing.assert_close(one, two, rtol=0, atol=1e-12)


@peers
def test_tensors_are_called_as_theirs_are(name, tmp_path):
    ours_of(peer(name), name, tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    own, other = (load_file(tmp_path / side / "model.safetensors") for side in ("ours", "theirs"))
    if name == "GPT, bare":  # the table of embeddings is a head already
        other = {f"transformer.{key}": tensor for key, tensor in other.items()}
    if name == "ViT, bare":  # no model here has the pooler
        other = {key: tensor for key, tensor in other.items() if not key.startswith("pooler")}
    assert own.keys() == other.keys()
    assert all(torch.equal(tensor, other[key]) for key, tensor in own.items())


@peers
def test_their_config_comes_back_as_it_was(name, tmp_path):
    theirs = peer(name)
    ours_of(theirs, name, tmp_path / "theirs").save_pretrained(tmp_path / "ours")
    before, after = theirs.config.to_dict(), theirs_of(tmp_path / "ours", name).config.to_dict()
    differing = {k for k in before.keys() | after.keys() if before.get(k) != after.get(k)}
    said_otherwise = {"_name_or_path"}
    if before.get("n_inner", 0) is None:
        assert after["n_inner"] == 4 * after["n_embd"]
        said_otherwise.add("n_inner")
    if name == "GPT, bare":  # the table of embeddings is a head already
        assert after["architectures"] == ["GPT2LMHeadModel"]
        said_otherwise.add("architectures")
    if "ForSequence" not in PEERS[name][1] and "ForImage" not in PEERS[name][1]:
        said_otherwise |= {"id2label", "label2id"}
    assert differing <= said_otherwise


@peers
def test_ours_comes_back_from_them_as_it_was(name, tmp_path):
    ours = ours_of(peer(name), name, tmp_path / "0")
    ours.save_pretrained(tmp_path / "1")
    theirs_of(tmp_path / "1", name).save_pretrained(tmp_path / "2")
    back = PEERS[name][0].from_pretrained(tmp_path / "2", dtype=torch.float64)
    assert same_numbers(ours, back)
    expected = ours.config
    if "num_classes" in vars(expected) and expected.head != "classification":
        expected = replace(expected, num_classes=back.config.num_classes)
    assert back.config == expected
    assert PEERS[name][0].from_pretrained(tmp_path / "1").config == expected


def test_what_ends_a_text_comes_back(tmp_path, gpt):
    gpt.save_pretrained(tmp_path)
    theirs = theirs_of(tmp_path, "GPT").config
    assert theirs.eos_token_id == theirs.bos_token_id == 3
    assert GPT.from_pretrained(tmp_path).config == gpt.config
    GPT(GPTConfig(7, 8, 2, num_layers=1, max_length=5)).save_pretrained(tmp_path)
    theirs = theirs_of(tmp_path, "GPT").config
    assert theirs.eos_token_id is theirs.bos_token_id is None


# --- dtypes -------------------------------------------------------------------------------


@one_each
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_the_bytes_hold_the_nearest_numbers(name, dtype, tmp_path):
    ours = ours_of(peer(name), name, tmp_path / "0")
    ours.save_pretrained(tmp_path / "1", dtype=dtype)
    assert {t.dtype for t in load_file(tmp_path / "1/model.safetensors").values()} == {dtype}
    back = PEERS[name][0].from_pretrained(tmp_path / "1", dtype=torch.float64)
    assert same_numbers(back, ours.to(dtype).double())
    theirs = theirs_of(tmp_path / "1", name, dtype="auto")
    assert theirs.dtype == dtype


def test_a_model_is_stored_in_its_own_dtype(tmp_path, gpt):
    gpt.bfloat16().save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "bfloat16"
    tensors = load_file(tmp_path / "model.safetensors")
    assert {t.dtype for t in tensors.values()} == {torch.bfloat16}
    assert {t.dtype for t in GPT.from_pretrained(tmp_path).parameters()} == {torch.float32}
    read = GPT.from_pretrained(tmp_path, dtype=torch.bfloat16)
    assert same_numbers(read, gpt)


def test_numbers_too_large_are_an_error_both_ways(tmp_path, gpt):
    with torch.no_grad():
        gpt.norm.weight[3] = 1e5
    gpt.save_pretrained(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(OverflowError, match=r"norm.weight holds numbers above 6.55e\+04.*bfloat16"):
        gpt.save_pretrained(tmp_path, dtype=torch.float16)
    assert contents(tmp_path) == before
    with pytest.raises(OverflowError, match=r"transformer.ln_f.weight holds numbers above"):
        GPT.from_pretrained(tmp_path, dtype=torch.float16)
    gpt.save_pretrained(tmp_path, dtype=torch.bfloat16)


def test_what_was_infinite_before_stays_so(tmp_path, gpt):
    with torch.no_grad():
        gpt.norm.weight[:2] = torch.tensor([float("inf"), float("nan")])
    gpt.save_pretrained(tmp_path, dtype=torch.float16)
    read = GPT.from_pretrained(tmp_path).norm.weight
    assert read[0] == float("inf") and read[1].isnan()


@pytest.mark.parametrize("dtype", ["float16", torch.int8, torch.complex64, torch.float8_e4m3fn, 16])
def test_no_other_dtype_is_taken(dtype, tmp_path, gpt):
    with pytest.raises(TypeError, match=r"dtype is .*; expected one of torch.float32, torch.float"):
        gpt.save_pretrained(tmp_path / "new", dtype=dtype)
    assert not (tmp_path / "new").exists()
    gpt.save_pretrained(tmp_path)
    with pytest.raises(TypeError, match=r"dtype is .*; expected one of torch.float32, torch.float"):
        GPT.from_pretrained(tmp_path, dtype=dtype)


# --- writing ------------------------------------------------------------------------------


@pytest.mark.parametrize("step", ["the numbers", "the config", "the first name", "the second name"])
def test_a_disk_that_fails_leaves_the_old_folder(step, tmp_path, monkeypatch, gpt):
    gpt.save_pretrained(tmp_path)
    before = contents(tmp_path)
    gpt.bfloat16()  # another config and other numbers

    def fail(*_, **__):
        raise OSError("no space left on device")

    def fail_at_the_second(*paths, calls=[], replace=os.replace):  # noqa: B006 - it counts
        calls.append(paths)
        return fail() if len(calls) == 2 else replace(*paths)

    target, name, failing = {
        "the numbers": (pretrained, "save_file", fail),
        "the config": (pretrained.Path, "write_text", fail),
        "the first name": (os, "replace", fail),
        "the second name": (os, "replace", fail_at_the_second),
    }[step]
    with monkeypatch.context() as patch:
        patch.setattr(target, name, failing)
        with pytest.raises(OSError, match="no space left"):
            gpt.save_pretrained(tmp_path)
    if step != "the second name":
        assert contents(tmp_path) == before
    # Between the two renamings one file is new and one old: each is whole.
    assert set(contents(tmp_path)) == set(before)
    assert contents(tmp_path)["config.json"] == before["config.json"]
    GPT.from_pretrained(tmp_path)


def test_a_new_model_takes_the_place_of_an_old_one(tmp_path, gpt):
    peer("GPT").save_pretrained(tmp_path, max_shard_size="9KB")
    (tmp_path / "tokenizer.json").write_text("kept")
    assert (tmp_path / "model.safetensors.index.json").exists()
    gpt.save_pretrained(tmp_path)
    assert same_numbers(GPT.from_pretrained(tmp_path), gpt)
    assert torch.equal(theirs_of(tmp_path, "GPT").lm_head.weight, gpt.token_embedding.weight)
    assert (tmp_path / "tokenizer.json").read_text() == "kept"


def test_a_model_can_be_saved_where_it_was_read(tmp_path, gpt):
    gpt.save_pretrained(tmp_path)
    read = GPT.from_pretrained(tmp_path)
    with torch.no_grad():
        read.norm.weight.mul_(2)
    read.save_pretrained(tmp_path)
    assert torch.equal(GPT.from_pretrained(tmp_path).norm.weight, 2 * gpt.norm.weight)
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    assert torch.equal(read.norm.weight, 2 * gpt.norm.weight)


def test_a_file_is_no_place_for_a_model(tmp_path, gpt):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(NotADirectoryError, match=r"file is a file; expected a folder"):
        gpt.save_pretrained(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "kept"
    gpt.save_pretrained(tmp_path / "a/new/folder")
    assert same_numbers(GPT.from_pretrained(str(tmp_path / "a/new/folder")), gpt)


def test_saving_changes_nothing_in_the_model(tmp_path, gpt):
    before = {name: tensor.clone() for name, tensor in gpt.state_dict().items()}
    gpt.save_pretrained(tmp_path, dtype=torch.float16)
    assert all(torch.equal(before[name], tensor) for name, tensor in gpt.state_dict().items())
    assert all(parameter.dtype == torch.float32 for parameter in gpt.parameters())


def test_an_activation_that_they_do_not_have_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"activation='swiglu'; expected one of 'gelu'"):
        GPT(GPTConfig(7, 8, 2, num_layers=1, activation="swiglu")).save_pretrained(tmp_path)
    assert contents(tmp_path) == {}
