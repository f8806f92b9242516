"""The named sizes have as many parameters as theirs, and as the papers say."""

from dataclasses import replace

import pytest
import torch
import transformers
from transformers import BartConfig, BertConfig, GPT2Config, ViTConfig

from attention_lib.models import BART, BERT, GPT, ViT
from tests.reference import count_parameters

_WIDE = {"hidden_size": 1024, "num_attention_heads": 16, "intermediate_size": 4096}
_WIDE |= {"num_hidden_layers": 24}
_HUGE = {"hidden_size": 1280, "num_attention_heads": 16, "intermediate_size": 5120}
_HUGE |= {"num_hidden_layers": 32, "patch_size": 14, "num_labels": 1000}
_TINY = {"hidden_size": 192, "num_attention_heads": 3, "intermediate_size": 768, "num_labels": 1000}
_MINI = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 6}
_BART_BASE = {"d_model": 768, "encoder_layers": 6, "decoder_layers": 6}
_BART_BASE |= {f"{side}_attention_heads": 12 for side in ("encoder", "decoder")}
_BART_BASE |= {f"{side}_ffn_dim": 3072 for side in ("encoder", "decoder")}
POOLER, MASKED = {"head": "pooler"}, {"head": "masked_lm"}

# Our class, size and changes; their class and config; parameters, and what papers call it.
SIZES = [
    (BERT, "base", POOLER, "BertModel", BertConfig(), 109_482_240, "110M"),
    (BERT, "base", MASKED, "BertForMaskedLM", BertConfig(), 109_514_298, "110M"),
    (BERT, "large", POOLER, "BertModel", BertConfig(**_WIDE), 335_141_888, "340M"),
    (BERT, "mini_lm", POOLER, "BertModel", BertConfig(**_MINI), 22_713_216, "22.7M"),
    (GPT, "small", {}, "GPT2LMHeadModel", GPT2Config(), 124_439_808, "124M"),
    *(
        (GPT, name, {}, "GPT2LMHeadModel", GPT2Config(n_embd=d, n_head=h, n_layer=n), *found)
        for name, d, h, n, *found in [
            ("medium", 1024, 16, 24, 354_823_168, "355M"),
            ("large", 1280, 20, 36, 774_030_080, "774M"),
            ("xl", 1600, 25, 48, 1_557_611_200, "1558M"),
        ]
    ),
    *(
        (BART, name, {}, "BartForConditionalGeneration", config, *found)
        for name, config, *found in [
            ("base", BartConfig(**_BART_BASE), 139_420_416, "140M"),
            ("large", BartConfig(), 406_291_456, "406M"),
        ]
    ),
    *(
        (ViT, name, changes, "ViTForImageClassification", ViTConfig(**options), *found)
        for name, changes, options, *found in [
            ("tiny", {}, _TINY, 5_717_416, "5.7M"),
            ("base", {}, {"num_labels": 1000}, 86_567_656, "86M"),
            ("large", {}, _WIDE | {"num_labels": 1000}, 304_326_632, "307M"),
            ("huge", {"patch_size": 14}, _HUGE, 632_045_800, "632M"),
        ]
    ),
]
IDS = [f"{size[0].__name__} {' '.join([size[1], *map(str, size[2].values())])}" for size in SIZES]


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_a_named_size_has_as_many_parameters_as_theirs(size):
    cls, name, changes, their_class, their_config, expected, printed = size
    config = getattr(cls.format.config_class, name)(**changes)
    with torch.device("meta"):
        ours, theirs = cls(config), getattr(transformers, their_class)(their_config)
    assert count_parameters(ours) == count_parameters(theirs) == expected
    assert expected / 1e6 == pytest.approx(float(printed[:-1]), rel=0.015)
    assert all(parameter.is_meta for parameter in (*ours.parameters(), *theirs.parameters()))


@pytest.mark.parametrize("size", SIZES, ids=IDS)
def test_a_named_size_is_what_their_config_says(size, tmp_path):
    cls, name, changes, their_class, their_config, *_ = size
    their_config.architectures = [their_class]
    their_config.save_pretrained(tmp_path)
    [found, *_] = cls.format.read(tmp_path / "config.json")
    if cls is BART:  # the published models' dropouts, which theirs leave out
        found = replace(found, attention_dropout=0.1, activation_dropout=0.1)
    assert found == getattr(cls.format.config_class, name)(**changes)


@pytest.mark.parametrize("cls", [BERT, GPT, BART, ViT])
def test_a_size_takes_changes_and_the_defaults_are_the_first_size(cls):
    config = cls.format.config_class
    small = config.small() if cls is GPT else config.base()
    assert replace(small, **({"stop_id": None} if cls is GPT else {})) == config()
    assert config.large(dropout=0.25, num_layers=3).num_layers == 3
    assert config.large(dropout=0.25).dropout == 0.25 != config.large().dropout
