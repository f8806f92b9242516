"""Folders that transformers wrote, made once and copied for every test that spoils one."""

import shutil

import pytest

from tests.models.peers import peer


@pytest.fixture(scope="session")
def originals(tmp_path_factory):
    made = {}

    def original(name):
        if name not in made:
            made[name] = tmp_path_factory.mktemp("theirs")
            peer(name).save_pretrained(made[name])
        return made[name]

    return original


@pytest.fixture
def written(originals, tmp_path):
    """Give a function: the name of a peer -> a folder of it."""

    def copy(name, where="."):
        return shutil.copytree(originals(name), tmp_path / where, dirs_exist_ok=True)

    return copy
