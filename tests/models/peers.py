"""The same models of ``transformers``: random shapes, every parameter drawn anew."""

import json

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import BartConfig, BertConfig, GPT2Config, ViTConfig

from attention_lib.models import BART, BERT, GPT, ViT
from tests.reference import draw, draw_ids

transformers.logging.disable_progress_bar()

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


def theirs_of(folder, name, dtype=torch.float64):
    """Let them read a folder, and let nothing in it be missing, extra or of another shape."""
    their_class = getattr(transformers, PEERS[name][1])
    options = {"dtype": dtype, "attn_implementation": "eager", "output_loading_info": True}
    if their_class is transformers.ViTModel:
        options["add_pooling_layer"] = False
    theirs, told = their_class.from_pretrained(folder, **options)
    assert not any(told.values()), told
    return theirs.eval()


def asked(name):
    """Give what they are called with."""
    if name.startswith("ViT"):
        return {"pixel_values": images()}
    ids = draw_ids(4, LENGTH, below=VOCAB, seed=1)
    ids[ids == 2] = 9
    ids[:, -1] = 2  # what a classifier looks at
    if "BART" in name and "classes" not in name:
        return {"input_ids": ids, "decoder_input_ids": draw_ids(4, 6, below=VOCAB, seed=2)}
    return {"input_ids": ids}


def edit_config(folder, *without, **changes):
    """Change keys of a folder's config, and take some out."""
    path = folder / "config.json"
    told = json.loads(path.read_text(encoding="utf-8")) | changes
    told = {key: value for key, value in told.items() if key not in without}
    path.write_text(json.dumps(told), encoding="utf-8")


def edit_tensors(folder, *without, **changes):
    """Change tensors of a folder, and take some out."""
    path = folder / "model.safetensors"
    tensors = {name: t.clone() for name, t in load_file(path).items()} | changes
    assert set(without) <= set(tensors)
    tensors = {name: t for name, t in tensors.items() if name not in without}
    save_file(tensors, path, metadata={"format": "pt"})


def refuse(name, folder, match, error=ValueError, **changes):
    with pytest.raises(error, match=match):
        PEERS[name][0].from_pretrained(folder, **changes)


def same_numbers(one, two):
    """Tell whether two models hold the same numbers, to the bit."""
    one, two = one.state_dict(), two.state_dict()
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def images(count=4):
    return draw(count, 2, 12, 12)
