"""What a chapter shows: figures, heatmaps and the library's own source."""

from attention_lib.views.figures import Picture, show
from attention_lib.views.palette import PALETTE, SIGNED, WEIGHTS
from attention_lib.views.plots import heatmap
from attention_lib.views.source import Source, show_source

__all__ = [
    "PALETTE",
    "SIGNED",
    "WEIGHTS",
    "Picture",
    "Source",
    "heatmap",
    "show",
    "show_source",
]
