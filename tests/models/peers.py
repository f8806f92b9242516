"""The same models of ``transformers``: random shapes, every parameter drawn anew."""

import torch
import transformers
from transformers import BartConfig, BertConfig, GPT2Config, ViTConfig

from attention_lib.models import BART, BERT, GPT, ViT
from tests.reference import draw

VOCAB, LENGTH = 37, 11

_BERT = {"vocab_size": VOCAB, "hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40}
_BERT |= {"num_hidden_layers": 3, "max_position_embeddings": LENGTH, "type_vocab_size": 3}
_GPT = {"vocab_size": VOCAB, "n_embd": 24, "n_head": 3, "n_layer": 3, "n_positions": LENGTH}
_GPT |= {"bos_token_id": None, "eos_token_id": None}
_BART = {"vocab_size": VOCAB, "d_model": 24, "max_position_embeddings": LENGTH, "num_labels": 4}
_BART |= {"encoder_layers": 3, "decoder_layers": 2, "forced_eos_token_id": None}
_BART |= {f"{side}_attention_heads": 3 for side in ("encoder", "decoder")}
_BART |= {f"{side}_ffn_dim": 40 for side in ("encoder", "decoder")}
_VIT = {"hidden_size": 24, "num_attention_heads": 3, "intermediate_size": 40, "image_size": 12}
_VIT |= {"num_hidden_layers": 3, "patch_size": 4, "num_channels": 2, "num_labels": 5}

# Each option on and off: name -> (our class, their class, their config).
PEERS = {
    "BERT": (BERT, "BertModel", BertConfig, _BERT),
    "BERT, relu": (BERT, "BertModel", BertConfig, _BERT | {"hidden_act": "relu"}),
    "BERT, tanh gelu": (BERT, "BertModel", BertConfig, _BERT | {"hidden_act": "gelu_new"}),
    "BERT, one head": (BERT, "BertModel", BertConfig, _BERT | {"num_attention_heads": 1}),
    "BERT, one segment": (BERT, "BertModel", BertConfig, _BERT | {"type_vocab_size": 1}),
    "BERT, large eps": (BERT, "BertModel", BertConfig, _BERT | {"layer_norm_eps": 0.1}),
    "BERT, masked_lm": (BERT, "BertForMaskedLM", BertConfig, _BERT),
    "BERT, masked_lm, relu": (BERT, "BertForMaskedLM", BertConfig, _BERT | {"hidden_act": "relu"}),
    "BERT, classes": (BERT, "BertForSequenceClassification", BertConfig, _BERT | {"num_labels": 4}),
    "GPT": (GPT, "GPT2LMHeadModel", GPT2Config, _GPT),
    "GPT, bare": (GPT, "GPT2Model", GPT2Config, _GPT),
    "GPT, erf gelu": (GPT, "GPT2LMHeadModel", GPT2Config, _GPT | {"activation_function": "gelu"}),
    "GPT, relu": (GPT, "GPT2LMHeadModel", GPT2Config, _GPT | {"activation_function": "relu"}),
    "GPT, n_inner": (GPT, "GPT2LMHeadModel", GPT2Config, _GPT | {"n_inner": 40}),
    "GPT, large eps": (GPT, "GPT2LMHeadModel", GPT2Config, _GPT | {"layer_norm_epsilon": 0.1}),
    "BART": (BART, "BartForConditionalGeneration", BartConfig, _BART),
    "BART, bare": (BART, "BartModel", BartConfig, _BART),
    "BART, classes": (BART, "BartForSequenceClassification", BartConfig, _BART),
    "BART, scaled": (
        BART,
        "BartForConditionalGeneration",
        BartConfig,
        _BART | {"scale_embedding": True},
    ),
    "BART, relu": (
        BART,
        "BartForConditionalGeneration",
        BartConfig,
        _BART | {"activation_function": "relu"},
    ),
    "BART, other ids": (
        BART,
        "BartForConditionalGeneration",
        BartConfig,
        _BART | {"decoder_start_token_id": 5, "eos_token_id": 6, "pad_token_id": 7},
    ),
    "ViT": (ViT, "ViTForImageClassification", ViTConfig, _VIT),
    "ViT, bare": (ViT, "ViTModel", ViTConfig, _VIT),
    "ViT, relu": (ViT, "ViTForImageClassification", ViTConfig, _VIT | {"hidden_act": "relu"}),
    "ViT, one patch": (ViT, "ViTForImageClassification", ViTConfig, _VIT | {"patch_size": 12}),
}


def peer(name, seed=0, **changes):
    """Make their model; biases of 0 and norms of 1 would hide mistakes, so all is drawn."""
    _, their_class, config_class, options = PEERS[name]
    config = config_class(**options | changes, attn_implementation="eager")
    model = getattr(transformers, their_class)(config).double().eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.normal_(std=0.3, generator=generator)
    return model


def ours_of(theirs, name, folder, dtype=torch.float64):
    """Read it back from the folder that they write."""
    theirs.save_pretrained(folder)
    return PEERS[name][0].from_pretrained(folder, dtype=dtype)


def images(count=4):
    return draw(count, 2, 12, 12)
