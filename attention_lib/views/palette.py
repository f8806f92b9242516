"""One palette for the whole book: the same hue always plays the same role.

The hues are Okabe and Ito's (2008), which people with any common colour blindness tell apart;
those that keep a contrast of 3:1 with a white *and* a dark page were taken.
"""

from types import MappingProxyType

from matplotlib.colors import LinearSegmentedColormap, to_rgba

__all__ = ["PALETTE", "SIGNED", "WEIGHTS"]

#: The colour of each role, as matplotlib and HTML write it.
PALETTE = MappingProxyType(
    {
        "query": "#0072b2",  # blue
        "key": "#d55e00",  # vermilion
        "value": "#009e73",  # green
        "output": "#c4699c",  # purple
        "muted": "#7f7f7f",  # what stays in the background
    }
)

# A weight is shown as opacity: 0 is the page itself, whatever its colour. Full opacity stops
# at 0.8, so that a number in the page's text colour stays legible on every cell.
_FULL = 0.8
#: Colours of weights, from 0 to 1.
WEIGHTS = LinearSegmentedColormap.from_list(
    "weights", [to_rgba(PALETTE["query"], 0.0), to_rgba(PALETTE["query"], _FULL)]
)
#: Colours of numbers of both signs; halfway, 0 is the page.
SIGNED = LinearSegmentedColormap.from_list(
    "signed",
    [
        (0.0, to_rgba(PALETTE["key"], _FULL)),
        (0.5, to_rgba(PALETTE["key"], 0.0)),
        (0.5, to_rgba(PALETTE["query"], 0.0)),
        (1.0, to_rgba(PALETTE["query"], _FULL)),
    ],
)
