"""Who translates how well: `python -m bench.translation`, about an hour on one core.

Chapter 8 trains such models for a minute. Here they get longer, in both languages and with three
seeds. The results stand in bench/translation.csv; the chapter shows what :func:`summary` makes of
them. A run that was stopped goes on where it was: delete the table to begin anew.
"""

from __future__ import annotations

import time
from datetime import date
from functools import partial
from pathlib import Path

import pandas as pd
import sacrebleu
import torch
from torch import Tensor, nn

from attention_lib import seed_everything
from attention_lib.generation import generate
from attention_lib.models.rnn import RNNConfig, RNNEncoderDecoder
from attention_lib.models.transformer import Transformer, TransformerConfig
from attention_lib.tasks import PAD, START, STOP, Translation, Vocabulary, pad
from attention_lib.tasks.task import Example
from attention_lib.training import cross_entropy, train

TABLE = Path(__file__).with_suffix(".csv")
LANGUAGES, SEEDS = ("french", "hindi"), (0, 1, 2)
STEPS, BATCH, RATE, LONGEST = 400, 128, 0.003, 40
DISTANCES = {"near": (1, 1), "far": (9, LONGEST)}  # of words that depend on each other

Batch = tuple[Tensor, Tensor, Tensor, Tensor]


def models(vocab_size: int) -> dict[str, nn.Module]:
    """The contenders; all use one list of words for both languages."""
    size = {"d_model": 256, "d_embedding": 128}
    layers = {"d_model": 128, "num_heads": 4, "d_ff": 256, "num_layers": 2, "dropout": 0.0}
    return {
        "GRU, one vector": RNNEncoderDecoder(RNNConfig(vocab_size, **size)),
        "GRU, attention": RNNEncoderDecoder(RNNConfig(vocab_size, **size, attention=True)),
        "Transformer, post-norm": Transformer(TransformerConfig(vocab_size, **layers)),
        "Transformer, pre-norm": Transformer(
            TransformerConfig(vocab_size, **layers, norm_first=True)
        ),
    }


class Sentences:
    """The sentences of a language as ids."""

    def __init__(self, language: str) -> None:
        self.task = Translation(language)
        words = self.task.source_vocabulary.tokens, self.task.target_vocabulary.tokens
        self.vocabulary = Vocabulary.of(words, special=(PAD, START, STOP))
        self.held_out = list(dict.fromkeys(self.task.sample(1000, split="test")))
        sources = [self.vocabulary.encode(example.source) for example in self.held_out]
        self.source, self.real = pad(sources)

    def batch(self, examples: list[Example], step: int) -> Batch:
        """Draw the batch of a step."""
        generator = torch.Generator().manual_seed(step)
        rows = torch.randint(len(examples), (BATCH,), generator=generator).tolist()
        drawn = [examples[row] for row in rows]
        targets = [self.vocabulary.encode((START, *example.target, STOP)) for example in drawn]
        return *pad([self.vocabulary.encode(example.source) for example in drawn]), *pad(targets)

    def translate(self, model: nn.Module, beams: int = 1) -> list[str]:
        """Translate the held-out sentences."""
        start_id, stop_id = self.vocabulary.encode([START, STOP])
        if isinstance(model, Transformer):
            told = {"start_id": start_id, "stop_id": stop_id, "max_length": LONGEST}
            rows = generate(model, self.source, mask=self.real, num_beams=beams, **told)
        else:
            rows = model.greedy(self.source, LONGEST, start_id, mask=self.real).tolist()
            rows = [row[: row.index(stop_id)] if stop_id in row else row for row in rows]
        return [" ".join(self.vocabulary.decode(row)) for row in rows]

    def measure(self, translations: list[str]) -> dict[str, float]:
        """Score translations of the held-out sentences: all, near and far, and the longest."""
        references = [" ".join(example.target) for example in self.held_out]
        distances = [self.task.dependency_distance(example.source) for example in self.held_out]
        lengths = pd.Series([len(example.source) for example in self.held_out])
        groups = {
            name: [low <= distance <= high for distance in distances]
            for name, (low, high) in DISTANCES.items()
        }
        groups["longest"] = list(lengths > lengths.quantile(0.9))
        found = {
            "BLEU": _bleu(translations, references),
            "chrF": sacrebleu.corpus_chrf(translations, [references]).score,
            "exact": sum(map(str.__eq__, translations, references)) / len(references),
        }
        for name, chosen in groups.items():
            kept = [i for i, is_chosen in enumerate(chosen) if is_chosen]
            found[name] = _bleu([translations[i] for i in kept], [references[i] for i in kept])
        return found


def loss_of(model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
    """Label-smoothed cross-entropy of each target token after the ones before it."""
    source, real, target, counts = batch
    logits = model(source, target[:, :-1], mask=real).logits
    options = {"mask": counts[:, 1:], "label_smoothing": 0.1, "reduction": "sum"}
    return cross_entropy(logits, target[:, 1:], **options), counts[:, 1:].sum()


def run(sentences: Sentences, name: str, seed: int) -> dict[str, float]:
    """Train one model and score it."""
    seed_everything(seed)
    model = models(len(sentences.vocabulary))[name]
    batch = partial(sentences.batch, sentences.task.sample(20_000, seed=seed))
    before = time.process_time()
    train(model, loss_of, batch, steps=STEPS, learning_rate=RATE, label=f"{name}, seed {seed}")
    found = {"CPU s": time.process_time() - before}
    found["parameters"] = sum(parameter.numel() for parameter in model.parameters())
    found |= sentences.measure(sentences.translate(model))
    if isinstance(model, Transformer):
        found["4 beams"] = sentences.measure(sentences.translate(model, beams=4))["BLEU"]
    return found


def summary(table: pd.DataFrame) -> str:
    """Means over the seeds, as text: what chapter 8 shows."""
    columns = ["BLEU", "4 beams", "chrF", "exact", "near", "far", "longest"]
    groups = table.groupby(["language", "model"], sort=False)
    means = groups[[*columns, "CPU s", "parameters"]].mean()
    means.insert(1, "range", groups["BLEU"].max() - groups["BLEU"].min())
    means["exact"] *= 100
    means = means.round(1).astype({"parameters": "Int64"})
    measured = f"{table['date'].max()}, torch {table['torch'].max()}"
    return f"# python -m bench.translation, {measured}; means of three seeds\n{means.to_csv()}"


def _bleu(translations: list[str], references: list[str]) -> float:
    """BLEU on the words as they stand: they are cut already, and nothing is downloaded."""
    return sacrebleu.corpus_bleu(translations, [references], tokenize="none", force=True).score


def main() -> None:
    """Train and score every model that the table does not have yet, and print the summary."""
    torch.set_num_threads(1)
    rows = pd.read_csv(TABLE).to_dict("records") if TABLE.exists() else []
    done = {(row["language"], row["model"], row["seed"]) for row in rows}
    for language in LANGUAGES:
        sentences = Sentences(language)
        for name in ("word by word", *models(1)):
            for seed in SEEDS:
                if (language, name, seed) in done:
                    continue
                key = {"language": language, "model": name, "seed": seed}
                key |= {"date": date.today().isoformat(), "torch": torch.__version__}
                if name == "word by word":
                    words = (sentences.task.word_by_word(e.source) for e in sentences.held_out)
                    found = sentences.measure([" ".join(sentence) for sentence in words])
                else:
                    found = run(sentences, name, seed)
                rows.append(key | found)
                pd.DataFrame(rows).round(3).to_csv(TABLE, index=False)
    print(summary(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
