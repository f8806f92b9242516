"""Where code runs and where its randomness starts."""

from __future__ import annotations

import os
import random

import numpy as np
import torch

__all__ = ["default_device", "default_precision", "seed_everything"]


def default_device() -> torch.device:
    """The fastest device at hand: CUDA, else Apple's MPS, else the CPU.

    The environment variable ``ATTENTION_DEVICE`` (``cpu``, ``cuda``, ``cuda:1``, ``mps``)
    overrides it. Under ``torchrun`` every process gets the GPU of its own number.

    Raises:
        ValueError: ``ATTENTION_DEVICE`` names a device that does not exist or is not at hand.
    """
    wanted = os.environ.get("ATTENTION_DEVICE")
    if not wanted:
        if torch.cuda.is_available():
            own = os.environ.get("LOCAL_RANK")
            return torch.device("cuda" if own is None else f"cuda:{own}")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(wanted)
        if device.type not in ("cpu", "cuda", "mps"):
            raise RuntimeError(f"{device.type} is no device of this library")
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ValueError(
            f"ATTENTION_DEVICE={wanted!r} cannot be used here; expected cpu, cuda, cuda:N or "
            f"mps, present on this machine: unset it to let the library choose ({error})"
        ) from error
    return device


def default_precision(device: torch.device | str) -> torch.dtype:
    """The dtype in which a device multiplies matrices fastest, still training well.

    bfloat16 on GPUs that have it, float16 on older ones, float32 elsewhere: half precision is
    emulated there, or no faster.
    """
    if torch.device(device).type != "cuda":
        return torch.float32
    # bfloat16 came with compute capability 8; older GPUs emulate it, slowly.
    return torch.bfloat16 if torch.cuda.get_device_capability(device)[0] >= 8 else torch.float16


def seed_everything(seed: int) -> None:
    """Seed Python's, NumPy's and PyTorch's generators (every device's), so that runs repeat.

    Args:
        seed: an integer in ``0 .. 2**32 - 1`` (NumPy's range).

    Raises:
        TypeError: not an integer.
        ValueError: outside that range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise TypeError(f"seed is a {type(seed).__name__}; expected an integer, such as 0")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed={seed}; expected 0 to 2**32 - 1")
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
