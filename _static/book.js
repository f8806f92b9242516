// What scrolls sideways can be reached with the keyboard, and so scrolled with it.
(() => {
  const wide = "pre, table, details, .picture, .diagram, .math, .text_html, .output, .sig";
  const mark = (box) => {
    const scrolls =
      box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX !== "visible";
    if (scrolls) box.tabIndex = 0;
    else box.removeAttribute("tabindex");
  };
  // A turned phone, larger letters, something unfolded: whatever the cause, a box changes its size.
  const watch = new ResizeObserver((changes) => changes.forEach(({ target }) => mark(target)));
  addEventListener("DOMContentLoaded", () =>
    document.querySelectorAll(`.bd-article :is(${wide})`).forEach((box) => watch.observe(box)),
  );
})();
