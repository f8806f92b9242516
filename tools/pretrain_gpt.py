"""Train the small GPT that chapter 10 goes on with: `make pretrained`, half an hour of one core.

It reads Python's documentation, but for the topics that are held out, and writes
attention_lib/weights/documentation_gpt: the model in half precision, its tokenizer, and made.json,
which says how it was made.
"""

from __future__ import annotations

import functools
import json
import shutil
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor

from attention_lib import seed_everything
from attention_lib.models.gpt import GPT, GPTConfig
from attention_lib.tasks import Documentation, unigram_loss, windows
from attention_lib.training import cross_entropy, train

FOLDER = Path(__file__).resolve().parent.parent / "attention_lib/weights/documentation_gpt"
SEED = 0
STEPS, BATCH, LENGTH, LEARNING_RATE = 2000, 16, 128, 3e-3
CONFIG = GPTConfig(
    vocab_size=1024,
    d_model=128,
    num_heads=4,
    num_layers=4,
    max_length=LENGTH,
    dropout=0.1,
    attention_dropout=0.1,
)


def main() -> None:
    """Train, and put the folder into its place when all of it is written."""
    seed_everything(SEED)
    texts = Documentation()
    tokenizer = make_tokenizer(texts.train, CONFIG.vocab_size)
    ids = {name: encode(tokenizer, getattr(texts, name)) for name in ("train", "test")}
    model = GPT(CONFIG)
    history = train(
        model,
        lambda model, window: cross_entropy(model(window[:, :-1]).logits, window[:, 1:]),
        lambda step: windows(ids["train"], BATCH, LENGTH, seed=step),
        steps=STEPS,
        learning_rate=LEARNING_RATE,
        optimizer=functools.partial(torch.optim.AdamW, betas=(0.9, 0.95), weight_decay=0.1),
        evaluate=functools.partial(_report, ids),
        every=STEPS // 8,
        label="documentation_gpt",
    )

    new = FOLDER.with_name(FOLDER.name + ".new")
    model.save_pretrained(new, dtype=torch.float16)
    tokenizer.save(str(new / "tokenizer.json"))
    model = GPT.from_pretrained(new)  # the rounded numbers
    made = {
        "python": texts.python,
        "sha256 of the text": texts.sha256,
        "seed": SEED,
        "steps": STEPS,
        "tokens a step": BATCH * LENGTH,
        "tokens of the text": len(ids["train"]),
        "loss, training text": round(loss_of_text(model, ids["train"]), 4),
        "loss, held-out text": round(loss_of_text(model, ids["test"]), 4),
        "unigram loss, held-out text": round(unigram_loss(*ids.values(), CONFIG.vocab_size), 4),
        "on the way": history[["step", "training", "held-out"]].round(3).to_dict("list"),
    }
    (new / "made.json").write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    shutil.rmtree(FOLDER, ignore_errors=True)
    new.rename(FOLDER)
    print(json.dumps(made, indent=2))


def make_tokenizer(text: str, vocab_size: int) -> Tokenizer:
    """Train byte-pair encoding as GPT-2 has it: over bytes, so that no text is unknown to it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, text: str) -> Tensor:
    """Give the ids of a whole text, ``(n,)``."""
    return torch.tensor(tokenizer.encode(text).ids)


@torch.inference_mode()
def loss_of_text(model: GPT, ids: Tensor) -> float:
    """Cut a text into windows as long as the model can see, and give its mean loss in nats."""
    length = model.config.max_length
    count = (len(ids) - 1) // length * length
    given, wanted = ids[:count].view(-1, length), ids[1 : count + 1].view(-1, length)
    parts = zip(given.split(16), wanted.split(16), strict=True)
    sums = [cross_entropy(model(x).logits, y, reduction="sum") for x, y in parts]
    return (torch.stack(sums).sum() / count).item()


def _report(ids: dict[str, Tensor], model: GPT) -> dict[str, float]:
    parts = {"training": ids["train"][:20_000], "held-out": ids["test"][:20_000]}
    found = {name: loss_of_text(model, part) for name, part in parts.items()}
    print({name: round(loss, 3) for name, loss in found.items()}, flush=True)
    return found


if __name__ == "__main__":
    main()
