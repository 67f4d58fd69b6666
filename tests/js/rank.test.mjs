// The search of the documentation: what is found, and what comes first.
import assert from "node:assert/strict";
import test from "node:test";
import { plain, prepare, search, snippet } from "../../tools/site/rank.mjs";

const pages = prepare([
  { href: "a", title: "Readers", section: "Limits", text: "A zarr folder is not read yet." },
  { href: "b", title: "Copy number", section: "", text: "A cut harms a cell." },
  { href: "c", title: "Fitness", section: "", text: "A copy of the number of guides; knock-out screens." },
  { href: "d", title: "Glossary", section: "knock-out", text: "A gene is cut." },
]);
const found = (query) => search(pages, query).map((entry) => entry.href);

test("hyphens, case and accents do not matter", () => {
  assert.equal(plain("Knock-out  É_x"), "knock out e x");
  assert.deepEqual(found("KNOCK OUT"), found("knock-out"));
});

test("every word must occur, and where it stands decides", () => {
  assert.deepEqual(found("zarr"), ["a"]);
  assert.deepEqual(found("copy number"), ["b", "c"]);
  assert.deepEqual(found("knock-out"), ["d", "c"]);
  assert.deepEqual(found("zarr number"), []);
  assert.deepEqual(found("  "), []);
});

test("a snippet is cut at words around the hit", () => {
  const text = `${"word ".repeat(40)}zarr ${"more ".repeat(60)}`;
  assert.match(snippet(text, "zarr"), /^… word .*zarr.* …$/);
  assert.equal(snippet("short", "short"), "short");
});
