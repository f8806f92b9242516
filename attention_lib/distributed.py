"""Several processes, one batch: ``torchrun --nproc_per_node=2 script.py`` runs a script unchanged.

Every process holds the whole model, works on its share of each batch, and averages its gradients
with the others' (PyTorch's DistributedDataParallel: gloo between CPUs, NCCL between GPUs).
"""

from __future__ import annotations

import atexit
import os
from typing import Any, NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

__all__ = ["Processes", "rows", "share", "start_processes"]


class Processes(NamedTuple):
    """Which process this is, and how many there are."""

    rank: int
    count: int

    @property
    def is_first(self) -> bool:
        """Whether this process is the one that reports, measures and saves."""
        return self.rank == 0

    def sum(self, *numbers: float) -> list[float]:
        """Add up each number over all processes."""
        if self.count == 1:
            return list(numbers)
        summed = torch.tensor(numbers, dtype=torch.float64)
        dist.all_reduce(summed)
        return summed.tolist()

    def from_first(self, value: Any) -> Any:
        """Give every process the first one's value (numbers, text, lists and dicts of them)."""
        values = [value]
        if self.count > 1:
            dist.broadcast_object_list(values, device=torch.device("cpu"))
        return values[0]


def start_processes() -> Processes:
    """Join the processes that ``torchrun`` started; without it there is one.

    Returns:
        The same at every call; later calls start nothing.
    """
    if not dist.is_initialized():
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return Processes(0, 1)
        if torch.cuda.is_available():
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        store, rank, count = next(dist.rendezvous("env://"))
        # After a restart the store still holds the addresses of the processes that died.
        store = dist.PrefixStore(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"), store)
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=count)
        atexit.register(dist.destroy_process_group)
    return Processes(dist.get_rank(), dist.get_world_size())


def rows(batch: Any) -> int:
    """Count the rows of a batch: the first dimension of its tensors.

    Args:
        batch: a tensor, or a tuple, list or dict of batches; None has no rows.

    Raises:
        TypeError: anything else in it.
        ValueError: tensors with different numbers of rows, or none at all.
    """
    counts = {tensor.size(0) for tensor in _tensors(batch)}
    if len(counts) != 1:
        raise ValueError(
            f"the batch's tensors have {sorted(counts)} rows; expected one number of rows, the "
            "first dimension of all of them: only then can it be divided"
        )
    return counts.pop()


def share(batch: Any, parts: int, index: int) -> Any:
    """Take part ``index`` of ``parts``, as even as can be, of every tensor in a batch.

    Args:
        batch: as :func:`rows`.
        parts: into how many, at least 1 and at most :func:`rows`.
        index: ``0 .. parts - 1``.

    Returns:
        The same structure with fewer rows.

    Raises:
        TypeError, ValueError: as :func:`rows`, or fewer rows than parts.
    """
    if rows(batch) < parts:
        raise ValueError(
            f"a batch of {rows(batch)} rows cannot be divided into {parts} parts (accumulate x "
            "processes); expected at least one row each: use larger batches, or divide less"
        )
    return _part(batch, parts, index)


def _part(batch: Any, parts: int, index: int) -> Any:
    if batch is None:
        return None
    if isinstance(batch, Tensor):
        return batch.tensor_split(parts)[index]
    if isinstance(batch, dict):
        return {name: _part(value, parts, index) for name, value in batch.items()}
    cut = [_part(value, parts, index) for value in batch]
    return type(batch)(*cut) if hasattr(batch, "_fields") else type(batch)(cut)


def _tensors(batch: Any) -> list[Tensor]:
    if batch is None:
        return []
    if isinstance(batch, Tensor):
        return [batch]
    if isinstance(batch, dict):
        batch = list(batch.values())
    if not isinstance(batch, (tuple, list)):
        raise TypeError(
            f"the batch holds a {type(batch).__name__}; expected tensors, in tuples, lists or "
            "dicts: only those can be divided by rows"
        )
    return [tensor for value in batch for tensor in _tensors(value)]
