"""Configs that ask for what there is not: each is an error that names it."""

import dataclasses
import re

import pytest

from attention_lib.models import BARTConfig, BERTConfig, GPTConfig, ViTConfig
from tests.models.peers import PEERS, edit_config, peer, refuse

CONFIGS = [BERTConfig, GPTConfig, BARTConfig, ViTConfig]
configs = pytest.mark.parametrize("config", CONFIGS)

# What no model here can do otherwise.
UNSUPPORTED_BY = {
    "BERT": {
        "position_embedding_type": "relative_key",
        "classifier_dropout": 0.2,
        "is_decoder": True,
        "add_cross_attention": True,
        "tie_word_embeddings": False,
        "pruned_heads": {"0": [1]},
    },
    "GPT": {
        "scale_attn_by_inverse_layer_idx": True,
        "scale_attn_weights": False,
        "reorder_and_upcast_attn": True,
        "add_cross_attention": True,
        "tie_word_embeddings": False,
        "is_decoder": None,
    },
    "BART": {
        "add_final_layer_norm": True,
        "normalize_before": True,
        "normalize_embedding": False,
        "static_position_embeddings": True,
        "add_bias_logits": True,
        "encoder_layerdrop": 0.1,
        "extra_pos_embeddings": 0,
        "tie_word_embeddings": False,
        "is_decoder": True,
    },
    "ViT": {"qkv_bias": False},
}
UNSUPPORTED = [(name, *pair) for name, keys in UNSUPPORTED_BY.items() for pair in keys.items()]
SIZES_OF = {
    "BERT": "vocab_size hidden_size num_attention_heads intermediate_size num_hidden_layers "
    "max_position_embeddings type_vocab_size",
    "GPT": "vocab_size n_embd n_head n_layer n_positions",
    "BART": "vocab_size d_model encoder_layers decoder_layers max_position_embeddings",
    "ViT": "image_size patch_size num_channels hidden_size num_attention_heads intermediate_size "
    "num_hidden_layers",
}
SIZES = [(name, key) for name, keys in SIZES_OF.items() for key in keys.split()]


@pytest.mark.parametrize("name", ["BERT", "GPT", "BART", "ViT"])
def test_an_option_that_is_not_known_is_an_error(name, tmp_path, written):
    edit_config(written(name), rotary_pct=0.25)
    refuse(name, tmp_path, r"config.json asks for what .*Config does not have: {'rotary_pct'")


@pytest.mark.parametrize(("name", "key", "value"), UNSUPPORTED)
def test_an_option_that_is_not_there_is_an_error(name, key, value, tmp_path, written):
    edit_config(written(name), **{key: value})
    refuse(name, tmp_path, re.escape(f"does not have: {{{key!r}: {value!r}}}"))


@pytest.mark.parametrize(("name", "key"), SIZES)
@pytest.mark.parametrize("value", ["12", 12.5, -12, 0, True, [12], {}])
def test_a_size_that_is_none_is_an_error_that_names_it(name, key, value, tmp_path, written):
    edit_config(written(name), **{key: value})
    refuse(name, tmp_path, rf"config.json: \w+( is |=){re.escape(repr(value))}.* is {key}\)")


@pytest.mark.parametrize(("name", "key"), [pair for pair in SIZES if pair[1] != "num_channels"])
def test_a_missing_size_is_named(name, key, tmp_path, written):
    edit_config(written(name), key)
    refuse(name, tmp_path, f"config.json does not say '{key}'")


