"""What a chapter shows: figures, heatmaps, attention views and the library's own source."""

from attention_lib.views.attention import AttentionView, attention_view
from attention_lib.views.figures import Picture, show
from attention_lib.views.palette import PALETTE, SIGNED, WEIGHTS
from attention_lib.views.plots import heatmap
from attention_lib.views.source import Source, show_source

__all__ = [
    "PALETTE",
    "SIGNED",
    "WEIGHTS",
    "AttentionView",
    "Picture",
    "Source",
    "attention_view",
    "heatmap",
    "show",
    "show_source",
]
