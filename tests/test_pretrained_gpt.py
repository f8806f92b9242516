"""The small GPT that comes with the package: what is said of it is so."""

import json
import math

import pytest
import torch
from tokenizers import Tokenizer

from attention_lib.models import GPT
from attention_lib.pretrained import find_folder
from attention_lib.tasks import Documentation, unigram_loss
from tools.pretrain_gpt import CONFIG, FOLDER, SEED, STEPS, encode, loss_of_text, make_tokenizer

MADE = json.loads((FOLDER / "made.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def documentation():
    return Documentation()


@pytest.fixture(scope="module")
def model():
    return GPT.from_pretrained("documentation_gpt")


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


def test_it_is_small_and_complete():
    assert find_folder("documentation_gpt") == FOLDER
    files = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(files) == {"config.json", "made.json", "model.safetensors", "tokenizer.json"}
    assert sum(files.values()) < 4_000_000


def test_it_is_what_the_script_makes(model):
    assert model.config == CONFIG
    assert (MADE["seed"], MADE["steps"]) == (SEED, STEPS)
    assert len(MADE["sha256 of the text"]) == 64


def test_it_predicts_held_out_text_better_than_frequencies(model, tokenizer, documentation):
    ids = {n: encode(tokenizer, getattr(documentation, n)) for n in ("train", "test")}
    held_out = loss_of_text(model, ids["test"])
    unigram = unigram_loss(ids["train"], ids["test"], CONFIG.vocab_size)
    assert held_out < unigram - 1 < math.log(CONFIG.vocab_size)
    if documentation.sha256 == MADE["sha256 of the text"]:
        assert held_out == pytest.approx(MADE["loss, held-out text"], abs=1e-3)
        assert unigram == pytest.approx(MADE["unigram loss, held-out text"], abs=1e-3)
        assert loss_of_text(model, ids["train"]) == pytest.approx(
            MADE["loss, training text"], abs=1e-3
        )
        assert len(ids["train"]) == MADE["tokens of the text"]


def test_its_tokenizer_is_that_of_the_text(tokenizer, documentation):
    for text in (documentation.test, "unhashable नमस्ते 😀"):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text
    if documentation.sha256 == MADE["sha256 of the text"]:
        again = make_tokenizer(documentation.train, CONFIG.vocab_size)
        assert again.get_vocab() == tokenizer.get_vocab()


def test_no_guess_sees_what_comes_later(model):
    ids = torch.arange(20)[None]
    other = torch.cat([ids[:, :10], ids[:, 10:].flip(1)], dim=1)
    with torch.no_grad():
        a, b = (model(x).logits[:, :10] for x in (ids, other))
    assert torch.equal(a, b)
