import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { ascending, bars, count, matching, toggled, within } from "../../virtualcell/static/helpers.mjs";

const GENES = Array.from({ length: 10_000 }, (_, i) => `KO:GENE${i}`);
const EVIL = "<img src=x onerror=alert(1)>&\"'";

test("numbers are written with thousands apart", () => {
  assert.equal(count(0), "0");
  assert.equal(count(999), "999");
  assert.equal(count(18_008), "18,008");
  assert.equal(count(162_135_028), "162,135,028");
  assert.equal(count(0.25), "0.25");
});

test("the filter finds any case, keeps the order and counts what is not shown", () => {
  const names = ["KD:Runx1", "KD:PU.1", "KD:runx3"];
  assert.deepEqual(matching(names, "RUNX", 80), { shown: ["KD:Runx1", "KD:runx3"], hidden: 0 });
  assert.deepEqual(matching(names, "RUNX", 1), { shown: ["KD:Runx1"], hidden: 1 });
  assert.deepEqual(matching(names, "", 80), { shown: names, hidden: 0 });
  assert.deepEqual(matching(names, "tp53", 80), { shown: [], hidden: 0 });
});

test("what is typed is text, not a pattern", () => {
  assert.deepEqual(matching(["KD:PU.1", "KD:PUX1"], "PU.1", 80).shown, ["KD:PU.1"]);
  assert.deepEqual(matching(GENES, "(", 80), { shown: [], hidden: 0 });
  assert.deepEqual(matching(["KO:A*", "KO:A"], "*", 80).shown, ["KO:A*"]);
});

test("ten thousand genes: eighty are shown, the others counted, at once", () => {
  const start = performance.now();
  const { shown, hidden } = matching(GENES, "", 80);
  assert.deepEqual([shown.length, hidden], [80, 9920]);
  assert.equal(count(hidden), "9,920");
  assert.deepEqual(matching(GENES, "gene99", 80), { shown: ["KO:GENE99", ...GENES.slice(990, 1000),
    ...GENES.slice(9900, 9969)], hidden: 31 });
  assert.equal(toggled(GENES, "KO:GENE5000").length, 9999);
  assert.ok(performance.now() - start < 500, "half a second");
});

test("a click switches one name, and a second click switches it back", () => {
  const off = Object.freeze(["KD:PU.1"]);
  assert.deepEqual(toggled(off, "KD:Tcf7"), ["KD:PU.1", "KD:Tcf7"]);
  assert.deepEqual(toggled(off, "KD:PU.1"), []);
  assert.deepEqual(toggled(toggled(off, "KD:Tcf7"), "KD:Tcf7"), off);
});

test("times are sorted as numbers, and the list that came in is left alone", () => {
  const times = Object.freeze([80, 0, 16, 100, 2.5]);
  assert.deepEqual(ascending(times), [0, 2.5, 16, 80, 100]);
});

test("a budget stays a whole number from one to the program's own limit", () => {
  assert.equal(within("2", 3), 2);
  assert.equal(within("9", 3), 3);
  assert.equal(within("2.6", 3), 3);
  assert.equal(within("1e400", 3), 3);
  for (const typed of ["", "0", "-4", "many", "1,000", EVIL, undefined, NaN]) assert.equal(within(typed, 3), 1);
  assert.equal(within("2", 1), 1);
});

test("bars: the longest fills the line, a small one is seen, none is none", () => {
  const rows = bars(60, [["max_deliveries", 180], ["one_hit_per_target", 1], ["protected", 0]]);
  assert.deepEqual(rows.map((row) => row.percent), [100 / 3, 100, 2, 0]);
  assert.deepEqual(rows.map((row) => row.number), ["60", "180", "1", "0"]);
  assert.deepEqual(rows.map((row) => row.kind), ["vc-good", "vc-gone", "vc-gone", "vc-gone"]);
});

test("an empty program: nothing to show, no bar, no division by zero", () => {
  assert.deepEqual(matching([], "x", 80), { shown: [], hidden: 0 });
  assert.deepEqual(ascending([]), []);
  assert.deepEqual(bars(0, []), [{ label: "left", number: "0", kind: "vc-good", percent: 0 }]);
});

test("text that looks like HTML stays as it is: nothing here writes markup or decodes it", () => {
  assert.deepEqual(matching([EVIL], "<IMG", 80).shown, [EVIL]);
  assert.deepEqual(toggled([], EVIL), [EVIL]);
  assert.equal(bars(1, [[EVIL, 1]])[1].label, EVIL);
});

test("no script can turn text into markup or code, and each is short", () => {
  const sinks = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|eval\(|new Function/;
  for (const name of ["designer.js", "page.js", "helpers.mjs", "page.mjs"]) {
    const text = readFileSync(new URL(`../../virtualcell/static/${name}`, import.meta.url), "utf8");
    assert.doesNotMatch(text, sinks, name);
    assert.ok(text.split("\n").length <= 300, name);
  }
});
