// Puts tokens to pick above the table of every attention view of the page that has none yet. It
// goes out with each view, so it is short; it uses no ids, so views can share a page; and it does
// not ask which script is running, because a notebook may not tell. Tokens go in as text alone.
document.querySelectorAll(".attention-view:not([data-ready])").forEach(async (view) => {
  const { weights, size, layers, heads, cross, picked = 0 } = view.dataset;
  const all = (selector) => [...view.querySelectorAll(selector)];
  view.dataset.ready = "";

  // Two characters are 13 bits. The bytes are deflated: one for each weight, in hundredths.
  const coded = weights.replaceAll("#", "&");
  const digit = (i) => coded.charCodeAt(i) - 36;
  const packed = [];
  for (let i = 0, bits = 0, held = 0; i < coded.length; i += 2) {
    held = held * 8192 + digit(i) * 91 + digit(i + 1);
    for (bits += 13; bits >= 8; held %= 2 ** bits) packed.push(held / 2 ** (bits -= 8));
  }
  const stream = new Blob([new Uint8Array(packed.slice(0, size))]).stream();
  const unpacked = new Response(stream.pipeThrough(new DecompressionStream("deflate")));
  const levels = new Uint8Array(await unpacked.arrayBuffer());

  const queries = all("tbody th"), keys = all("thead th");
  const bar = "<b aria-hidden=true></b>";
  const chip = `<label>${bar}<input type=radio name=token><bdi></bdi>${bar}</label>`;
  const group = (legend, tokens) =>
    `<fieldset><legend>${legend}</legend>${chip.repeat(tokens.length)}</fieldset>`;
  const options = (count) => [...Array(+count).keys()].map((i) => "<option>" + i).join("");
  const choice = (name, count) =>
    count > 1 ? `<label>${name} <select name=${name}>${options(count)}</select></label> ` : "";
  view.firstChild.innerHTML =
    choice("layer", layers) + choice("head", heads) +
    group(`Pick a ${cross ? "query" : "token"}`, queries) + (cross ? group("or a key", keys) : "") +
    "<i>above: what it attends to</i> <i>below: what attends to it</i><output></output>";
  const chips = all("fieldset label");
  const bars = chips.map((chip) => chip.querySelectorAll("b"));
  const names = [...queries, ...(cross ? keys : [])].map((cell) => cell.textContent);
  all("bdi").forEach((word, i) => (word.textContent = names[i]));

  const chosen = (name) => +(view[name]?.value ?? 0);
  const level = (query, key) => {
    const matrix = chosen("layer") * heads + chosen("head");
    return levels[(matrix * queries.length + query) * keys.length + key];
  };
  // In self-attention a chip is a query and a key. Else the queries come first, the keys behind.
  const first = cross ? queries.length : 0;
  const between = (query, key) =>
    query < queries.length && key >= first ? level(query, key - first) : null;
  const written = (n) => (n % 100 ? "." + `${n}`.padStart(2, 0) : n / 100);
  const paint = (cell, n) => {
    cell.textContent = n == null ? "" : written(n);
    cell.style.setProperty("--weight", n / 100);
  };

  const show = (token) => {
    const said = ["attends to", "is attended to by"].map((verb, side) => {
      const found = names.map((name, other) => {
        const n = side ? between(other, token) : between(token, other);
        paint(bars[other][side], n);
        return [n, `${name} ${written(n)}`];
      });
      const largest = found.filter(([n]) => n != null).sort((a, b) => b[0] - a[0]);
      const listed = largest.slice(0, 5).map(([, text]) => text);
      return listed[0] && `${verb} ${listed.join(", ")}${largest[5] ? ", ..." : ""}`;
    });
    view.querySelector("output").textContent = `${names[token]} ${said.filter(Boolean).join("; ")}`;
    chips.forEach((chip, other) => chip.classList.toggle("shown", other == token));
  };
  const showPicked = () => show(chips.findIndex((chip) => chip.control.checked));
  const showAll = () => {
    queries.forEach((cell, query) => keys.forEach((_, key) => {
      const row = cell.parentNode;
      paint(row.cells[key + 1] ?? row.insertCell(), level(query, key));
    }));
    showPicked();
  };
  // Keys pressed here are not Jupyter's shortcuts.
  all("input, select, summary").forEach((field) => (field.dataset.lmSuppressShortcuts = ""));
  chips[picked].control.checked = true;
  chips.forEach((chip, token) => chip.addEventListener("mouseenter", () => show(token)));
  view.addEventListener("mouseleave", showPicked);
  view.addEventListener("change", showAll);
  showAll();
});
