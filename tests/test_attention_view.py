"""The attention view: its numbers, its size, its answers to mouse, keys and screen readers."""

import re

import numpy as np
import pytest
import torch

from attention_lib import dot_product_attention
from attention_lib.views import attention_view

WORDS = ["money", "bank", "grows"]
WEIGHTS = torch.tensor([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.0, 0.0, 1.0]])
SENTENCE = (
    "the animal did not cross the street because it was tired "
    "and the road was far too wide to cross"
)
HOSTILE = [
    "<script>document.title='owned'</script>",
    "</script><img src=x onerror=\"document.title='owned'\">",
    "</table></form><b onmouseover='document.title=1'>",
    '"><svg/onload=document.title=1>',
    "&lt;&amp;&#60;",
    "$x^2$ \\(y\\) {{ z }} ${document.title=1}",
    "केक का",
    "\u202eright to left",
    "",
    "\n\t",
    " the",
    "\ud800",
]


@pytest.fixture
def put(browser):
    """Put HTML on a page of its own, as the given theme; give the page."""
    contexts = []

    def put(html, theme="light", scripts=True):
        context = browser.new_context(color_scheme=theme, java_script_enabled=scripts)
        contexts.append(context)
        tab = context.new_page()
        tab.complaints = []
        tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.on("console", lambda message: tab.complaints.append(message.text))
        tab.on("request", lambda request: tab.complaints.append(request.url))
        colours = {
            "light": "color: #222; background: #fff",
            "dark": "color: #ddd; background: #111",
        }
        tab.set_content(f"<!doctype html><body style='{colours[theme]}'>{html}")
        if scripts:
            tab.wait_for_function(
                "[...document.querySelectorAll('form')].every("
                "f => f.querySelector('output')?.textContent)"
            )
        return tab

    yield put
    for context in contexts:
        context.close()


def said(view):
    return view.locator("output").text_content()


def table(view):
    rows = view.locator("tbody tr").evaluate_all(
        "rows => rows.map(r => [...r.querySelectorAll('td')].map(c => c.textContent))"
    )
    return [[float(n) for n in row] for row in rows]


def bars(view, side):
    """What stands above (0) or below (1) every token."""
    return view.locator("fieldset label").evaluate_all(
        "(labels, side) => labels.map(l => l.querySelectorAll('b')[side].textContent)", side
    )


def random_weights(*shape, sharpness=1.0):
    scores = torch.randn(*shape, generator=torch.Generator().manual_seed(0))
    return torch.softmax(sharpness * scores, dim=-1)


def test_hovering_a_token_shows_its_row_and_its_column(put):
    view = put(attention_view(WORDS, WEIGHTS).html).locator("form")
    assert bars(view, 0) == [".50", ".30", ".20"]  # the first token is picked at the start
    view.locator("label", has_text="bank").hover()
    assert bars(view, 0) == [".10", ".60", ".30"]  # row: what bank attends to
    assert bars(view, 1) == [".30", ".60", "0"]  # column: what attends to bank
    assert said(view) == (
        "bank attends to bank .60, grows .30, money .10; "
        "is attended to by bank .60, money .30, grows 0"
    )


def test_the_author_may_pick_the_first_token_to_show(put):
    view = put(attention_view(WORDS, WEIGHTS, picked=2).html).locator("form")
    assert said(view).startswith("grows attends to grows 1, ")
    with pytest.raises(ValueError, match="picked=3; expected 0 to 2"):
        attention_view(WORDS, WEIGHTS, picked=3)


def test_leaving_returns_to_the_token_that_was_picked_by_tapping(put):
    tab = put(attention_view(WORDS, WEIGHTS).html + "<p>outside</p>")
    view = tab.locator("form")
    view.locator("label", has_text="grows").click()
    view.locator("label", has_text="money").hover()
    assert said(view).startswith("money attends")
    tab.locator("p").hover()
    assert said(view).startswith("grows attends to grows 1, ")


