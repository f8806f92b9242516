"""A name alone finds a folder, and nothing is downloaded unasked."""

import socket
from fnmatch import fnmatchcase
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

import attention_lib
from attention_lib import checkpoints
from attention_lib.checkpoints import find_weights
from attention_lib.models import GPT
from attention_lib.pretrained import find_folder


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was asked for something")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.fixture
def downloads(monkeypatch, tmp_path):
    """What is asked of huggingface.co, which has one model."""
    asked = []

    def download(name, **options):
        asked.append((name, options))
        if name == "openai-community/gpt2":
            return str(tmp_path)
        raise LocalEntryNotFoundError("not at hand")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.delenv("ATTENTION_ONLINE", raising=False)
    return asked


def test_a_folder_is_found_without_asking(downloads, tmp_path):
    assert find_folder(tmp_path) == find_folder(str(tmp_path)) == tmp_path
    assert downloads == []


@pytest.mark.skipif(find_weights() is None, reason="the weights package is not installed")
def test_the_packaged_model_is_found_by_either_name_without_asking(downloads):
    for name in ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2"):
        assert find_folder(name) == find_weights()
    assert downloads == []


def test_what_the_package_has_is_found_without_asking(downloads):
    folder = find_folder("documentation_gpt")
    assert folder == Path(attention_lib.__file__).parent / "weights" / "documentation_gpt"
    assert GPT.from_pretrained("documentation_gpt").config.vocab_size == 1024
    assert downloads == []


@pytest.mark.parametrize("name", ["../weights/documentation_gpt", "../tasks"])
def test_only_a_plain_name_is_looked_up_in_the_package(name, downloads, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError):
        find_folder(name)


@pytest.mark.parametrize("online", [None, "0", "", "yes", "1"])
def test_nothing_is_downloaded_unless_asked_for(online, downloads, monkeypatch, tmp_path):
    if online is not None:
        monkeypatch.setenv("ATTENTION_ONLINE", online)
    assert find_folder("openai-community/gpt2") == tmp_path
    [(name, options)] = downloads
    assert name == "openai-community/gpt2"
    assert options["local_files_only"] is (online != "1")
    # No pickle, no code, no second copy of the numbers.
    for unwanted in ("pytorch_model.bin", "model.py", "flax_model.msgpack", "onnx/model.onnx"):
        assert not any(fnmatchcase(unwanted, p) for p in options["allow_patterns"])
    for wanted in ("config.json", "model-00001-of-00002.safetensors", "tokenizer.json"):
        assert any(fnmatchcase(wanted, p) for p in options["allow_patterns"])


@pytest.mark.parametrize("name", ["no/such-model", "all-MiniLM-L6-v2"])
def test_what_is_not_at_hand_is_an_error_that_says_what_to_do(name, downloads, monkeypatch):
    monkeypatch.setattr(checkpoints, "_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(FileNotFoundError, match=f"'{name}' is no folder.*ATTENTION_ONLINE=1 down"):
        find_folder(name)
    monkeypatch.setenv("ATTENTION_ONLINE", "1")
    with pytest.raises(FileNotFoundError, match=f"'{name}' is no folder.*check the name and the c"):
        GPT.from_pretrained(name)
    assert [options["local_files_only"] for _, options in downloads] == [True, False]


@pytest.mark.parametrize("name", ["a b", "a/b/c", "/no/such/folder", "../..x", "\0", "x" * 200])
def test_what_is_no_name_is_not_at_hand(name, monkeypatch):
    monkeypatch.delenv("ATTENTION_ONLINE", raising=False)
    with pytest.raises(FileNotFoundError, match="is no folder and no model at hand"):
        find_folder(name)


@pytest.mark.parametrize("name", [None, 5, b"gpt2", ["gpt2"], GPT])
def test_what_is_no_path_is_an_error(name):
    with pytest.raises(TypeError, match="given; expected a folder or a name"):
        find_folder(name)
