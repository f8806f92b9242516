"""Folders of trained models, as Hugging Face's ``transformers`` writes and reads them.

A folder holds ``config.json`` and ``model.safetensors``, the model's numbers by name; large models
come in several such files and an index. Every library has names of its own, so each model of this
package holds a table of both. Reading is strict: a tensor that is missing, extra or of another
shape is an error that names it, and nothing is unpickled.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from attention_lib.checkpoints import StoredTensors, find_weights, write_beside
from attention_lib.formats import Format, Names, Transposed, read_json

__all__ = ["Pretrained", "find_folder"]

_OWN = Path(__file__).parent / "weights"  # folders that come with this package
CONFIG, WEIGHTS, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"
# What numbers may be stored in, and what the files call it.
_DTYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64"}


class _Part(NamedTuple):
    """A tensor of ours, and where it stands in the file."""

    tensor: Tensor
    theirs: tuple[str, ...]
    is_turned: bool
    is_of_head: bool

    def shape_of_theirs(self) -> tuple[int, ...]:
        rows, *rest = self.tensor.shape
        shape = (rows // len(self.theirs), *rest)
        return shape[::-1] if self.is_turned else shape

    def fits(self, stored: StoredTensors, places: dict[str, str]) -> bool:
        """Tell whether the file has this tensor, in this shape."""
        found = [stored.shapes[places[name]] for name in self.theirs if name in places]
        return found == [self.shape_of_theirs()] * len(self.theirs)

    def read(self, stored: StoredTensors, places: dict[str, str]) -> None:
        """Fill in what the file has."""
        dtype = self.tensor.dtype
        found = [_as(dtype, stored.read(places[name]), name) for name in self.theirs]
        with torch.no_grad():
            self.tensor.copy_(found[0].mT if self.is_turned else torch.cat(found))


class Pretrained(nn.Module):
    """A model that can be read from a folder and written to one.

    Args:
        config: of the class that ``format`` names.

    Raises:
        TypeError: something else.
    """

    format: ClassVar[Format]

    def __init__(self, config: Any) -> None:
        super().__init__()
        expected = self.format.config_class
        if not isinstance(config, expected):
            name = expected.__name__
            raise TypeError(f"config is {config!r}; expected a {name}, such as {name}()")
        self.config = config

    @classmethod
    def names(cls, config: Any) -> Names:
        """Say what each part of the model is called in the file.

        Raises:
            NotImplementedError: a family without a table.
        """
        raise NotImplementedError

    @classmethod
    def from_pretrained(
        cls, folder_or_name: Path | str, *, dtype: torch.dtype = torch.float32, **changes
    ) -> Self:
        """Read a model.

        Args:
            folder_or_name: a folder, or a name as :func:`find_folder` takes it.
            dtype: of the parameters, whatever the file stores: ``torch.float32``, ``float16``,
                ``bfloat16`` or ``float64``.
            changes: fields of the config to change: ``dropout=0.0``, say, or another ``head`` or
                number of classes; what the folder has no numbers for is then drawn.

        Returns:
            The model, on the CPU, in evaluation mode.

        Raises:
            FileNotFoundError: no such folder, or one without config or weights.
            TypeError: a change that is no field of the config, or another dtype.
            ValueError: a config of another family, or with an option that this package does not
                have; tensors missing, extra, of another shape or not of floating point; a damaged
                file; a change of anything but head, number of classes, ids or dropout.
            OverflowError: a number that ``dtype`` cannot hold.
        """
        _check_dtype(dtype)
        folder = find_folder(folder_or_name)
        configs = cls.format.read(folder / CONFIG)
        with StoredTensors(_weight_files(folder)) as stored:
            config, places = _agree(cls, configs, stored, folder)
            wanted = _changed(config, **changes)
            with torch.device("meta"):  # nothing is drawn that would be overwritten
                model = cls(wanted)
            if changes:  # another head may have numbers that the folder's own does not need
                places |= _match(model, stored)[0]
            # Of a new head alone: all else was compared with the folder already.
            absent = {n for n, part in _parts(model).items() if not part.fits(stored, places)}
            model = cls(wanted).to(dtype) if absent else model.to(dtype).to_empty(device="cpu")
            for ours, part in _parts(model).items():
                if ours not in absent:
                    part.read(stored, places)
        return model.eval()

    def with_head(self, head: str | None, **changes) -> Self:
        """Give a copy with another head, to go on with: a model that was pre-trained, say.

        Args:
            head: as in the config.
            changes: other fields of the config to change: ``num_classes=2``, say, or ``dropout``.

        Returns:
            A model of its own, where this one is, in the same mode; the body has the same numbers,
            and so have parts that both heads share; what is new is drawn.

        Raises:
            TypeError: a model with one head alone, or a change that is no field of the config.
            ValueError: an unknown head, or a change as :meth:`from_pretrained` refuses it.
        """
        if not hasattr(self.config, "head"):
            raise TypeError(f"a {type(self).__name__} has one head alone; expected a BERT or BART")
        like, own = next(self.parameters()), _parts(self)
        model = type(self)(_changed(self.config, head=head, **changes)).to(like)
        for ours, part in _parts(model).items():
            if ours in own and own[ours].tensor.shape == part.tensor.shape:
                with torch.no_grad():
                    part.tensor.copy_(own[ours].tensor)
        return model.train(self.training)

    def save_pretrained(self, folder: Path | str, *, dtype: torch.dtype | None = None) -> None:
        """Write a folder that :meth:`from_pretrained` and ``transformers`` read.

        Args:
            folder: made if it does not exist. Each file is written beside its place and renamed.
            dtype: what to store the numbers in, such as ``torch.float16``; theirs when None.

        Raises:
            NotADirectoryError: a file has this name.
            TypeError: another dtype than :meth:`from_pretrained` takes.
            OverflowError: a number that ``dtype`` cannot hold.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise NotADirectoryError(f"{folder} is a file; expected a folder, or a new name")
        dtype = next(self.parameters()).dtype if dtype is None else dtype
        _check_dtype(dtype)
        told = self.format.write(self.config, dtype)
        is_bare = told["architectures"][0] in self.format.bare
        tensors = {}
        for ours, part in _parts(self).items():
            for name, piece in zip(part.theirs, part.tensor.chunk(len(part.theirs)), strict=True):
                piece = _as(dtype, (piece.mT if part.is_turned else piece).detach().cpu(), ours)
                name = str(name).removeprefix(self.format.prefix) if is_bare else str(name)
                tensors[name] = piece.clone(memory_format=torch.contiguous_format)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(told, indent=2, sort_keys=True) + "\n"
        # The numbers are renamed first: they are the likelier to fail.
        with write_beside(folder / CONFIG) as config, write_beside(folder / WEIGHTS) as file:
            config.write_text(text, encoding="utf-8")
            save_file(tensors, file, metadata={"format": "pt"})


