// Screen designer: draws what Python says and reports clicks. No number is computed here.

import { ascending, bars, count, matching, toggled, within } from "./helpers.mjs";

const SHOWN = 80; // chips at once; the filter finds the others

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children); // text stays text: nothing is parsed as HTML
  return made;
}

function chip(label, pressed, onClick) {
  const button = element("button", { type: "button", class: "vc-chip", "aria-pressed": String(pressed) }, label);
  button.addEventListener("click", onClick);
  return button;
}

function bar({ label, number, percent, kind }) {
  const fill = element("span", { class: `vc-fill ${kind}` });
  fill.style.width = `${percent}%`;
  const track = element("span", { class: "vc-track" }, fill);
  return element("div", { class: "vc-bar", "data-rule": label }, element("span", { class: "vc-name" }, label), track,
    element("span", { class: "vc-number" }, number));
}

// Rows of text that Python wrote: what it is about, its facts, and a reason in the last column.
function list(name, rows) {
  return element("ul", { class: "vc-list", "aria-label": name }, ...rows.map(([first, ...others]) =>
    element("li", {}, element("b", {}, first), ...others.filter(Boolean).map((text) => element("span", {}, text)))));
}

function table(name, rows) {
  return element("table", { class: "vc-table", "aria-label": name }, element("tbody", {}, ...rows.map(([first, ...others]) =>
    element("tr", {}, element("th", { scope: "row" }, first), ...others.map((text) => element("td", {}, text))))));
}

function group(name, ...children) {
  return element("fieldset", {}, element("legend", {}, name), ...children);
}

function render({ model, el }) {
  const root = element("div", { class: "vc-designer" });
  const facts = model.get("facts");
  const most = model.get("most"); // the program's own limits: nothing is loosened here
  const save = (name, value) => { model.set(name, value); model.save_changes(); };

  const filter = element("input", { type: "search", placeholder: "filter targets", "aria-label": "filter targets" });
  const chips = element("div", { class: "vc-chips", role: "group", "aria-label": "targets" });
  const all = element("button", { type: "button", class: "vc-link" }, "all on");
  const none = element("button", { type: "button", class: "vc-link" }, "all off");
  const deliveries = element("ul", { class: "vc-list", "aria-label": "deliveries" });
  const times = element("div", { class: "vc-chips", role: "group", "aria-label": "times in hours" });
  const parts = element("input", { type: "number", min: 1, max: most.max_parts, "aria-label": "parts of a candidate" });
  const uses = element("input", { type: "number", min: 1, max: most.max_deliveries, "aria-label": "deliveries of a candidate" });
  const left = element("output", { class: "vc-left", "aria-live": "polite" });
  const rules = element("div", { class: "vc-rules" });
  const message = element("p", { class: "vc-message", role: "alert" });

  function drawTargets() {
    const focused = el.ownerDocument.activeElement?.textContent;
    const { shown, hidden } = matching(model.get("targets"), filter.value, SHOWN);
    const off = new Set(model.get("switched_off"));
    const made = shown.map((name) =>
      chip(name, !off.has(name), () => save("switched_off", toggled(model.get("switched_off"), name))));
    chips.replaceChildren(...made, ...(hidden ? [element("small", {}, `and ${count(hidden)} more: use the filter`)] : []));
    made.find((button) => button.textContent === focused)?.focus();
  }

  function drawDeliveries() {
    const focused = el.ownerDocument.activeElement?.textContent;
    const off = model.get("deliveries_off");
    const made = facts.deliveries.map(([name]) =>
      chip(name, !off.includes(name), () => save("deliveries_off", toggled(model.get("deliveries_off"), name))));
    deliveries.replaceChildren(...facts.deliveries.map(([, limits, why], i) => element("li", {}, made[i],
      element("span", {}, limits), ...(why ? [element("small", {}, why)] : []))));
    made.find((button) => button.textContent === focused)?.focus();
  }

  function drawTimes() {
    const focused = el.ownerDocument.activeElement?.textContent;
    const on = model.get("chosen_times");
    const made = model.get("times").map((time) => chip(`${time} h`, on.includes(time), () =>
      save("chosen_times", ascending(toggled(model.get("chosen_times"), time)))));
    times.replaceChildren(...made);
    made.find((button) => button.textContent === focused)?.focus();
  }

  function drawNumbers() {
    parts.value = model.get("max_parts");
    uses.value = model.get("max_deliveries");
    const n = model.get("n_allowed");
    left.textContent = `${count(n)} candidates`;
    rules.replaceChildren(...bars(n, model.get("by_rule")).map(bar));
    message.textContent = model.get("message");
  }

  const number = (input, name) => input.addEventListener("change", () => {
    input.value = within(input.value, most[name]);
    save(name, Number(input.value));
  });
  number(parts, "max_parts");
  number(uses, "max_deliveries");
  filter.addEventListener("input", drawTargets);
  all.addEventListener("click", () => save("switched_off", []));
  none.addEventListener("click", () => save("switched_off", [...model.get("targets")]));

  const together = model.get("trade_off");
  root.append(
    element("div", { class: "vc-title" }, model.get("title")),
    element("p", { class: "vc-product" }, model.get("product"), element("small", {}, ` in ${facts.cell_types.join(", ")}`)),
    element("div", { class: "vc-wanted" },
      group("Goals", list("goals", facts.goals), ...(together ? [element("small", {}, together)] : [])),
      group("Safety", facts.safety.length ? list("safety limits", facts.safety) : element("small", {}, "no limit is stated"))),
    group("Limits and size of a round", list("limits", facts.limits)),
    element("details", {}, element("summary", {}, `${facts.readouts.length} readouts`), table("readouts", facts.readouts)),
    ...(facts.deliveries.length ? [group("Deliveries", deliveries)] : []),
    group("Targets", element("div", { class: "vc-row" }, filter, all, none), chips),
    group("Times from the start", times),
    group("Combinations", element("label", {}, "parts up to ", parts), element("label", {}, "deliveries up to ", uses)),
    element("div", { class: "vc-result" }, left, rules, message));
  el.append(root);

  const watch = { deliveries_off: drawDeliveries, switched_off: drawTargets, targets: drawTargets, chosen_times: drawTimes, times: drawTimes, n_allowed: drawNumbers,
    by_rule: drawNumbers, message: drawNumbers, max_parts: drawNumbers, max_deliveries: drawNumbers };
  for (const [name, draw] of Object.entries(watch)) model.on(`change:${name}`, draw);
  drawDeliveries();
  drawTargets();
  drawTimes();
  drawNumbers();
  return () => { for (const [name, draw] of Object.entries(watch)) model.off(`change:${name}`, draw); };
}

export default { render };
