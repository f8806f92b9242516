// Turns one page of the built book, open in a browser, into the whole book, ready to print.
async ({ title, facts, parts, pages, site }) => {
  const root = new URL(".", document.location); // a page of the top folder is open
  const key = (page) => page.split("/").pop();
  const make = (tag, content = "", attributes = {}) => {
    const element = document.createElement(tag);
    element.append(...[content].flat());
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };
  const link = (id, content) => make("a", content, { href: `#${id}` });
  const linkWithPage = (id, content) => make("a", content, { href: `#${id}`, "data-page": "" });
  const heading = (element) => element.querySelector("h1, h2, p.admonition-title");

  // What stands on every page under the same name gets the page's name in front of it. Drawings
  // carry ids of their own, which style sheets inside them name.
  const unique = (page, article) => {
    const address = new URL(`${page}.html`, root);
    for (const element of article.querySelectorAll("[id]:not(svg, svg *)"))
      element.id = `${key(page)}--${element.id}`;
    for (const image of article.querySelectorAll("img"))
      image.src = new URL(image.getAttribute("src"), address);
    for (const anchor of article.querySelectorAll("a[href]")) {
      const target = new URL(anchor.getAttribute("href"), address);
      if (target.protocol !== root.protocol) continue; // another site
      const path = target.pathname.slice(root.pathname.length);
      const name = path.replace(/\.html$/, "");
      const id = decodeURIComponent(target.hash.slice(1));
      if (name in pages) anchor.href = `#${key(name)}${id && "--" + id}`;
      else if (site) anchor.href = site + path + target.hash;
      else anchor.removeAttribute("href");
    }
  };

  // Solutions stand behind the chapters, so that nobody reads one before trying; each exercise and
  // its solution name each other's page.
  const solutions = make("article", make("h1", "Solutions"), { id: "solutions" });
  const moveSolutions = (article) => {
    const moved = [];
    let exercise;
    for (const box of article.querySelectorAll("div.exercise, div.solution")) {
      if (box.matches(".exercise")) {
        exercise = box;
        continue;
      }
      const executed = [];
      for (let next = box; (next = next.nextElementSibling)?.matches(".cell.tag_hide-cell"); )
        executed.push(next);
      for (const folded of executed.flatMap((cell) => [...cell.querySelectorAll("details")]))
        folded.open = true;
      const name = heading(exercise).textContent.trim();
      box.id ||= `${exercise.id}--solution`;
      box.before(make("p", linkWithPage(box.id, "Solution"), { class: "turn-to" }));
      heading(box).replaceChildren("Solution to ", link(exercise.id, name));
      moved.push(box, ...executed);
    }
    if (moved.length) solutions.append(make("h2", heading(article).textContent), ...moved);
  };

  const articles = Object.entries(pages).map(([page, html]) => {
    const article = new DOMParser()
      .parseFromString(html, "text/html")
      .querySelector("article.bd-article");
    const views = [...article.querySelectorAll(".attention-view script")];
    const script = views[0]?.textContent;
    article.querySelectorAll("script, a.headerlink").forEach((element) => element.remove());
    // A span for every plain word of code would double the size of the file and tell nothing.
    for (const plain of article.querySelectorAll(".highlight :is(.n, .nn, .o, .p, .w):not([id])"))
      plain.replaceWith(...plain.childNodes);
    article.normalize();
    article.id = key(page);
    unique(page, article);
    moveSolutions(article);
    return { article, script };
  });

  const entries = (article) => {
    const sections = [...article.querySelectorAll("h2")].map((h2) => {
      const id = (h2.id ||= h2.closest("section")?.id ?? `${article.id}--${h2.textContent}`);
      return make("li", linkWithPage(id, h2.textContent.trim()));
    });
    const own = linkWithPage(article.id, heading(article).textContent.trim());
    return make("li", [own, make("ul", sections)]);
  };
  const contents = make("nav", make("h1", "Contents"), { class: "contents-of-book" });
  const all = articles.map(({ article }) => article);
  for (const { caption, names } of parts) {
    const chosen = all.filter((article) => names.includes(article.id));
    if (caption) contents.append(make("p", caption, { class: "part" }));
    contents.append(make("ul", chosen.map(entries)));
  }
  contents.append(make("ul", entries(solutions)));
  const front = make("header", make("p", title, { class: "title" }), { class: "front" });
  for (const { text, href } of facts)
    front.append(make("p", href ? make("a", text, { href }) : text));

  const pagesStyle = [...all, solutions].map((article) => {
    const running = JSON.stringify(heading(article).textContent.trim());
    article.style.page = `page-${article.id}`;
    article.classList.add("bd-article");
    return `@page page-${article.id} { @bottom-left { content: ${running}; } }`;
  });
  document.head.append(make("style", pagesStyle.join("\n")));
  document.title = title;
  document.documentElement.dataset.theme = "light";
  document.body.replaceChildren(front, contents, ...all, solutions);

  const script = articles.find(({ script }) => script)?.script;
  if (script) document.body.append(make("script", script)); // one fills every attention view
  const views = [...document.querySelectorAll(".attention-view")];
  while (views.some((view) => !view.querySelector("output")?.textContent))
    await new Promise((wake) => setTimeout(wake, 20));
  await Promise.all([...document.images].map((image) => image.decode()));
  await document.fonts.ready;
}
