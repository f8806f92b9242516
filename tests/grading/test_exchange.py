"""Values that pass between grader and submission arrive as they were; nothing else gets in."""

import base64
import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tools.grading.exchange import DTYPES, FRAME, decode, encode

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.floats(allow_nan=False)
    | st.text()
)
HASHABLE = st.integers() | st.text()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(HASHABLE, inner, max_size=4)
        | st.sets(HASHABLE, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_plain_values_arrive_as_they_were(value):
    arrived = decode(encode(value))
    assert arrived == value and type(arrived) is type(value)


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4)])
def test_tensors_of_every_dtype_arrive_bit_by_bit(name, shape):
    raw = torch.randint(0, 2, shape).to(DTYPES[name])
    arrived = decode(encode(raw))
    assert arrived.dtype is raw.dtype and arrived.shape == raw.shape
    assert torch.equal(arrived, raw)


def test_values_that_are_not_numbers_strided_views_and_parameters_arrive():
    tensor = torch.nn.Parameter(torch.tensor([[1.0, math.nan], [-math.inf, -0.0]]))
    arrived = decode(encode(tensor.T))
    assert type(arrived) is torch.Tensor and not arrived.requires_grad
    assert torch.equal(arrived.nan_to_num(7), tensor.detach().T.nan_to_num(7))
    assert math.isnan(decode(encode(math.nan))) and decode(encode(-math.inf)) == -math.inf


def test_arrays_arrive_as_arrays_and_their_scalars_as_numbers():
    arrived = decode(encode({"a": np.arange(6.0).reshape(2, 3).T, "b": np.float32(0.5)}))
    assert isinstance(arrived["a"], np.ndarray) and arrived["a"].shape == (3, 2)
    assert type(arrived["b"]) is float


def test_a_tensor_that_arrived_may_be_changed():
    arrived = decode(encode(torch.zeros(3)))
    assert arrived.add_(1).sum() == 3


@pytest.mark.parametrize(
    "value",
    [object(), len, {"a": [b"bytes"]}, "\ud800", 2**2000, torch.zeros(2**22, dtype=torch.float64)],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_value_or_too_large_is_not_sent(value):
    with pytest.raises(ValueError):
        encode(value)


def test_a_list_within_itself_is_not_sent():
    value = []
    value.append(value)
    with pytest.raises(ValueError, match="nested"):
        encode(value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_a_value_error(data):
    try:
        decode(data)
    except ValueError:
        return


@given(VALUES, st.data())
def test_a_message_changed_anywhere_is_a_value_or_a_value_error(value, data):
    message = bytearray(encode([value, torch.ones(2, 3), (1,), {"a": {2}}]))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    try:
        decode(bytes(message))
    except ValueError:
        return


TEXT = base64.b64encode(bytes(8)).decode()
FORGED = {
    "far too long": b" " * (FRAME + 1),
    "too many parts": b"[" + b"[]," * 500_001 + b"[]]",
    "too deep": b"[" * 5000 + b"]" * 5000,
    "deep enough to exhaust a parser": b"[" * 900_000,
    "a shape larger than its bytes": {"tensor": ["float32", [2**30, 2**30], TEXT]},
    "a negative shape": {"tensor": ["float32", [-1, -2], TEXT]},
    "a shape of truths": {"tensor": ["float32", [True, 2], TEXT]},
    "a huge empty shape": {"tensor": ["float32", [0, 2**62, 2**62], ""]},
    "a shape that is a number": {"tensor": ["float32", 2, TEXT]},
    "no such dtype": {"tensor": ["object", [1], TEXT]},
    "a dtype that is a list": {"tensor": [[], [1], TEXT]},
    "not base64": {"tensor": ["float32", [2], "$" * 12]},
    "an unhashable key": {"dict": [[[], 1]]},
    "a dict of no pairs": {"dict": [[1, 2, 3]]},
    "a set of lists": {"set": [[1]]},
    "two kinds": {"tuple": [], "set": []},
    "no kind": {},
    "another kind": {"eval": "1"},
    "a kind of nothing": {"tuple": None},
    "half a character": "\ud800",
    "a long number": b"1" * 5000,
    "a number of 2000 bits": 2**2000,
}


@pytest.mark.parametrize("message", FORGED.values(), ids=FORGED)
def test_forged_messages_are_value_errors(message):
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    with pytest.raises(ValueError):
        decode(data)


def test_a_truth_that_is_neither_0_nor_1_is_true():
    forged = {"tensor": ["bool", [2], base64.b64encode(b"\x00\x07").decode()]}
    arrived = decode(json.dumps(forged).encode())
    assert arrived.view(torch.uint8).tolist() == [0, 1]