def test_the_keyboard_reaches_everything(put):
    tab = put(attention_view(WORDS, torch.stack([WEIGHTS, WEIGHTS.flip(0)])).html)
    view = tab.locator("form")
    focused = "document.activeElement.name || document.activeElement.tagName"
    tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "head"
    tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "token"
    tab.keyboard.press("ArrowRight")
    assert said(view).startswith("bank attends to bank .60, ")
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    assert said(view).startswith("grows attends to grows 1, "), "the arrows go round"
    outline = "getComputedStyle(document.activeElement.parentNode).outlineStyle"
    assert tab.evaluate(outline) == "solid", "the focus can be seen"
    tab.keyboard.press("Enter")
    assert tab.url == "about:blank", "Enter sends no form anywhere"
    tab.keyboard.press("Tab")
    assert tab.evaluate(focused) == "SUMMARY"
    assert tab.evaluate("document.querySelector('details').open")
    tab.keyboard.press("Enter")
    assert not tab.evaluate("document.querySelector('details').open")


def test_a_screen_reader_gets_names_roles_and_the_table(put):
    html = attention_view(WORDS, torch.stack([WEIGHTS, WEIGHTS.flip(0)])).html
    snapshot = put(html).locator("body").aria_snapshot()
    assert 'combobox "head"' in snapshot
    assert 'group "Pick a token"' in snapshot
    assert 'radio "money" [checked]' in snapshot and 'radio "bank"' in snapshot
    assert "status: money attends to money .50, bank .30, grows .20; is attended" in snapshot
    assert 'table "Row: query. Column: key."' in snapshot
    assert 'columnheader "grows"' in snapshot and 'rowheader "grows"' in snapshot
    assert 'row "bank .10 .60 .30"' in snapshot


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (2, 4, 3, 3)])
def test_table_and_tokens_show_the_same_numbers_in_every_layer_and_head(put, shape):
    weights = random_weights(*shape)
    view = put(attention_view(WORDS, weights).html).locator("form")
    layers, heads = (1, 1, *shape[:-2])[-2:]
    flat = weights.reshape(layers, heads, 3, 3)
    for layer in range(layers):
        for head in range(heads):
            for name, index, count in (("layer", layer, layers), ("head", head, heads)):
                if count > 1:
                    view.locator(f"select[name={name}]").select_option(str(index))
            assert np.abs(np.array(table(view)) - flat[layer, head].numpy()).max() < 0.00501
            for token, word in enumerate(WORDS):
                view.locator("label", has_text=word).hover()
                assert [float(n) for n in bars(view, 0)] == table(view)[token]
                assert [float(n) for n in bars(view, 1)] == [row[token] for row in table(view)]


def test_two_sequences_get_two_rows_of_tokens(put):
    weights = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
    view = put(attention_view(["le", "chat"], weights, ["the", "cat", "the"]).html).locator("form")
    assert said(view) == "le attends to the .90, cat .10, the 0"
    view.locator("label", has_text="cat").hover()
    assert said(view) == "cat is attended to by chat .30, le .10"
    assert bars(view, 0) == [""] * 5 and bars(view, 1) == [".10", ".30", "", "", ""]
    view.locator("label", has_text="chat").hover()
    assert bars(view, 0) == ["", "", ".20", ".30", ".50"] and bars(view, 1) == [""] * 5


def test_tokens_are_shown_and_never_obeyed(put):
    n = len(HOSTILE)
    tab = put(attention_view(HOSTILE, random_weights(2, n, n)).html + "<title>mine</title>")
    view = tab.locator("form")
    for i in range(n):
        view.locator("label").nth(i).hover()
    shown = view.locator("bdi").all_text_contents()
    assert shown[:8] == HOSTILE[:8]
    assert shown[8:] == ["\N{EMPTY SET}", "\u240a\u2409", " the", "?"]
    assert view.locator("tbody th").all_text_contents() == shown
    assert tab.title() == "mine" and tab.complaints == []
    assert view.locator("img, svg, form").count() == 0


