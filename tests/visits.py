"""A visit to a built page: what the tests of pages share."""

import functools
import threading
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tools.book import pages
from tools.chapters import ROOT

HTML = ROOT / "_build" / "html"
PAGES = pages()
THEMES = ("light", "dark")


@contextmanager
def served(folder):
    """Serve a folder on this machine; give its address."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class Visit:
    """One page, opened: what it asked for, what it complained about."""

    def __init__(self, browser, site, page, theme="light", width=1280):
        self.name = page
        self.context = browser.new_context(
            color_scheme=theme, viewport={"width": width, "height": 900}, has_touch=width < 600
        )
        self.tab = self.context.new_page()
        self.asked, self.failed, self.complaints, self.answers = [], [], [], []
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.on("requestfailed", lambda request: self.failed.append(request.url))
        self.tab.on("response", self._keep)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on(
            "console",
            lambda m: m.type in ("error", "warning") and self.complaints.append(m.text),
        )
        self.tab.goto(f"{site}/{page}.html", wait_until="networkidle")
        self.tab.evaluate("document.fonts.ready")
        self.first_paint = self.tab.evaluate(  # milliseconds after the address was asked for
            """() => new Promise(done => new PerformanceObserver(list => list.getEntries()
                .filter(e => e.name === 'first-contentful-paint').forEach(e => done(e.startTime))
            ).observe({type: 'paint', buffered: true}))"""
        )
        self.weights = {response.url: len(response.body()) for response in list(self.answers)}
        self.unfold()

    def _keep(self, response):
        if response.status >= 400:
            self.failed.append(response.url)
        elif response.url.startswith("http"):
            self.answers.append(response)

    def unfold(self):
        """What is folded has no size: unfold everything, then look."""
        self.tab.evaluate(
            """() => {
                document.querySelectorAll('details').forEach(d => { d.open = true; });
                document.querySelectorAll('.toggle-hidden').forEach(
                    e => e.classList.remove('toggle-hidden'));
                return new Promise(requestAnimationFrame);
            }"""
        )
        # It fades in, too.
        self.tab.evaluate("document.getAnimations().forEach(animation => animation.finish())")
        self.settle()

    def resize(self, width):
        self.tab.set_viewport_size({"width": width, "height": 900})
        self.tab.wait_for_function("width => innerWidth === width", arg=width)
        self.settle()

    def settle(self):
        """Wait until what answers to changed sizes has answered: it is asked once a frame."""
        for _ in range(2):
            self.tab.evaluate("new Promise(requestAnimationFrame)")

    def drawn(self, selector):
        """How many matches have a size on the page, and how many there are."""
        return self.tab.evaluate(
            """selector => {
                const found = [...document.querySelectorAll(selector)];
                const drawn = found.filter(e => {
                    const box = e.getBoundingClientRect();
                    return box.width > 1 && box.height > 1;
                });
                return [drawn.length, found.length];
            }""",
            selector,
        )

    def widest(self, width):
        """What sticks out of a page of this width, if the page can be scrolled sideways."""
        self.resize(width)
        return self.tab.evaluate(
            """() => {
                const edge = document.documentElement.clientWidth;
                if (document.documentElement.scrollWidth <= edge) return [];
                const scrolls = e => e && (getComputedStyle(e).overflowX !== 'visible'
                    || scrolls(e.parentElement));
                return ['the page is too wide', ...[...document.querySelectorAll('main *')]
                    .filter(e => e.getBoundingClientRect().right > edge
                        && !scrolls(e.parentElement))
                    .map(e => `${e.tagName}.${e.className.baseVal ?? e.className}: `
                        + e.textContent.slice(0, 40)).slice(0, 5)];
            }"""
        )

    def close(self):
        self.context.close()