def find_folder(folder_or_name: Path | str) -> Path:
    """Find the folder of a model.

    Args:
        folder_or_name: a folder; ``"documentation_gpt"``, a small GPT that this package has with
            it; ``"all-MiniLM-L6-v2"``, which the installed weights package has; or a name on
            huggingface.co, such as ``"openai-community/gpt2"``: looked up among what was downloaded
            before, and downloaded only when ``ATTENTION_ONLINE=1``.

    Returns:
        The folder; its ``tokenizer.json``, where it has one, is for ``tokenizers``.

    Raises:
        TypeError: neither a path nor a string.
        FileNotFoundError: nothing of this name.
    """
    if not isinstance(folder_or_name, str | os.PathLike):
        raise TypeError(f"{folder_or_name!r} given; expected a folder or a name")
    if Path(folder_or_name).is_dir():
        return Path(folder_or_name)
    name = str(folder_or_name)
    if name == Path(name).name and (_OWN / name).is_dir():
        return _OWN / name
    if name.removeprefix("sentence-transformers/") == "all-MiniLM-L6-v2":
        packaged = find_weights()
        if packaged is not None:
            return packaged
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    online = os.environ.get("ATTENTION_ONLINE") == "1"
    try:
        patterns = [CONFIG, "model*.safetensors", INDEX, "tokenizer*", "vocab*", "merges.txt"]
        found = snapshot_download(name, allow_patterns=patterns, local_files_only=not online)
    except (HFValidationError, OSError, LocalEntryNotFoundError) as error:
        fix = "check the name and the connection" if online else "ATTENTION_ONLINE=1 downloads it"
        raise FileNotFoundError(
            f"{name!r} is no folder and no model at hand; expected a folder with {CONFIG} and "
            f"{WEIGHTS}, or a name on huggingface.co: {fix}"
        ) from error
    return Path(found)


# --- the tensors --------------------------------------------------------------------------


def _parts(model: Pretrained) -> dict[str, _Part]:
    """Give the numbers of a model that a file holds, by our names; shared ones once."""
    names, parts = model.names(model.config), {}
    for ours, tensor in (dict(model.named_parameters()) | dict(model.named_buffers())).items():
        module, _, leaf = ours.rpartition(".")
        key, end = (module, f".{leaf}") if module in names.body | names.head else (ours, "")
        theirs = (names.body | names.head)[key]
        is_turned = isinstance(theirs, Transposed) and leaf == "weight"
        theirs = (theirs,) if isinstance(theirs, str) else theirs
        theirs = tuple(name + end for name in theirs)
        parts[ours] = _Part(tensor, theirs, is_turned, key in names.head)
    return parts


