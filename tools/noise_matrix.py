"""Which noise prepares for which use? `make noise`, about a quarter of an hour on one core.

Chapter 11 says how a model is pre-trained, fine-tuned and judged, in its cells with the tag
"recipe"; this runs them for every noise and several seeds, and writes what the chapter draws.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
import time
from datetime import date
from importlib.metadata import version
from typing import Any

import nbformat
import torch

from tools.chapters import ROOT

CHAPTER = ROOT / "chapters" / "11_bart.ipynb"
RESULT = ROOT / "attention_lib" / "results" / "noise_matrix.json"  # in Colab, too
SEEDS = (0, 1, 2)
#: No pre-training, and its steps given to the fine-tuning.
LONGER = "none, as many steps"


def recipe() -> str:
    """Collect the code of the chapter's recipe."""
    cells = nbformat.read(CHAPTER, as_version=4).cells
    return "\n\n".join(c.source for c in cells if "recipe" in c.metadata.get("tags", []))


def checksum() -> str:
    """Name the recipe, whatever its comments and layout, so that results can be told apart."""
    return hashlib.sha256(ast.unparse(ast.parse(recipe())).encode()).hexdigest()[:16]


def row_of(scope: dict[str, Any], noise: str, seed: int) -> dict[str, float]:
    """Pre-train one model, and score what fine-tuning makes of it in each use."""
    model = scope["pretrained"]("none" if noise == LONGER else noise, seed)
    more = scope["pretraining"] if noise == LONGER else 0
    return {
        use: scope["score_of"](scope["fine_tuned"](model, use, seed, more), use, seed)
        for use in scope["uses"]
    }


def main() -> None:
    """Fill the matrix, and write it beside the old one before that is replaced."""
    torch.set_num_threads(1)
    scope: dict[str, Any] = {}
    made_from = checksum()
    exec(compile(recipe(), CHAPTER.name, "exec"), scope)
    begin, scores = time.process_time(), []
    for seed in SEEDS:
        for noise in ("none", LONGER, *scope["noises"]):
            row = row_of(scope, noise, seed)
            print(noise, seed, {use: round(found, 3) for use, found in row.items()}, flush=True)
            scores += [
                {"noise": noise, "seed": seed, "use": use, "score": round(found, 4)}
                for use, found in row.items()
            ]
    told = {
        "made": f"make noise, {date.today()}",
        "recipe": made_from,
        "seeds": SEEDS,
        "device": str(scope["device"]),
        "threads": 1,
        "cpu_seconds": round(time.process_time() - begin),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "rouge_score")},
        },
        "scores": scores,
    }
    RESULT.parent.mkdir(exist_ok=True)
    beside = RESULT.with_suffix(".new")
    beside.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    beside.replace(RESULT)


if __name__ == "__main__":
    main()
