"""The measuring itself: its statistics, what it refuses, and that each race runs, in tiny sizes."""

import re
import time

import pandas as pd
import pytest
import torch

from bench import encoder, gpu, language_model, sequence_to_sequence
from bench.__main__ import RESULTS, SECTIONS, measured
from bench.race import OURS, check_agreement, machine, race, seconds
from tools.chapters import ROOT

GPT = {"num_layers": 1, "d_model": 16, "num_heads": 2}
COLUMNS = ["ms", "lower quartile", "ratio", "upper quartile"]


# --- the engine ---------------------------------------------------------------------------


class Clock:
    """A processor's time that passes when somebody says so."""

    def __init__(self, monkeypatch):
        self.now, self.runs = 0.0, []
        monkeypatch.setattr(time, "process_time", lambda: self.now)

    def contender(self, name, durations):
        durations = iter(durations)

        def run():
            self.runs.append(name)
            self.now += next(durations)

        return run


def test_ratios_are_those_of_the_same_round(monkeypatch):
    """A machine that slows down tells much of itself and nothing of the contenders."""
    clock, slower = Clock(monkeypatch), [1, 1, 1, 2, 4, 8, 16]
    table = race(
        {
            OURS: clock.contender(OURS, slower),
            "double": clock.contender("double", [2 * x for x in slower]),
            "varying": clock.contender("varying", [9, 9, 1, 4, 12, 32, 80]),
        },
        rounds=5,
    )
    assert list(table.columns) == COLUMNS
    assert table["ms"].to_dict() == pytest.approx({OURS: 4000, "double": 8000, "varying": 12_000})
    assert list(table.loc[OURS, COLUMNS[1:]]) == [1, 1, 1]
    assert list(table.loc["double", COLUMNS[1:]]) == pytest.approx([2, 2, 2])
    # 1, 2, 3, 4, 5 times as long as ours; the first two rounds are not counted.
    assert list(table.loc["varying", COLUMNS[1:]]) == pytest.approx([2, 3, 4])


def test_every_contender_runs_in_every_round_and_goes_first_in_turn(monkeypatch):
    clock, names = Clock(monkeypatch), [OURS, "second", "third"]
    race({name: clock.contender(name, [1] * 8) for name in names}, rounds=6)
    rounds = [clock.runs[i : i + 3] for i in range(0, len(clock.runs), 3)]
    assert len(rounds) == 8 and all(set(played) == set(names) for played in rounds)
    firsts = [played[0] for played in rounds[2:]]
    assert all(firsts.count(name) == 2 for name in names)


def test_time_on_a_cpu_is_time_of_work():
    assert seconds(lambda: time.sleep(0.2)) < 0.1
    matrix = torch.rand(400, 400)
    assert seconds(lambda: [matrix @ matrix for _ in range(5)]) > 0


def test_contenders_that_compute_something_else_do_not_race():
    outputs = torch.zeros(2, 3), torch.full((2, 3), 1e-5)
    check_agreement(outputs, 1e-4)
    with pytest.raises(ValueError, match=r"differ by 1\.0e-05; expected at most 1e-06"):
        check_agreement(outputs, 1e-6)
    with pytest.raises(ValueError, match="differ by nan"):
        check_agreement((*outputs, torch.full((2, 3), torch.nan)), 1e-4)
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3,\)"):
        check_agreement((torch.zeros(2, 3), torch.zeros(3)), 1e-4)


def test_the_header_names_date_machine_and_versions():
    told = machine()
    assert re.match(r"20\d\d-\d\d-\d\d; .+, \d+ cores.*, threads used: \d+; ", told)
    for package in ("Python", "torch", "transformers", "x-transformers", "numpy"):
        assert re.search(rf"\b{package} \d+\.\d+", told)


# --- the races ----------------------------------------------------------------------------

RACES = {
    "post-norm Transformer": lambda: transformer_training(norm_first=False, dropout=0.1),
    "pre-norm Transformer": lambda: transformer_training(norm_first=True, dropout=0.0),
    "GPT": lambda: language_model.training(**GPT, batch=2, length=8, rounds=1),
    "writing": lambda: language_model.writing(**GPT, batch=2, length=5, rounds=1),
    "BERT": lambda: bert_reading(is_padded=False),
    "padded BERT": lambda: bert_reading(is_padded=True),
    "GPU's GPT": lambda: gpu_training(backend=None),
    "GPU's writing": lambda: gpu.writing(**GPT, vocab_size=40, length=5, rounds=1, device="cpu"),
}


def transformer_training(**options):
    sizes = {"batch": 4, "length": 6, "d_model": 16}
    return sequence_to_sequence.training(**sizes, rounds=1, **options)


