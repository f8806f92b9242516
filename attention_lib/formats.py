"""How the models of other libraries are described: their configs and the names of their parts.

``config.json`` says how large a model is and what it does. Reading it is strict: an option that
this package does not have is an error, never ignored.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from attention_lib.settings import check_one_of

__all__ = ["Format", "Names", "Transposed", "read_json"]

# Our activations -> theirs; the first is written.
_ACTIVATIONS = {
    "gelu": ("gelu",),
    "gelu_tanh": ("gelu_new", "gelu_pytorch_tanh"),
    "relu": ("relu",),
}
# Keys that say nothing about what a model computes: names, ids, initialisation, how to generate.
_SILENT = """
    _attn_implementation_autoset _name_or_path _num_labels architectures bad_words_ids
    begin_suppress_tokens bos_token_id chunk_size_feed_forward classif_dropout
    decoder_start_token_id directionality diversity_penalty do_sample dtype early_stopping
    encoder_no_repeat_ngram_size encoder_stride eos_token_id exponential_decay_length_penalty
    finetuning_task force_bos_token_to_be_generated forced_bos_token_id forced_eos_token_id
    gradient_checkpointing id2label init_std initializer_factor initializer_range
    is_encoder_decoder label2id length_penalty max_length min_length model_type n_ctx n_special
    no_repeat_ngram_size num_beam_groups num_beams num_hidden_layers num_labels
    num_return_sequences output_attentions output_hidden_states output_past output_scores
    pad_token_id pooler_act pooler_fc_size pooler_num_attention_heads pooler_num_fc_layers
    pooler_output_size pooler_size_per_head pooler_type predict_special_tokens prefix problem_type
    remove_invalid_values repetition_penalty return_dict return_dict_in_generate save_step
    sep_token_id summary_activation summary_first_dropout summary_proj_to_labels summary_type
    summary_use_proj suppress_tokens task_specific_params temperature tf_legacy_loss
    tokenizer_class top_k top_p torch_dtype torchscript transformers_version typical_p use_bfloat16
    use_cache