def test_hindi_is_left_to_the_browser(put):
    html = attention_view(["केक", "का", "टुकड़ा"], WEIGHTS).html
    assert "केक" in html
    assert put(html).locator("form").locator("bdi").all_text_contents() == ["केक", "का", "टुकड़ा"]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_takes_the_pages_colours(put, theme):
    tab = put(attention_view(WORDS, WEIGHTS).html, theme)
    colours = tab.evaluate(
        """() => {
            const style = e => getComputedStyle(e);
            const parts = [...document.querySelectorAll('bdi, b, td, th, output, legend, i')];
            return [style(document.body).color, parts.map(e => style(e).color),
                [...document.querySelectorAll('tbody td')].map(e => style(e).backgroundColor)];
        }"""
    )
    page, texts, cells = colours
    assert set(texts) == {page}
    opacity = [
        float(
            re.search(r"/ ?([\d.]+)|, ([\d.]+)\)$", c.replace("rgb(", "rgb(0, 0, 0, 1, "))
            .group(0)
            .strip("/, )")
        )
        if "rgba" in c
        else 1.0
        for c in cells
    ]
    assert opacity == pytest.approx((0.8 * WEIGHTS).flatten().tolist(), abs=0.01)


def test_two_views_on_a_page_do_not_meet(put):
    html = attention_view(WORDS, WEIGHTS).html
    tab = put(html + html)
    first, second = tab.locator("form").nth(0), tab.locator("form").nth(1)
    second.locator("label", has_text="grows").click()
    assert said(second).startswith("grows") and said(first).startswith("money")
    assert first.locator("input:checked").count() == second.locator("input:checked").count() == 1
    assert tab.evaluate("document.querySelectorAll('[id]').length") == 0
    assert tab.complaints == []


def test_it_works_in_a_sandboxed_frame_as_notebooks_on_the_web_use(put):
    html = attention_view(WORDS, WEIGHTS).html
    tab = put("<iframe sandbox='allow-scripts' width=600 height=400></iframe>")
    tab.locator("iframe").evaluate("(frame, html) => { frame.srcdoc = html; }", html)
    view = tab.frame_locator("iframe").locator("form")
    view.locator("label", has_text="bank").hover()
    assert said(view).startswith("bank attends to bank .60")


def test_it_works_where_html_is_inserted_and_scripts_run_afterwards(put):
    """As notebooks do it: document.currentScript is of no help there."""
    tab = put("<div></div>")
    tab.locator("div").evaluate(
        """(place, html) => {
            place.innerHTML = html;
            place.querySelectorAll('script').forEach(script => {
                const again = document.createElement('script');
                again.textContent = script.textContent;
                script.replaceWith(again);
            });
        }""",
        attention_view(WORDS, WEIGHTS).html,
    )
    tab.wait_for_selector("output")
    assert said(tab.locator("form")).startswith("money attends to money .50")


def test_without_scripts_the_table_is_there(put):
    view = put(attention_view(WORDS, WEIGHTS).html, scripts=False).locator("form")
    assert table(view) == [[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0, 0, 1]]
    assert view.get_by_text("in a notebook, run its cell").is_visible()


def test_without_scripts_the_table_of_several_heads_says_whose_numbers_it_holds(put):
    weights = random_weights(2, 4, 3, 3)
    view = put(attention_view(WORDS, weights).html, scripts=False).locator("form")
    assert np.abs(np.array(table(view)) - weights[0, 0].numpy()).max() < 0.00501
    said = "The table shows layer 0, head 0 of 2 x 4."
    assert view.get_by_text(said).is_visible()
    chosen = put(attention_view(WORDS, weights).html).locator("form")
    assert chosen.get_by_text(said).count() == 0, "there it can be chosen"