def bert_reading(**options):
    sizes = {"batch": 2, "length": 8, "num_layers": 1, "d_model": 24}
    return encoder.reading(**sizes, rounds=1, **options)


def gpu_training(**options):
    sizes = {"vocab_size": 40, "batch": 2, "length": 8, "matmul_size": 64}
    return gpu.training(**GPT, **sizes, rounds=1, device="cpu", **options)


@pytest.mark.parametrize("name", RACES)
def test_each_race_is_run_by_models_that_agree(name):
    table = RACES[name]()
    assert table.index[0] == OURS and len(table) >= 2
    assert list(table.columns[:4]) == COLUMNS
    assert (table > 0).all(axis=None) and (table.loc[OURS, COLUMNS[1:]] == 1).all()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (sequence_to_sequence, "post-norm Transformer"),
        (language_model, "GPT"),
        (language_model, "writing"),
        (encoder, "padded BERT"),
        (gpu, "GPU's GPT"),
    ],
)
def test_no_race_starts_before_all_agree(module, name, monkeypatch):
    """Every contender's output is compared, and a difference ends the matter."""
    compared = []

    def refuse(outputs, tolerance):
        compared.extend(outputs)
        assert tolerance <= 1e-3
        raise ValueError("outputs differ")

    monkeypatch.setattr(module, "check_agreement", refuse)
    monkeypatch.setattr(module, "race", lambda *_, **__: pytest.fail("a race has started"))
    with pytest.raises(ValueError, match="outputs differ"):
        RACES[name]()
    assert len(compared) == (3 if name in ("GPT", "writing") else 2)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_compiled_models_race_too():
    table = gpu_training(backend="eager")
    assert list(table.index) == [OURS, "transformers"]
    assert (table["tokens/s"] * table["ms"]).to_numpy() == pytest.approx(1000 * 2 * 8)


def test_operations_are_those_of_every_product():
    """Counted by hand for one layer: maps of 16 x 48, 16 x 16 and two of 16 x 64, and the head."""
    model, _ = gpu.peers.gpt(1, 16, 2, 40, 10)
    products = 16 * 48 + 16 * 16 + 2 * 16 * 64 + 16 * 40
    others = 48 + 16 + 64 + 16 + 6 * 16  # biases and norms
    assert gpu.operations(model, 10) == 6 * (products + others + 2 * 16 * 10 // 2)


# --- the results --------------------------------------------------------------------------


def tables(text):
    """Give the tables of a file by their headings."""
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        rows = [
            [cell.strip() for cell in line.strip("|").split("|")]
            for line in body.splitlines()
            if line.startswith("|")
        ]
        yield title, pd.DataFrame(rows[2:], columns=rows[0]) if rows else None


def test_a_table_has_a_row_for_every_contender():
    table = pd.DataFrame([[1234.56, 1.0, 1.0, 1.0], [9.4, 0.5, 2.0, 2.5]], [OURS, "a"], COLUMNS)
    text = measured({"small": lambda: table, "large": lambda: table})
    ((_, found),) = tables(f"## Title\n\n{text}\n")
    assert list(found.columns) == ["what", "library", *COLUMNS]
    assert found.to_numpy().tolist()[2:] == [
        ["large", OURS, "1235", "1.00", "1.00", "1.00"],
        ["large", "a", "9", "0.50", "2.00", "2.50"],
    ]


def test_the_results_are_those_of_every_race():
    found = dict(tables(RESULTS.read_text(encoding="utf-8")))
    expected = {title: races for title, races in SECTIONS.items() if title not in gpu.SECTIONS}
    assert [title for title in found if not title.startswith("GPU")] == list(expected)
    on_a_gpu = [title for title in found if title.startswith("GPU")]
    assert on_a_gpu in (["GPU"], list(gpu.SECTIONS))
    for title, table in found.items():
        if title == "GPU":
            assert table is None and "GPU: not measured" in RESULTS.read_text(encoding="utf-8")
            continue
        assert list(table["what"].unique()) == list((expected | gpu.SECTIONS)[title])
        numbers = table[COLUMNS].astype(float)
        assert (numbers["ms"] > 0).all()
        low, ratio, high = (numbers[column] for column in COLUMNS[1:])
        assert ((low <= ratio) & (ratio <= high) & (low > 0.1) & (high < 30)).all()
        ours = table["library"] == OURS
        assert (ratio[ours] == 1).all() and ours.sum() == table["what"].nunique() < len(table)


def test_the_page_shows_the_results_and_types_no_figure():
    page = (ROOT / "appendices" / "speed.md").read_text(encoding="utf-8")
    assert "```{include} ../bench/results.md\n```" in page
    assert "appendices/speed" in (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert not re.findall(r"\d+(?:\.\d+)?\s*(?:times|%|per cent|ms|s\b|minutes)", page)
