"""The matrix that chapter 11 draws: complete, and made by the chapter's present recipe."""

import json

from tools.noise_matrix import LONGER, RESULT, SEEDS, checksum, recipe

STORED = json.loads(RESULT.read_text(encoding="utf-8"))


def test_it_was_made_by_the_recipe_that_the_chapter_shows():
    assert STORED["recipe"] == checksum(), "the recipe has changed: run `make noise`"
    assert STORED["seeds"] == list(SEEDS)


def test_no_cell_is_missing_or_there_twice():
    rows = {entry["noise"] for entry in STORED["scores"]}
    columns = {entry["use"] for entry in STORED["scores"]}
    assert len(rows) == 8 and len(columns) == 4
    cells = [(entry["noise"], entry["use"], entry["seed"]) for entry in STORED["scores"]]
    assert sorted(cells) == sorted((r, c, s) for r in rows for c in columns for s in SEEDS)
    assert all(0 <= entry["score"] <= 1 for entry in STORED["scores"])
    assert all(f'"{noise}": ' in recipe() for noise in rows - {"none", LONGER})


def test_it_says_what_it_was_made_with():
    assert {"python", "torch", "rouge_score"} <= STORED["versions"].keys()
    assert STORED["threads"] == 1 and STORED["cpu_seconds"] > 60