def _weight_files(folder: Path) -> list[Path]:
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / INDEX).is_file():
        told = read_json(folder / INDEX).get("weight_map")
        files = list(told.values()) if isinstance(told, dict) else []
        if files and all(isinstance(file, str) and file == Path(file).name for file in files):
            return [folder / file for file in sorted(set(files))]
        raise ValueError(f"{folder / INDEX} names no files beside it: download it again")
    pickled = (folder / "pytorch_model.bin").exists()
    raise FileNotFoundError(
        f"{folder} has no {WEIGHTS}; expected one, or several with {INDEX}"
        + (": a pickle can run code, so pytorch_model.bin is not read" if pickled else "")
    )


def _agree(
    cls: type[Pretrained], configs: list[Any], stored: StoredTensors, folder: Path
) -> tuple[Any, dict[str, str]]:
    """Choose the config that the file's tensors fit, and find each of its tensors in the file."""
    complaints = []
    for config in configs:
        with torch.device("meta"):  # shapes alone
            model = cls(config)
        places, complaint = _match(model, stored)
        if not complaint:
            return config, places
        complaints.append(complaint)
    raise ValueError(f"the tensors of {folder} do not fit {cls.__name__}: {complaints[0]}")


def _match(model: Pretrained, stored: StoredTensors) -> tuple[dict[str, str], str]:
    """Find every tensor of the model in the file, and say what is wrong with the file."""
    form, names = model.format, model.names(model.config)
    copies = names.copies
    shapes = {
        name: part.shape_of_theirs() for part in _parts(model).values() for name in part.theirs
    }
    places: dict[str, str] = {}
    seconds, extra, wrong = [], [], []
    for place in stored.shapes:
        name = place
        for old, new in form.renamed.items():
            name = name.removesuffix(old) + new if name.endswith(old) else name
        name = next((n for n in (name, form.prefix + name) if n in shapes or n in copies), name)
        if name in places:
            wrong.append(f"{places[name]} and {place} are the same part")
        elif name in shapes:
            places[name] = place
        elif name in copies:
            seconds.append((copies[name], place))
        elif not any(fnmatchcase(n, p) for n in (name, form.prefix + name) for p in names.dropped):
            extra.append(place)
    for name, place in seconds:
        first = places.setdefault(name, place)
        if not torch.equal(stored.read(first), stored.read(place)):
            wrong.append(f"{place} differs from {first}, with which it is tied here")
    for name, place in places.items():
        if stored.shapes[place] != shapes[name]:
            wrong.append(f"{place} has shape {stored.shapes[place]}, expected {shapes[name]}")
        if stored.dtypes[place] not in _DTYPES.values():
            wrong.append(f"{place} is stored as {stored.dtypes[place]}, expected floating point")
    missing = [name for name in shapes if name not in places]
    complaints = [_listed("missing", missing), _listed("extra", extra), _listed("", wrong)]
    return places, "; ".join(filter(None, complaints))


def _as(dtype: torch.dtype, tensor: Tensor, name: str) -> Tensor:
    """Convert numbers, none of which may be too large."""
    converted = tensor.to(dtype)
    largest = torch.finfo(dtype).max
    if largest < torch.finfo(tensor.dtype).max and tensor[converted.isinf()].isfinite().any():
        wider = torch.bfloat16 if dtype == torch.float16 else torch.float64
        raise OverflowError(
            f"{name} holds numbers above {largest:.3g}, the largest of {dtype}; expected a dtype "
            f"that holds them: try {wider}"
        )
    return converted


def _check_dtype(dtype: torch.dtype) -> None:
    if dtype not in _DTYPES:
        raise TypeError(f"dtype is {dtype!r}; expected one of {', '.join(map(str, _DTYPES))}")


def _listed(title: str, found: Iterable[str]) -> str:
    found = list(found)
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return f"{title} {', '.join(found[:5])}{more}".strip() if found else ""


def _changed(config: Any, **changes: Any) -> Any:
    """Change what the numbers of the body were not trained with."""
    for name in changes:
        if hasattr(config, name) and not (
            name in ("head", "num_classes") or name.endswith(("dropout", "_id"))
        ):
            raise ValueError(
                f"{name} cannot change: the numbers belong to {name}={getattr(config, name)!r}; "
                "expected changes of head, num_classes, ids or dropout alone"
            )
    return dataclasses.replace(config, **changes)
