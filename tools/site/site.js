// The pages' own behaviour: light or dark, and a search that needs no server. finish.py puts rank.mjs before this text.
(() => {
  const base = document.currentScript.dataset.base;
  const kept = { get: () => { try { return localStorage.getItem("virtualcell-scheme"); } catch { return null; } },
                 set: (value) => { try { localStorage.setItem("virtualcell-scheme", value); } catch { /* private window */ } } };
  const prefers = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => { document.documentElement.dataset.bsTheme = kept.get() ?? (prefers.matches ? "dark" : "light"); };
  paint();
  prefers.addEventListener("change", paint);

  /** The index is a script that defines a variable: a page from disk may load that, and nothing else. */
  let pages;
  const load = () => pages ??= new Promise((done) => {
    const script = document.createElement("script");
    script.src = `${base}search-index.js`;
    script.onload = () => done(prepare(window.virtualcellIndex));
    document.head.append(script);
  });

  const row = (entry, query) => {
    const link = document.createElement("a");
    link.href = base + entry.href;
    link.setAttribute("role", "option");
    link.tabIndex = -1;
    for (const [name, text] of [["title", entry.title], ["section", entry.section], ["text", snippet(entry.text, query)]]) {
      const part = document.createElement("div");
      part.className = `vc-hit-${name}`;
      part.textContent = text;
      if (text) link.append(part);
    }
    return link;
  };

  const openSearch = (box) => {
    const field = box.querySelector("input"), list = box.querySelector("[role=listbox]");
    let at = -1;
    const hits = () => [...list.querySelectorAll("a")];
    const mark = (place) => {
      at = place;
      hits().forEach((hit, i) => hit.setAttribute("aria-selected", i === at));
      hits()[at]?.scrollIntoView({ block: "nearest" });
    };
    const show = (open) => { list.hidden = !open; field.setAttribute("aria-expanded", open); };
    const look = async () => {
      const query = field.value.trim();
      if (query.length < 2) return show(false);
      const found = search(await load(), query);
      if (query !== field.value.trim()) return undefined;
      list.replaceChildren(...found.map((entry) => row(entry, query)));
      if (!found.length) list.textContent = "Nothing found";
      mark(-1);
      return show(true);
    };
    field.addEventListener("focus", load);
    field.addEventListener("input", look);
    field.addEventListener("keydown", (event) => {
      const n = hits().length, step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.key === "Escape") { show(false); field.blur(); }
      if (event.key === "Enter" && n) { event.preventDefault(); hits()[Math.max(at, 0)].click(); }
      if (step && n) { event.preventDefault(); mark((at + step + n + (at < 0 && step < 0)) % n); }
    });
    document.addEventListener("click", (event) => { if (!box.contains(event.target)) show(false); });
    document.addEventListener("keydown", (event) => {
      const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.isContentEditable;
      if ((event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
        event.preventDefault();
        field.focus();
      }
    });
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".vc-search").forEach(openSearch);
    document.querySelectorAll(".vc-scheme").forEach((button) => button.addEventListener("click", () => {
      kept.set(document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark");
      paint();
    }));
  });
})();
