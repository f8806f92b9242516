"""ViT (Dosovitskiy et al., 2021): an encoder whose words are patches of an image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attention_lib.formats import Format, Names
from attention_lib.inputs import check_images
from attention_lib.layers import ACTIVATIONS, EncoderLayer
from attention_lib.models.output import Output
from attention_lib.pretrained import Pretrained
from attention_lib.settings import (
    check_dropout,
    check_flags,
    check_head_sizes,
    check_number,
    check_one_of,
    check_sizes,
)
from attention_lib.stacks import EncoderStack, draw_weights

__all__ = ["ViT", "ViTConfig"]


@dataclass(frozen=True)
class ViTConfig:
    """The shape of a ViT; the defaults are ViT-B/16's.

    Attributes:
        image_size: height and width of an image, in pixels.
        patch_size: height and width of a patch; a divisor of ``image_size``.
        num_channels: numbers a pixel: 3 in colour, 1 in grey.
        d_model: width between layers.
        num_heads: a divisor of ``d_model``.
        d_ff: width inside the feed-forward networks.
        num_layers: layers.
        dropout: on every sublayer's output, and on the embeddings.
        attention_dropout: on the attention weights.
        activation: as :class:`~attention_lib.layers.FeedForward`.
        norm_eps: as :class:`~attention_lib.layers.AddNorm`.
        head: ``"classification"``: one of ``num_classes`` for the image; None: hidden vectors
            alone.
        num_classes: what a classifier chooses from.

    Raises:
        TypeError, ValueError: a size below 1, ``d_model`` not divisible by ``num_heads``,
            ``image_size`` not divisible by ``patch_size``, an unknown activation or head, or a
            dropout or ``norm_eps`` out of its range.
    """

    image_size: int = 224
    patch_size: int = 16
    num_channels: int = 3
    d_model: int = 768
    num_heads: int = 12
    d_ff: int = 3072
    num_layers: int = 12
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation: str = "gelu"
    norm_eps: float = 1e-12
    head: str | None = "classification"
    num_classes: int = 1000

    def __post_init__(self) -> None:
        names = ("image_size", "patch_size", "num_channels", "d_ff", "num_layers", "num_classes")
        check_sizes(**{name: getattr(self, name) for name in names})
        check_head_sizes(self.d_model, self.num_heads, self.dropout)
        check_dropout(attention_dropout=self.attention_dropout)
        check_number("norm_eps", self.norm_eps, 0.0, 1.0, "from 0 to 1, such as 1e-5")
        check_one_of("activation", self.activation, ACTIVATIONS)
        check_one_of("head", self.head, (None, "classification"))
        if self.image_size % self.patch_size:
            raise ValueError(
                f"image_size={self.image_size} is not divisible by patch_size={self.patch_size}; "
                "patches tile the image: choose a divisor"
            )

    @property
    def num_patches(self) -> int:
        """Patches of an image, row by row."""
        return (self.image_size // self.patch_size) ** 2

    @classmethod
    def base(cls, **changes) -> ViTConfig:
        """ViT-B: Dosovitskiy et al. (2021), table 1."""
        return cls(**changes)

    @classmethod
    def large(cls, **changes) -> ViTConfig:
        """ViT-L: Dosovitskiy et al. (2021), table 1."""
        large = {"d_model": 1024, "num_heads": 16, "d_ff": 4096, "num_layers": 24}
        return cls(**(large | changes))

    @classmethod
    def huge(cls, **changes) -> ViTConfig:
        """ViT-H: Dosovitskiy et al. (2021), table 1."""
        huge = {"d_model": 1280, "num_heads": 16, "d_ff": 5120, "num_layers": 32}
        return cls(**(huge | changes))

    @classmethod
    def tiny(cls, **changes) -> ViTConfig:
        """DeiT-Ti: Touvron et al. (2021), table 1."""
        return cls(**({"d_model": 192, "num_heads": 3, "d_ff": 768} | changes))


class ViT(Pretrained):
    """An encoder over the patches of an image and one vector of its own in front of them."""

    def __init__(self, config: ViTConfig) -> None:
        super().__init__(config)
        d_model, size = config.d_model, config.patch_size
        # Each patch times a matrix: a convolution that steps from patch to patch.
        self.patch_map = nn.Conv2d(config.num_channels, d_model, kernel_size=size, stride=size)
        self.class_token = nn.Parameter(torch.zeros(1, 1, d_model))
        self.positions = nn.Parameter(torch.zeros(1, config.num_patches + 1, d_model))
        self.dropout = nn.Dropout(config.dropout)
        self.layers = EncoderStack(
            EncoderLayer(
                d_model,
                config.num_heads,
                config.d_ff,
                activation=config.activation,
                norm_first=True,
                dropout=config.dropout,
                attention_dropout=config.attention_dropout,
                norm_eps=config.norm_eps,
            )
            for _ in range(config.num_layers)
        )
        self.norm = nn.LayerNorm(d_model, eps=config.norm_eps)
        if config.head == "classification":
            self.classifier = nn.Linear(d_model, config.num_classes)
        self.apply(draw_weights)
        for parameter in (self.class_token, self.positions, self.patch_map.weight):
            nn.init.normal_(parameter, std=0.02)
        nn.init.zeros_(self.patch_map.bias)

    def forward(
        self, images: Tensor, *, return_weights: bool = False, return_layers: bool = False
    ) -> Output:
        """Look at images.

        Args:
            images: ``(batch, num_channels, image_size, image_size)``, floating point.
            return_weights: also give the attention weights of every layer.
            return_layers: also give what each layer wrote.

        Returns:
            Hidden vectors ``(batch, 1 + num_patches, d_model)``, the class token's first, then
            those of the patches, row by row; logits ``(batch, num_classes)``; and what was asked
            for.

        Raises:
            TypeError: images that are not floating point.
            ValueError: another shape.
        """
        check_images(images, self.config.num_channels, self.config.image_size)
        check_flags(return_weights=return_weights, return_layers=return_layers)
        patches = self.patch_map(images).flatten(2).mT  # (batch, num_patches, d_model)
        x = torch.cat([self.class_token.expand(len(images), -1, -1), patches], dim=1)
        found = self.layers(
            self.dropout(x + self.positions),
            return_weights=return_weights,
            return_layers=return_layers,
        )
        hidden = self.norm(found.hidden)
        logits = None if self.config.head is None else self.classifier(hidden[:, 0])
        return Output(hidden, logits, found.weights, found.layers)

    @classmethod
    def names(cls, config: ViTConfig) -> Names:
        """Give the table of names: ours, theirs."""
        body: dict[str, str | tuple[str, ...]] = {
            "patch_map": "vit.embeddings.patch_embeddings.projection",
            "class_token": "vit.embeddings.cls_token",
            "positions": "vit.embeddings.position_embeddings",
            "norm": "vit.layernorm",
        }
        for i in range(config.num_layers):
            ours, theirs = f"layers.{i}", f"vit.encoder.layer.{i}"
            body |= {
                f"{ours}.attention_norm.norm": f"{theirs}.layernorm_before",
                f"{ours}.self_attention.in_map": tuple(
                    f"{theirs}.attention.attention.{name}" for name in ("query", "key", "value")
                ),
                f"{ours}.self_attention.out_map": f"{theirs}.attention.output.dense",
                f"{ours}.feed_forward_norm.norm": f"{theirs}.layernorm_after",
                f"{ours}.feed_forward.up": f"{theirs}.intermediate.dense",
                f"{ours}.feed_forward.down": f"{theirs}.output.dense",
            }
        # No published classifier uses the pooler.
        return Names(body, {"classifier": "classifier"}, dropped=("vit.pooler.dense.*",))

    format = Format(
        config_class=ViTConfig,
        model_type="vit",
        prefix="vit.",
        heads={"ViTForImageClassification": "classification", "ViTModel": None},
        bare=("ViTModel",),
        fields={
            "image_size": "image_size",
            "patch_size": "patch_size",
            "num_channels": "num_channels",
            "d_model": "hidden_size",
            "num_heads": "num_attention_heads",
            "d_ff": "intermediate_size",
            "num_layers": "num_hidden_layers",
            "dropout": "hidden_dropout_prob",
            "attention_dropout": "attention_probs_dropout_prob",
            "activation": "hidden_act",
            "norm_eps": "layer_norm_eps",
        },
        defaults={"num_channels": 3, "num_labels": 2},
        fixed={"qkv_bias": True},
    )
