"""Measure everything, print it, and write it to ``bench/results.md``: `make bench`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch

from attention_lib.checkpoints import write_beside
from bench import encoder, gpu, language_model, sequence_to_sequence
from bench.race import Sections, machine

RESULTS = Path(__file__).with_name("results.md")
ON_A_GPU = torch.cuda.is_available()
SECTIONS: Sections = sequence_to_sequence.SECTIONS | language_model.SECTIONS | encoder.SECTIONS
SECTIONS |= gpu.SECTIONS if ON_A_GPU else {}

LEGEND = (
    "`ms` is the median time of all rounds, on the CPU that of one thread. `ratio` is a library's "
    "time divided by that of attention_lib in the same round: above 1, attention_lib is faster. "
    "Half of all rounds lie between its quartiles."
)
WHOLE = {"ms", "tokens/s"}


def measured(races: dict[str, Callable[[], pd.DataFrame]]) -> str:
    """Run the races of a section; give its table as Markdown."""
    tables = {name: run().rename_axis("library") for name, run in races.items()}
    table = pd.concat(tables, names=["what"]).reset_index()
    formats = [".0f" if column in WHOLE else ".2f" for column in table.columns]
    return table.to_markdown(index=False, floatfmt=formats)


def main() -> None:
    """Print each table as soon as it is measured; write the file when all are."""
    start = time.monotonic()
    # A second thread that waits computes too, as far as the clock can tell: on a busy machine,
    # for several times as long as the work takes.
    torch.set_num_threads(1)
    written: list[str] = []

    def tell(text: str) -> None:
        written.append(text)
        print(f"{text}\n", flush=True)

    tell(f"Measured on {machine()}.")
    tell(LEGEND)
    for title, races in SECTIONS.items():
        tell(f"## {title}")
        tell(measured(races))
    if not ON_A_GPU:
        tell("## GPU")
        tell("GPU: not measured. There was none.")
    tell(f"All of it took {(time.monotonic() - start) / 60:.0f} minutes.")
    with write_beside(RESULTS) as file:
        file.write_text("\n\n".join(written) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
