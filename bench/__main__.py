"""Measure everything, print it, and write it to ``_build/bench.md``: `make bench`."""

from __future__ import annotations

from pathlib import Path

from bench import transformer
from bench.race import machine

OUT = Path(__file__).resolve().parent.parent / "_build" / "bench.md"


def main() -> None:
    """Print each table as soon as it is measured; write the file when all are."""
    written = [f"*{machine()}. A ratio above 1: attention_lib is faster.*"]
    print(written[0], flush=True)
    for title, table in transformer.tables():
        written.append(f"**{title}**\n\n{table.round(2).to_markdown()}")
        print(f"\n{written[-1]}", flush=True)
    OUT.parent.mkdir(exist_ok=True)
    beside = OUT.with_suffix(".part")
    beside.write_text("\n\n".join(written) + "\n", encoding="utf-8")
    beside.replace(OUT)


if __name__ == "__main__":
    main()