@pytest.mark.parametrize(
    ("name", "changes", "match"),
    [
        ("GPT", {"n_head": 5}, "d_model=24 is not divisible by num_heads=5"),
        ("ViT", {"patch_size": 5}, "image_size=12 is not divisible by patch_size=5"),
        ("BART", {"encoder_attention_heads": 2}, "encoder_attention_heads=2, decoder_att.*=3; exp"),
        ("BART", {"decoder_ffn_dim": 41}, "encoder_ffn_dim=40, decoder_ffn_dim=41; expected one"),
        ("GPT", {"resid_pdrop": 0.3}, "resid_pdrop=0.3, embd_pdrop=0.1; expected one number"),
        ("GPT", {"n_inner": "96"}, r"d_ff is '96'; expected an integer.*\(d_ff is n_inner\)"),
        ("BERT", {"hidden_act": "silu"}, "hidden_act='silu'; expected one of gelu, gelu_new"),
        ("BERT", {"hidden_act": None}, "hidden_act=None; expected one of gelu"),
        ("GPT", {"activation_function": ["relu"]}, r"activation_function=\['relu'\]; expected"),
        ("BERT", {"layer_norm_eps": "1e-12"}, r"norm_eps is '1e-12'.*\(norm_eps is layer_norm_eps"),
        ("GPT", {"layer_norm_epsilon": float("nan")}, "norm_eps=nan"),
        ("GPT", {"layer_norm_epsilon": float("inf")}, "norm_eps=inf"),
        ("ViT", {"layer_norm_eps": -1}, "norm_eps=-1"),
        ("ViT", {"layer_norm_eps": True}, "norm_eps is True"),
        ("BERT", {"hidden_dropout_prob": "0.1"}, "dropout is a str"),
        ("BERT", {"attention_probs_dropout_prob": 1.5}, "attention_dropout=1.5"),
        ("GPT", {"attn_pdrop": None}, r"attention_dropout is a NoneType.*is attn_pdrop\)"),
        ("BART", {"activation_dropout": -0.1}, "activation_dropout=-0.1"),
        ("BART", {"classifier_dropout": "0"}, "classifier_dropout is a str"),
        ("BART", {"scale_embedding": None}, "scale_embedding is None; expected True or False"),
        ("BART", {"eos_token_id": 37}, r"stop_id=37; expected 0 to 36.*is eos_token_id\)"),
        ("BART", {"eos_token_id": None}, r"stop_id is None.*is eos_token_id\)"),
        ("BART", {"decoder_start_token_id": "<s>"}, "start_id is '<s>'.*decoder_start_token_id"),
        ("BART", {"pad_token_id": -1}, "pad_id=-1"),
        ("GPT", {"eos_token_id": [1, 2]}, r"stop_id is \[1, 2\]"),
        ("GPT", {"eos_token_id": -1}, "stop_id=-1; expected 0 to 36"),
        ("GPT", {"eos_token_id": 3, "vocab_size": "37"}, "vocab_size is '37'"),
        ("GPT", {"model_type": "gptj"}, "is of model_type 'gptj'; expected 'gpt2'"),
        ("GPT", {"model_type": ["gpt2"]}, r"is of model_type \['gpt2'\]; expected 'gpt2'"),
        ("GPT", {"architectures": ["GPT2DoubleHeadsModel"]}, "GPT2Double.*expected one of GPT2LM"),
        ("BERT", {"architectures": ["BertModel", "BertForMaskedLM"]}, r"\['BertModel', 'BertFor"),
        ("BERT", {"architectures": "BertModel"}, "is of architectures BertModel; expected one of"),
        ("BERT", {"architectures": {"0": "BertModel"}}, "is of architectures {'0': 'BertModel'}"),
        ("BERT", {"architectures": [["BertModel"]]}, r"is of architectures \[\['BertModel'\]\]"),
        ("BERT, classes", {"id2label": 4}, "id2label=4; expected names of 0, 1, 2"),
        ("BERT, classes", {"id2label": "yes"}, "id2label='yes'; expected names of 0, 1, 2"),
        ("BERT, classes", {"id2label": ["a"]}, r"id2label=\['a'\]; expected names of 0, 1, 2"),
        ("BERT, classes", {"id2label": {"0": "a", "2": "b"}}, "id2label={'0': 'a', '2': 'b'}; exp"),
        ("BERT, classes", {"id2label": {}}, "num_classes=0; expected at least 1"),
        ("BERT, classes", {"id2label": None, "num_labels": "4"}, "num_classes is '4'; expected an"),
        ("BERT, classes", {"id2label": {"0": "a"}}, r"classifier.weight has shape .*expected \(1,"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(name, changes, match, tmp_path, written):
    edit_config(written(name), **changes)
    refuse(name, tmp_path, match)


def test_without_a_class_the_bare_one_is_read_and_a_head_is_extra(tmp_path, written):
    edit_config(written("GPT", "gpt"), "architectures")
    PEERS["GPT"][0].from_pretrained(tmp_path / "gpt")
    edit_config(written("BERT, masked_lm", "bert"), architectures=None)
    refuse("BERT, masked_lm", tmp_path / "bert", "extra cls.predictions.bias")


def test_the_number_of_classes_may_be_told_without_their_names(tmp_path, written):
    edit_config(written("BERT, classes"), "id2label", num_labels=4)
    assert PEERS["BERT"][0].from_pretrained(tmp_path).config.num_classes == 4


def test_a_stop_token_outside_a_small_vocabulary_is_none(tmp_path):
    peer("GPT", eos_token_id=50_256).save_pretrained(tmp_path)
    assert PEERS["GPT"][0].from_pretrained(tmp_path).config.stop_id is None


# --- ours ---------------------------------------------------------------------------------


@configs
def test_a_config_stays_as_it_was_made(config):
    with pytest.raises(dataclasses.FrozenInstanceError):
        config().num_layers = 3
    assert config() == config() and hash(config()) == hash(config())


@configs
@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"d_model": 130}, ValueError, "d_model=130 is not divisible by num_heads=12"),
        ({"num_layers": 0}, ValueError, "num_layers=0; expected at least 1"),
        ({"d_ff": "3072"}, TypeError, "d_ff is '3072'; expected an integer"),
        ({"num_heads": 12.0}, TypeError, "num_heads is 12.0; expected an integer"),
        ({"dropout": 1.0}, ValueError, r"dropout=1.0; expected a probability in \[0, 1\)"),
        ({"attention_dropout": -0.1}, ValueError, "attention_dropout=-0.1; expected a prob"),
        ({"attention_dropout": "no"}, TypeError, "attention_dropout is a str; expected a float"),
        ({"activation": "gelu_new"}, ValueError, "activation='gelu_new'; expected one of 'relu'"),
        ({"n_layers": 3}, TypeError, "n_layers"),
    ],
)
def test_a_bad_field_is_named(config, changes, error, match):
    with pytest.raises(error, match=match):
        config(**changes)


