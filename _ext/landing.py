"""The picture on the first page: a trained model reads a sentence, and shows where it looks."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

_SENTENCE = "My mother told my father today that she was very ill ."
_LAYER, _HEAD = 1, 3  # chapter 9 finds it, and says what it does and does not do
_TOLD = (
    "Touch a word, or walk with the arrow keys: the line says where the model looks from there. "
    "Nobody told it what *she* refers to. {ref}`Chapter 9 <sec-striking-heads>` finds this head of "
    "a real model among many others, and says what it does not show."
)


class TouchPicture(SphinxDirective):
    """Compute the picture with real weights; without them, leave it out."""

    def run(self) -> list[nodes.Node]:
        """Write the view and the line under it."""
        import torch
        from tokenizers import Tokenizer

        from attention_lib.models import BERT
        from attention_lib.pretrained import find_folder
        from attention_lib.views import attention_view

        try:
            folder = find_folder("sentence-transformers/all-MiniLM-L6-v2")
        except FileNotFoundError:
            return []
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        read = tokenizer.encode(_SENTENCE)
        with torch.no_grad():
            out = BERT.from_pretrained(folder)(torch.tensor([read.ids]), return_weights=True)
        words = slice(1, -1)  # without the marks of beginning and end
        weights = out.weights[_LAYER][0, _HEAD][words, words]
        tokens = _SENTENCE.lower().split()
        she = tokens.index("she")
        if read.tokens[words] != tokens or tokens[weights[she].argmax()] != "mother":
            raise self.error("the first page claims that 'she' looks most at 'mother': not so")
        view = attention_view(tokens, weights, picked=she)
        # Its table stays folded here: the first screen also says how to begin.
        html = view.html.replace("<details open", "<details", 1)
        return [nodes.raw("", html, format="html"), *self.parse_text_to_nodes(_TOLD)]


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("touch-picture", TouchPicture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
