"""Weights on disk: read strictly, found or honestly absent."""

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from safetensors.torch import save_file

from attention_lib import checkpoints
from attention_lib.checkpoints import find_weights, read_tensor
from tools.chapters import chapters


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.safetensors"
    save_file({"layer.0.weight": torch.arange(6.0).view(2, 3), "layer.0.bias": torch.ones(2)}, path)
    return path


def test_a_tensor_is_read_as_it_was_stored(file):
    assert torch.equal(read_tensor(file, "layer.0.weight"), torch.arange(6.0).view(2, 3))
    assert torch.equal(read_tensor(str(file), "layer.0.bias"), torch.ones(2))


def test_a_tensor_that_was_read_does_not_change_with_the_file(file):
    read = read_tensor(file, "layer.0.weight")
    with file.open("r+b") as opened:  # in place: a file that was put there would be another
        opened.write(bytes(file.stat().st_size))
    assert torch.equal(read, torch.arange(6.0).view(2, 3))


def test_a_missing_tensor_is_an_error_that_names_what_is_there(file):
    with pytest.raises(KeyError, match=r"no tensor 'layer.0.wieght'; it has .*layer.0.weight"):
        read_tensor(file, "layer.0.wieght")


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent.safetensors: no such file; expected"):
        read_tensor(tmp_path / "absent.safetensors", "x")


@pytest.mark.parametrize("damage", [b"", b"\x00" * 64, b"not safetensors at all"])
def test_a_damaged_file_is_an_error(file, damage):
    file.write_bytes(damage)
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        read_tensor(file, "layer.0.weight")


def test_a_truncated_file_is_an_error(file):
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        read_tensor(file, "layer.0.weight")


def test_the_weights_package_is_found_or_none(monkeypatch):
    folder = find_weights()
    if folder is not None:
        for name in ("model.safetensors", "tokenizer.json", "config.json"):
            assert (folder / name).is_file()
    monkeypatch.setattr(checkpoints, "_PACKAGE", "no_such_package_of_weights")
    assert find_weights() is None


WITHOUT = """
import socket
import attention_lib.checkpoints
attention_lib.checkpoints._PACKAGE = "no_such_package_of_weights"
def refuse(*arguments):
    raise OSError("a chapter asked the network for something")
socket.socket.connect = socket.getaddrinfo = refuse
"""


@pytest.mark.parametrize(
    "path",
    [path for path in chapters() if "find_weights" in path.read_text(encoding="utf-8")],
    ids=lambda path: path.stem,
)
def test_without_weights_and_network_a_chapter_runs_and_says_what_it_left_out(path):
    notebook = nbformat.read(path, as_version=4)
    notebook.cells.insert(0, new_code_cell(WITHOUT))
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", ())
    )
    assert "weights package is not installed" in printed
