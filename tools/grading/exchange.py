"""Plain values as bytes and back: all that passes between the grader and a submission.

Nothing that arrives can run code, as a pickle can, and nothing is believed about its size: what a
frame holds is counted before it is parsed, and a tensor's bytes before it is made.

Both sides import this file, so it needs no other of the course. What crosses: ``None``, ``bool``,
``int``, ``float``, ``str``, lists, tuples, sets, dicts, tensors of every plain dtype, and NumPy
arrays, which arrive as arrays. Gradients, devices and subclasses stay behind.
"""

from __future__ import annotations

import base64
import json
import math
import socket
import time
from typing import Any

import numpy as np
import torch

FRAME = 32 * 2**20
"""The most bytes of one message."""
_DEPTH = 32
_PARTS = 1_000_000
_DIMENSIONS = 16
_BITS = 1024
_FLOATS = ("float64", "float32", "float16", "bfloat16", "complex128", "complex64")
_INTEGERS = ("int64", "int32", "int16", "int8", "uint8", "bool")
DTYPES = {name: getattr(torch, name) for name in _FLOATS + _INTEGERS}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}


def encode(value: Any) -> bytes:
    """Write a value as one message.

    Raises:
        ValueError: it holds something that is no plain value, or too much.
    """
    try:
        data = json.dumps(_plain(value, 0)).encode("ascii")
    except (RecursionError, TypeError, RuntimeError, OverflowError) as error:
        raise ValueError(f"no plain value: {error}") from error
    _check_size(data)
    return data


def decode(data: bytes) -> Any:
    """Read what :func:`encode` wrote, or whatever else somebody sends.

    Raises:
        ValueError: it is no such message; nothing else is ever raised.
    """
    _check_size(data)
    try:
        return _value(json.loads(data.decode("ascii"), parse_constant=float), 0)
    except (LookupError, RecursionError, TypeError, RuntimeError, OverflowError) as error:
        raise ValueError(f"no message: {type(error).__name__}") from error


def send(channel: socket.socket, value: Any, deadline: float | None = None) -> None:
    """Send one value; ``deadline`` is of ``time.monotonic``.

    Raises:
        ValueError: it is no plain value; nothing was sent.
        OSError: nobody takes it, in time or at all.
    """
    data = encode(value)
    _set_timeout(channel, deadline)
    channel.sendall(len(data).to_bytes(4, "big") + data)


def receive(channel: socket.socket, deadline: float | None = None) -> Any:
    """Wait for one value.

    Raises:
        ValueError: what came is no message.
        EOFError: the other side is gone.
        TimeoutError: it was not complete at ``deadline``, of ``time.monotonic``.
    """
    size = int.from_bytes(_receive_bytes(channel, 4, deadline), "big")
    if size > FRAME:
        raise ValueError(f"a message of {size:,} bytes is announced; {FRAME:,} are the most")
    return decode(_receive_bytes(channel, size, deadline))


def _receive_bytes(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    data = bytearray()
    while len(data) < size:
        _set_timeout(channel, deadline)
        part = channel.recv(min(size - len(data), 2**20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def _set_timeout(channel: socket.socket, deadline: float | None) -> None:
    left = None if deadline is None else deadline - time.monotonic()
    if left is not None and left <= 0:
        raise TimeoutError
    channel.settimeout(left)


def _check_size(data: bytes) -> None:
    if len(data) > FRAME:
        raise ValueError(f"a value of {len(data):,} bytes; {FRAME:,} are the most")
    parts = sum(data.count(mark) for mark in b",[{")
    if parts > _PARTS:
        raise ValueError(f"a value of {parts:,} parts; {_PARTS:,} are the most")


def _plain(value: Any, depth: int) -> Any:
    """What JSON can write: a scalar, a list, or a dict whose one key names another kind."""
    if depth > _DEPTH:
        raise ValueError(f"a value nested deeper than {_DEPTH}")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | str):
        return value if value is None or isinstance(value, bool) else _text(str(value))
    if isinstance(value, int):
        return _integer(int(value))
    if isinstance(value, float):
        return float(value)
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    if isinstance(value, torch.Tensor):
        return {"tensor": _tensor_parts(value)}
    if isinstance(value, np.ndarray):
        # A copy: torch warns of arrays that may not be written.
        return {"array": _tensor_parts(torch.from_numpy(value.copy()))}
    if isinstance(value, dict):
        items = [[key, item] for key, item in value.items()]
        return {"dict": [_plain(item, depth + 1) for item in items]}
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item, depth + 1) for item in value]
        if isinstance(value, list):
            return items
        return {"tuple" if isinstance(value, tuple) else "set": items}
    raise ValueError(
        f"{type(value).__name__} is no plain value; expected numbers, strings, tensors, arrays, "
        "or lists, tuples, sets and dicts of them"
    )


def _tensor_parts(tensor: torch.Tensor) -> list:
    if tensor.dtype not in _NAMES or tensor.layout is not torch.strided:
        raise ValueError(f"a tensor of {tensor.dtype}, {tensor.layout}: that kind cannot be sent")
    if tensor.numel() * tensor.element_size() > FRAME:
        raise ValueError(f"a tensor of shape {tuple(tensor.shape)} is too large to be sent")
    flat = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous().reshape(-1)
    raw = flat.view(torch.uint8).numpy().tobytes() if flat.numel() else b""
    return [_NAMES[tensor.dtype], list(tensor.shape), base64.b64encode(raw).decode("ascii")]


def _value(part: Any, depth: int) -> Any:
    if depth > 2 * _DEPTH:
        raise ValueError(f"a value nested deeper than {_DEPTH}")
    if isinstance(part, str):
        return _text(part)
    if isinstance(part, int) and not isinstance(part, bool):
        return _integer(part)
    if isinstance(part, list):
        return [_value(item, depth + 1) for item in part]
    if not isinstance(part, dict):
        return part
    ((kind, content),) = part.items()
    if kind in ("tensor", "array"):
        tensor = _tensor(*content)
        return tensor if kind == "tensor" else tensor.numpy()
    if kind == "complex":
        return complex(*map(float, content))
    items = [_value(item, depth + 1) for item in content]
    return {"tuple": tuple, "set": set, "dict": dict}[kind](items)


def _tensor(dtype: str, shape: list[int], text: str) -> torch.Tensor:
    kind = DTYPES[dtype]
    if len(shape) > _DIMENSIONS or not all(type(n) is int and 0 <= n < 2**31 for n in shape):
        raise ValueError("no shape")
    raw = bytearray(base64.b64decode(text, validate=True))
    if math.prod(shape) * kind.itemsize != len(raw):
        raise ValueError(f"{len(raw)} bytes for shape {shape} of {dtype}")
    if not raw:
        return torch.empty(shape, dtype=kind)
    flat = torch.frombuffer(raw, dtype=torch.uint8)
    # A bool that is neither 0 nor 1 would be undefined.
    return (flat != 0 if kind is torch.bool else flat.view(kind)).reshape(shape)


def _integer(value: int) -> int:
    if value.bit_length() > _BITS:
        raise ValueError(f"an integer of {value.bit_length()} bits; {_BITS} are the most")
    return value


def _text(value: str) -> str:
    value.encode("utf-8")  # half a character, which no file can hold, is a ValueError
    return value