@pytest.mark.parametrize(
    ("config", "changes", "error", "match"),
    [
        (BERTConfig, {"head": "tagger"}, ValueError, "head='tagger'; expected one of None, 'poole"),
        (BERTConfig, {"num_segments": 0}, ValueError, "num_segments=0"),
        (BERTConfig, {"norm_eps": -1e-5}, ValueError, "norm_eps=-1e-05; expected a number from 0"),
        (BERTConfig, {"head": "masked_lm", "activation": "swiglu"}, ValueError, "no room for a ga"),
        (GPTConfig, {"stop_id": 50_257}, ValueError, "stop_id=50257; expected 0 to 50256"),
        (GPTConfig, {"norm_eps": "1e-5"}, TypeError, "norm_eps is '1e-5'; expected a number"),
        (BARTConfig, {"head": "masked_lm"}, ValueError, "head='masked_lm'; expected one of None, "),
        (BARTConfig, {"pad_id": True}, TypeError, "pad_id is True; expected an integer"),
        (BARTConfig, {"num_decoder_layers": -1}, ValueError, "num_decoder_layers=-1"),
        (BARTConfig, {"classifier_dropout": None}, TypeError, "classifier_dropout is a NoneType"),
        (BARTConfig, {"scale_embedding": 1}, TypeError, "scale_embedding is 1; expected True or"),
        (ViTConfig, {"patch_size": 15}, ValueError, "image_size=224 is not divisible by patch_siz"),
        (ViTConfig, {"head": "pooler"}, ValueError, "head='pooler'; expected one of None, 'classi"),
        (ViTConfig, {"num_channels": 0}, ValueError, "num_channels=0; expected at least 1"),
    ],
)
def test_a_bad_field_of_one_family_is_named(config, changes, error, match):
    with pytest.raises(error, match=match):
        config(**changes)


@pytest.mark.parametrize("name", ["BERT", "GPT", "BART", "ViT"])
def test_a_model_is_made_from_its_own_config(name):
    cls = PEERS[name][0]
    expected = cls.format.config_class
    for wrong in (None, expected, {}, next(c for c in CONFIGS if c is not expected)()):
        with pytest.raises(TypeError, match=rf"expected a {expected.__name__}, such as"):
            cls(wrong)
