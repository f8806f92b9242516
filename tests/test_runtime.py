"""Devices and seeds."""

import random

import numpy as np
import pytest
import torch

from attention_lib import default_device, seed_everything


def test_default_device_is_the_fastest_at_hand(monkeypatch):
    monkeypatch.delenv("ATTENTION_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert default_device() == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert default_device() == torch.device("cuda")


def test_the_environment_overrides_the_device(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("ATTENTION_DEVICE", "cpu")
    assert default_device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", "hpu"])
def test_a_device_that_is_not_there_is_an_error(monkeypatch, name):
    monkeypatch.setenv("ATTENTION_DEVICE", name)
    with pytest.raises(ValueError, match=f"ATTENTION_DEVICE='{name}'.*expected cpu, cuda"):
        default_device()


def test_the_same_seed_draws_the_same_numbers():
    def numbers():
        return random.random(), np.random.rand(), torch.rand(1).item()

    seed_everything(7)
    first = numbers()
    assert numbers() != first
    seed_everything(7)
    assert numbers() == first


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        ("7", TypeError, "seed is a str; expected an integer"),
        (True, TypeError, "seed is a bool"),
        (-1, ValueError, "seed=-1; expected 0 to"),
        (2**32, ValueError, "seed=4294967296; expected"),
    ],
)
def test_bad_seeds_are_errors(seed, error, message):
    with pytest.raises(error, match=message):
        seed_everything(seed)