"""
# What no model here can do otherwise; the value is also that of a missing key.
_FIXED = {
    "add_cross_attention": False,
    "cross_attention_hidden_size": None,
    "is_decoder": False,
    "pruned_heads": {},
    "tie_encoder_decoder": False,
    "tie_word_embeddings": True,
}


class Transposed(str):
    """The name of a linear map whose weight is stored the other way round: (inputs, outputs)."""

    __slots__ = ()

    def __new__(cls, name: str) -> Transposed:  # noqa: D102
        return super().__new__(cls, name)


@dataclass(frozen=True)
class Names:
    """What the parts of a model are called in the file.

    Attributes:
        body: our name of a module, or of a parameter by itself -> theirs. Several names are
            several maps, which in ours stand below each other.
        head: likewise, for the parts that come and go with the head.
        copies: their second names of the same numbers -> the first.
        dropped: patterns of names in published files that this model does not need.
    """

    body: dict[str, str | tuple[str, ...]]
    head: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    copies: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """What a family's folders look like.

    Attributes:
        config_class: our config.
        model_type: what they call the family.
        prefix: what stands before the names of the body, but for the classes in ``bare``.
        heads: their classes -> our ``head``, or several, of which the first is taken whose parts
            are in the file.
        bare: the classes without a head.
        fields: our field of the config -> their key, or several keys that must agree.
        defaults: what a missing key means; ``num_labels`` is the number of classes where the file
            names none. Other keys may not be missing.
        fixed: keys that ask for what this package can do in one way alone -> that way.
        written: keys that are written and not read, as their defaults may not fit -> the field of
            ours that has the value; None is written for None.
        renamed: old ends of names -> today's.
    """

    config_class: type
    model_type: str
    prefix: str
    heads: dict[str, str | tuple[str | None, ...] | None]
    bare: tuple[str, ...]
    fields: dict[str, str | tuple[str, ...]]
    defaults: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    written: dict[str, str | None] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    def read(self, path: Path) -> list[Any]:
        """Read a ``config.json``.

        Returns:
            Our config; several, when its class may stand for several heads, the likeliest first.

        Raises:
            FileNotFoundError: no such file.
            ValueError: no JSON object, another family or class, options that this package does
                not have, missing sizes, or sizes that no model can have.
        """
        told = read_json(path)
        if told.get("model_type") != self.model_type:
            raise ValueError(
                f"{path} is of model_type {told.get('model_type')!r}; expected "
                f"{self.model_type!r}: read it with the class of its family"
            )
        named = told.get("architectures") or [self.bare[0]]
        if named not in [[name] for name in self.heads]:
            raise ValueError(
                f"{path} is of architectures {named}; expected one of {', '.join(self.heads)}"
            )
        keys = {key for theirs in self.fields.values() for key in _tuple(theirs)}
        fixed = _FIXED | self.fixed
        wrong = {key: told[key] for key in told.keys() - keys - fixed.keys() - set(_SILENT.split())}
        wrong |= {key: told[key] for key in fixed if told.get(key, fixed[key]) != fixed[key]}
        if wrong:
            raise ValueError(
                f"{path} asks for what {self.config_class.__name__} does not have: {wrong}; delete "
                "a key if it says nothing about what the model computes"
            )
        values = {ours: self._value(ours, told, path) for ours in self.fields}
        stop_id, size = values.get("stop_id"), values.get("vocab_size")
        if getattr(self.config_class, "stop_id", 0) is None and isinstance(stop_id, int):
            # GPT-2's, left in the config of a smaller vocabulary, ends nothing.
            is_absent = isinstance(size, int) and stop_id >= size
            values["stop_id"] = None if is_absent else stop_id
        if "num_labels" in self.defaults:
            values["num_classes"] = self._num_classes(told, path)
        heads = _tuple(self.heads[named[0]])
        chosen = [{"head": head} if _has_head(self.config_class) else {} for head in heads]
        try:
            return [self.config_class(**values, **head) for head in chosen]
        except (TypeError, ValueError) as error:
            ours = str(error).replace("=", " ").split()[0]
            there = f" ({ours} is {_tuple(self.fields[ours])[0]})" if ours in self.fields else ""
            raise ValueError(f"{path}: {error}{there}") from error

    def write(self, config: Any, dtype: torch.dtype) -> dict[str, Any]:
        """Give what ``config.json`` says of our config, for a file that stores ``dtype``.

        Raises:
            ValueError: an activation that their models do not have.
        """
        told = {"model_type": self.model_type, "dtype": str(dtype).removeprefix("torch.")}
        told |= {key: ours and getattr(config, ours) for key, ours in self.written.items()}
        for ours, theirs in self.fields.items():
            value = getattr(config, ours)
            if ours == "activation":
                check_one_of("activation", value, _ACTIVATIONS)
                value = _ACTIVATIONS[value][0]
            told |= dict.fromkeys(_tuple(theirs), value)
        head = config.head if _has_head(self.config_class) else None
        classes = (name for name, heads in self.heads.items() if head in _tuple(heads))
        told["architectures"] = [next(classes)]
        if head == "classification":
            labels = [f"LABEL_{i}" for i in range(config.num_classes)]
            told["id2label"] = {str(i): label for i, label in enumerate(labels)}
            told["label2id"] = {label: i for i, label in enumerate(labels)}
        return told

    def _value(self, ours: str, told: dict[str, Any], path: Path) -> Any:
        """Find the value of our field among theirs."""
        theirs = _tuple(self.fields[ours])
        found = [told[key] if key in told else self.defaults.get(key, KeyError) for key in theirs]
        if KeyError in found:
            raise ValueError(f"{path} does not say {theirs[found.index(KeyError)]!r}")
        if any(value != found[0] for value in found[1:]):
            given = ", ".join(f"{k}={v}" for k, v in zip(theirs, found, strict=True))
            raise ValueError(f"{path} says {given}; expected one number, {ours}, for all of them")
        if ours != "activation":
            return found[0]
        for name, others in _ACTIVATIONS.items():
            if found[0] in others:
                return name
        known = ", ".join(name for others in _ACTIVATIONS.values() for name in others)
        raise ValueError(f"{path} asks for {theirs[0]}={found[0]!r}; expected one of {known}")

    def _num_classes(self, told: dict[str, Any], path: Path) -> Any:
        labels = told.get("id2label")
        if labels is None:
            return told.get("num_labels", self.defaults["num_labels"])
        if not isinstance(labels, dict) or set(labels) != {str(i) for i in range(len(labels))}:
            raise ValueError(f"{path} says id2label={labels!r}; expected names of 0, 1, 2, ...")
        return len(labels)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FileNotFoundError: no such file.
        ValueError: not a JSON object.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a folder of a trained model")
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON ({error}): download it again") from error
    if not isinstance(told, dict):
        raise ValueError(f"{path} holds a {type(told).__name__}; expected a JSON object")
    return told


def _has_head(config_class: type) -> bool:
    return "head" in {own.name for own in dataclasses.fields(config_class)}


def _tuple(one_or_several: Any) -> tuple[Any, ...]:
    return one_or_several if isinstance(one_or_several, tuple) else (one_or_several,)
