"""Published folders: names and keys of all ages are read.

The configs are those of the published models, with smaller sizes; their files hold what the files
hold, with other numbers.
"""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from attention_lib.models import BART, BERT, GPT, GPTConfig, ViT
from tests.models.peers import images
from tests.reference import assert_equal, draw_ids

LABELS = {
    "id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"},
    "label2id": {"LABEL_0": 0, "LABEL_1": 1, "LABEL_2": 2},
}
GPT2 = {
    "activation_function": "gelu_new",
    "architectures": ["GPT2LMHeadModel"],
    "attn_pdrop": 0.1,
    "bos_token_id": 36,
    "embd_pdrop": 0.1,
    "eos_token_id": 36,
    "initializer_range": 0.02,
    "layer_norm_epsilon": 1e-05,
    "model_type": "gpt2",
    "n_ctx": 11,
    "n_embd": 24,
    "n_head": 3,
    "n_layer": 2,
    "n_positions": 11,
    "resid_pdrop": 0.1,
    "summary_activation": None,
    "summary_first_dropout": 0.1,
    "summary_proj_to_labels": True,
    "summary_type": "cls_index",
    "summary_use_proj": True,
    "task_specific_params": {"text-generation": {"do_sample": True, "max_length": 50}},
    "vocab_size": 37,
}
BERT_BASE_UNCASED = {
    "architectures": ["BertForMaskedLM"],
    "attention_probs_dropout_prob": 0.1,
    "gradient_checkpointing": False,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 24,
    "initializer_range": 0.02,
    "intermediate_size": 40,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 11,
    "model_type": "bert",
    "num_attention_heads": 3,
    "num_hidden_layers": 2,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "transformers_version": "4.6.0.dev0",
    "type_vocab_size": 2,
    "use_cache": True,
    "vocab_size": 37,
}
BERT_MULTILINGUAL = BERT_BASE_UNCASED | {
    "_attn_implementation_autoset": True,
    "classifier_dropout": None,
    "directionality": "bidi",
    "pooler_fc_size": 768,
    "pooler_num_attention_heads": 12,
    "pooler_num_fc_layers": 3,
    "pooler_size_per_head": 128,
    "pooler_type": "first_token_transform",
    "torch_dtype": "float32",
}
_BART = LABELS | {
    "activation_function": "gelu",
    "add_final_layer_norm": False,
    "bos_token_id": 0,
    "classifier_dropout": 0.0,
    "d_model": 24,
    "decoder_attention_heads": 3,
    "decoder_ffn_dim": 40,
    "decoder_layerdrop": 0.0,
    "decoder_layers": 2,
    "decoder_start_token_id": 2,
    "dropout": 0.1,
    "early_stopping": True,
    "encoder_attention_heads": 3,
    "encoder_ffn_dim": 40,
    "encoder_layerdrop": 0.0,
    "encoder_layers": 2,
    "eos_token_id": 2,
    "forced_bos_token_id": 0,
    "forced_eos_token_id": 2,
    "gradient_checkpointing": False,
    "init_std": 0.02,
    "is_encoder_decoder": True,
    "max_position_embeddings": 11,
    "model_type": "bart",
    "no_repeat_ngram_size": 3,
    "normalize_before": False,
    "num_beams": 4,
    "num_hidden_layers": 2,
    "pad_token_id": 1,
    "scale_embedding": False,
    "use_cache": True,
    "vocab_size": 37,
}
BART_BASE = _BART | {
    "activation_dropout": 0.1,
    "add_bias_logits": False,
    "architectures": ["BartModel"],
    "attention_dropout": 0.1,
    "classif_dropout": 0.1,
    "normalize_embedding": True,
    "task_specific_params": {"summarization": {"length_penalty": 1.0, "num_beams": 4}},
    "torch_dtype": "float32",
    "transformers_version": "4.12.0.dev0",
}
BART_LARGE_CNN = _BART | {
    "_num_labels": 3,
    "activation_dropout": 0.0,
    "architectures": ["BartForConditionalGeneration"],
    "attention_dropout": 0.0,
    "classif_dropout": 0.0,
    "force_bos_token_to_be_generated": True,
    "length_penalty": 2.0,
    "max_length": 142,
    "min_length": 56,
    "output_past": True,
    "prefix": " ",
    "task_specific_params": {"summarization": {"early_stopping": True, "length_penalty": 2.0}},
    "transformers_version": "4.7.0.dev0",
}
VIT_BASE = {
    "architectures": ["ViTForImageClassification"],
    "attention_probs_dropout_prob": 0.0,
    "encoder_stride": 16,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.0,
    "hidden_size": 24,
    "image_size": 12,
    "initializer_range": 0.02,
    "intermediate_size": 40,
    "layer_norm_eps": 1e-12,
    "model_type": "vit",
    "num_attention_heads": 3,
    "num_channels": 2,
    "num_hidden_layers": 2,
    "patch_size": 4,
    "qkv_bias": True,
    "transformers_version": "4.13.0.dev0",
} | LABELS
IDS = draw_ids(3, 9, below=37, seed=5)


