"""What a published page needs to know about its place: links to its source, to Colab, to itself.

All of it comes from `addresses.py`. Where an address is not known, the button, link or tag that
would need it is left out.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config

from _ext.addresses import Addresses, addresses

#: The hosts for which the theme knows how a link to a source file is made.
_HOSTS = ("github.com", "gitlab.com", "bitbucket.org")
_NOT_FOUND = """<h1>There is no such page</h1>
<p>It may have another name now. The table of contents lists every page, and the search knows every
word.</p>"""
_QUESTION = "The question of this chapter:"


def _tell_theme(app: Sphinx, config: Config) -> None:
    known = addresses()
    if urlsplit(known.repository).netloc in _HOSTS:
        buttons = ("use_repository_button", "use_edit_page_button", "use_issues_button")
        config.html_theme_options |= {
            "repository_url": known.repository,
            "repository_branch": known.branch,
            **dict.fromkeys(buttons, True),
        }
    # Pages write {only} colab and colab:NN_topic, {only} site and site:FILE.
    schemes = {"colab": known.colab("{{path}}"), "site": known.site and known.site + "{{path}}"}
    for name, address in schemes.items():
        if address:
            app.tags.add(name)
    config.myst_url_schemes = dict.fromkeys(("http", "https", "mailto")) | {
        name: address or "{{path}}" for name, address in schemes.items()
    }
    config.html_baseurl = known.site
    if known.site:
        config.sitemap_url_scheme = "{link}"
        config.sitemap_show_lastmod = False  # the day of a build is not the day of a change
        config.ogp_site_url = known.site
        config.ogp_site_name = config.html_title
        config.ogp_social_cards = {"image_mini": "_static/favicon.png", "line_color": "#0072b2"}
    config.notfound_context = {"title": "Page not found", "body": _NOT_FOUND}
    # The page for an unknown address can be shown at any depth, so it links from the root.
    config.notfound_urls_prefix = urlsplit(known.site).path or "/"


def _describe(app: Sphinx, doctree: nodes.document) -> None:
    """Let a chapter's question stand wherever the page is shown in short."""
    questions = (node.astext() for node in doctree.findall(nodes.strong))
    question = next((text for text in questions if text.startswith(_QUESTION)), None)
    if question:
        text = question.removeprefix(_QUESTION).strip()
        text = text[0].upper() + text[1:]
        told = dict.fromkeys(("og:description", "og:image:alt"), text)
        app.env.metadata[app.env.docname].update(told)
        doctree.insert(0, nodes.meta(name="description", content=text))


def _offer_colab(app: Sphinx, page: str, template: str, context: dict[str, Any], _: object) -> None:
    """Put a button for Colab in front of a chapter's other buttons."""
    link = addresses().colab(page) if page.startswith("chapters/") else ""
    if link:
        button = {
            "type": "link",
            "text": "",
            "tooltip": "Open this chapter in Colab",
            "icon": "fas fa-rocket",
            "url": link,
            "label": "colab-button",
        }
        context["header_buttons"].insert(0, button)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the hooks, and load the extensions that a known address makes useful."""
    known: Addresses = addresses()
    app.connect("config-inited", _tell_theme, priority=100)
    app.connect("doctree-read", _describe)
    app.connect("html-page-context", _offer_colab, priority=600)  # the theme made its list at 501
    app.setup_extension("notfound.extension")
    if known.site:
        app.setup_extension("sphinx_sitemap")
        app.setup_extension("sphinxext.opengraph")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
