// What widgets put on screen, as functions of plain values: no DOM, so node can test them.
// A widget imports them; `virtualcell.widgets.script` puts them in the place of the import.

export const count = (number) => number.toLocaleString("en");

// Names that hold what was typed, in any case; the first `most` of them, and how many others there are.
export function matching(names, typed, most) {
  const wanted = typed.toLowerCase();
  const found = names.filter((name) => name.toLowerCase().includes(wanted));
  return { shown: found.slice(0, most), hidden: Math.max(0, found.length - most) };
}

export const toggled = (list, item) => (list.includes(item) ? list.filter((other) => other !== item) : [...list, item]);

export const ascending = (numbers) => [...numbers].sort((a, b) => a - b);

// A whole number from 1 to `most`, the program's own limit, whatever was typed.
export const within = (typed, most) => Math.min(most, Math.max(1, Math.round(Number(typed)) || 1));

// Bars for the candidates that are left and for what each rule removes: one in a million can still be seen, none cannot.
export function bars(left, byRule) {
  const rows = [["left", left], ...byRule];
  const longest = Math.max(...rows.map(([, number]) => number));
  return rows.map(([label, number], i) => ({ label, number: count(number), kind: i ? "vc-gone" : "vc-good",
    percent: number && Math.max(2, (100 * number) / longest) }));
}