def publish(config, their_class, folder, rename=lambda name: name, **more):
    """Write such a folder with every tensor that the class knows, copies too."""
    known = {key: value for key, value in config.items() if key != "architectures"}
    their_config = their_class.config_class(**known, attn_implementation="eager")
    theirs = their_class(their_config).double().eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for tensor in (*theirs.parameters(), *theirs.buffers()):
            if tensor.is_floating_point():
                tensor.normal_(std=0.3, generator=generator)
    theirs.save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config))
    tensors = load_file(folder / "model.safetensors")
    if config["model_type"] != "vit":  # which is written with other names than it has in memory
        tensors |= theirs.state_dict()
    tensors = {rename(name): tensor.clone() for name, tensor in tensors.items()}
    save_file(tensors | more, folder / "model.safetensors")
    return theirs, tensors


@torch.no_grad()
def test_gpt2_without_prefix_and_with_its_masks(tmp_path):
    masks = {f"h.{i}.attn.bias": torch.ones(1, 1, 11, 11).tril() for i in range(2)}
    masks |= {f"h.{i}.attn.masked_bias": torch.tensor(-1e4) for i in range(2)}
    theirs, _ = publish(GPT2, transformers.GPT2Model, tmp_path / "gpt2", **masks)
    gpt = GPT.from_pretrained(tmp_path / "gpt2", dtype=torch.float64)
    assert gpt.config == GPTConfig(37, 24, 3, num_layers=2, max_length=11, stop_id=36)
    found = gpt(IDS)
    assert_equal(found.hidden, theirs(IDS).last_hidden_state)
    assert_equal(found.logits, found.hidden @ theirs.wte.weight.T)


@torch.no_grad()
@pytest.mark.parametrize("config", [BERT_BASE_UNCASED, BERT_MULTILINGUAL])
def test_bert_with_old_names_and_the_parts_of_its_other_task(config, tmp_path):
    def old(name):
        name = name.replace("LayerNorm.weight", "LayerNorm.gamma")
        return name.replace("LayerNorm.bias", "LayerNorm.beta")

    numbers = {"bert.embeddings.position_ids": torch.arange(11)[None]}
    theirs, tensors = publish(
        config, transformers.BertForPreTraining, tmp_path / "bert", old, **numbers
    )
    expected = {"cls.seq_relationship.bias", "bert.pooler.dense.bias"}
    expected |= {"bert.embeddings.LayerNorm.gamma", "cls.predictions.decoder.weight"}
    assert expected <= tensors.keys()
    segments = draw_ids(3, 9, below=2)
    bert = BERT.from_pretrained(tmp_path / "bert", dtype=torch.float64)
    told = theirs(IDS, token_type_ids=segments)
    assert bert.config.head == "masked_lm"
    assert_equal(bert(IDS, segments).logits, told.prediction_logits)
    pooled = BERT.from_pretrained(tmp_path / "bert", dtype=torch.float64, head="pooler")
    assert_equal(
        pooled.pool(pooled(IDS).hidden) @ theirs.cls.seq_relationship.weight.T
        + theirs.cls.seq_relationship.bias,
        theirs(IDS).seq_relationship_logits,
    )


@torch.no_grad()
@pytest.mark.parametrize(
    ("config", "their_class", "copies"),
    [
        (BART_BASE, transformers.BartModel, {"shared.weight", "encoder.embed_tokens.weight"}),
        (
            BART_LARGE_CNN,
            transformers.BartForConditionalGeneration,
            {"lm_head.weight", "model.decoder.embed_tokens.weight", "final_logits_bias"},
        ),
    ],
)
def test_bart_with_all_its_copies(config, their_class, copies, tmp_path):
    theirs, tensors = publish(config, their_class, tmp_path / "bart")
    assert copies <= tensors.keys()
    bart = BART.from_pretrained(tmp_path / "bart", dtype=torch.float64)
    target = draw_ids(3, 7, below=37)
    own, told = bart(IDS, target), theirs(IDS, decoder_input_ids=target)
    assert bart.config.activation_dropout == config["activation_dropout"]
    if own.logits is None:
        assert_equal(own.hidden, told.last_hidden_state)
    else:
        assert_equal(own.logits, told.logits)


@torch.no_grad()
def test_vit_with_the_names_of_its_classes(tmp_path):
    theirs, _ = publish(VIT_BASE, transformers.ViTForImageClassification, tmp_path / "vit")
    theirs.set_attn_implementation("sdpa")
    vit = ViT.from_pretrained(tmp_path / "vit", dtype=torch.float64)
    assert vit.config.num_classes == 3
    assert_equal(vit(images()).logits, theirs(images()).logits)
    bare = VIT_BASE | {
        "architectures": ["ViTModel"],
        "pooler_act": "tanh",
        "pooler_output_size": 24,
    }
    theirs, tensors = publish(bare, transformers.ViTModel, tmp_path / "bare")
    assert "pooler.dense.weight" in tensors
    vit = ViT.from_pretrained(tmp_path / "bare", dtype=torch.float64)
    theirs.set_attn_implementation("sdpa")
    assert_equal(vit(images()).hidden, theirs(images()).last_hidden_state)