@pytest.mark.parametrize("sharpness", [0.0, 0.5, 1.0, 3.0])
def test_twenty_tokens_twelve_layers_and_twelve_heads_fit_into_40_kB(sharpness):
    weights = random_weights(12, 12, 20, 20, sharpness=sharpness)
    html = attention_view(SENTENCE.split(), weights).html
    assert len(SENTENCE.split()) == 20
    assert len(html.encode()) <= 40_000


def test_even_the_least_compressible_weights_fit():
    """A row drawn evenly from all rows there are has the largest entropy."""
    parts = torch.from_numpy(np.random.default_rng(0).dirichlet(np.ones(20), size=(12, 12, 20)))
    assert len(attention_view(SENTENCE.split(), parts).html.encode()) <= 40_000


def test_every_form_in_which_models_give_weights_is_taken():
    weights = random_weights(2, 4, 3, 3)
    whole = attention_view(WORDS, weights).html
    assert attention_view(WORDS, [w[None] for w in weights]).html == whole  # layers, batch of 1
    assert attention_view(WORDS, tuple(weights)).html == whole
    assert attention_view(tuple(WORDS), weights.tolist()).html == whole
    assert attention_view(WORDS, weights.numpy()).html == whole
    assert attention_view(WORDS, weights.double().requires_grad_()).html == whole
    x = torch.randn(1, 1, 3, 8, dtype=torch.bfloat16)
    attention_view(WORDS, dot_product_attention(x, x, x, return_weights=True)[1])


def test_a_masked_row_may_be_empty():
    assert attention_view(WORDS, torch.tensor([[1.0, 0, 0], [0, 0, 0], [0, 0, 1]])).text


def test_a_terminal_gets_the_table():
    assert repr(attention_view(WORDS, WEIGHTS)).splitlines() == [
        "attention weights: row = query, column = key",
        "      money bank grows",
        "money   .50  .30   .20",
        "bank    .10  .60   .30",
        "grows     0    0     1",
    ]
    assert "(layer 0, head 0 of 2 x 4)" in repr(attention_view(WORDS, random_weights(2, 4, 3, 3)))


def test_the_same_weights_give_the_same_bytes():
    assert attention_view(WORDS, WEIGHTS).html == attention_view(WORDS, WEIGHTS).html


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("money bank", WEIGHTS), TypeError, "tokens is 'money bank'; expected a list of strings"),
        (([1, 2, 3], WEIGHTS), TypeError, "tokens is a list that holds other things"),
        ((3, WEIGHTS), TypeError, "tokens is a int; expected a list of strings"),
        ((WORDS, "abc"), TypeError, "weights is a str that is no block of numbers"),
        ((WORDS, {"a": 1}), TypeError, "weights is a dict that is no block of numbers"),
        (
            (WORDS, [WEIGHTS, WEIGHTS[:2]]),
            ValueError,
            r"layers of weights differ in shape: .*\(2, 3\)",
        ),
        ((WORDS, WEIGHTS[0]), ValueError, r"shape \(3,\); expected \(queries, keys\), "),
        ((WORDS, torch.ones(1, 1, 1, 3, 3)), ValueError, "pick one batch entry first"),
        ((WORDS, [torch.ones(2, 1, 3, 3)]), ValueError, "pick one batch entry first"),
        ((WORDS[:2], WEIGHTS), ValueError, r"expected \(..., 2, 2\), .*pass key_tokens"),
        (([], torch.ones(0, 0)), ValueError, r"shape \(1, 1, 0, 0\)"),
        ((WORDS, 3 * WEIGHTS - 1), ValueError, "runs from -1 to 2; .*before the softmax"),
        ((WORDS, WEIGHTS / 0), ValueError, "expected finite numbers"),
        ((WORDS, WEIGHTS.T), ValueError, "sums to 1.5; .*is a matrix transposed"),
        ((["a"] * 200, torch.zeros(30, 200, 200)), ValueError, "holds 1,200,000 numbers"),
    ],
)
def test_bad_input_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        attention_view(*arguments)
