// Definitions of terms, on hover and on focus. They stay while the pointer is on them, and Escape
// puts them away.
document.addEventListener("DOMContentLoaded", () => {
  let shown = null;
  let leaving = 0;

  function hide() {
    if (!shown) return;
    shown.tip.hidden = true;
    shown.link.removeAttribute("aria-describedby");
    shown = null;
  }

  function show(link, tip) {
    clearTimeout(leaving);
    if (shown && shown.tip === tip && shown.link === link) return;
    hide();
    tip.hidden = false;
    link.setAttribute("aria-describedby", tip.id);
    shown = { link, tip };
    const at = link.getBoundingClientRect();
    const size = tip.getBoundingClientRect();
    const left = Math.min(at.left, document.documentElement.clientWidth - size.width - 8);
    const above = at.top - size.height - 6;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${above > 60 ? above : at.bottom + 6}px`;
  }

  function leave() {
    clearTimeout(leaving);
    leaving = setTimeout(hide, 200);
  }

  for (const link of document.querySelectorAll("a.reference:has(> .std-term)")) {
    const tip = document.getElementById(`definition-${link.hash.slice(1)}`);
    if (!tip) continue;
    document.body.append(tip); // out of every box that scrolls or cuts off
    link.addEventListener("mouseenter", () => show(link, tip));
    link.addEventListener("mouseleave", leave);
    link.addEventListener("focus", () => show(link, tip));
    link.addEventListener("blur", leave);
    tip.addEventListener("mouseenter", () => clearTimeout(leaving));
    tip.addEventListener("mouseleave", leave);
  }
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
});
