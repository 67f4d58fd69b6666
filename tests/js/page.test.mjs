import assert from "node:assert/strict";
import { test } from "node:test";

import { savedModel, savedTraits } from "../../virtualcell/static/page.mjs";

test("traits come back as they were saved, markup and all", () => {
  const title = "</script><b onclick=\"x\">&lt;";
  const text = JSON.stringify({ traits: { title, n: 3 }, buffers: {} }).replaceAll("<", "\\u003c");
  assert.ok(!text.includes("<"), "as freeze_widgets writes it");
  assert.deepEqual(savedTraits(text), { title, n: 3 });
});

test("ten thousand numbers come back from their bytes", () => {
  const numbers = Float32Array.from({ length: 10_000 }, (_, i) => i / 4);
  const buffers = { effects: Buffer.from(numbers.buffer).toString("base64") };
  const { effects } = savedTraits(JSON.stringify({ traits: {}, buffers }));
  assert.ok(effects instanceof DataView);
  assert.equal(effects.byteLength, 40_000);
  assert.equal(effects.getFloat32(4 * 9_999, true), 2499.75);
});

test("a widget without traits, and text that is not JSON", () => {
  assert.deepEqual(savedTraits('{"traits": {}, "buffers": {}}'), {});
  assert.throws(() => savedTraits("<div>"), SyntaxError);
});

test("a saved widget hears its own changes, and no others", () => {
  const heard = [], model = savedModel({ times: [0], most: 1 });
  const any = () => heard.push("any"), times = () => heard.push(model.get("times"));
  model.on("change", any);
  model.on("change:times", times);
  model.set("times", [0, 16]);
  model.set("most", 2);
  assert.deepEqual(heard, [[0, 16], "any", "any"]);
  model.off("change:times", times);
  model.set("times", []);
  assert.deepEqual(heard.length, 4);
  assert.equal(model.get("unknown"), undefined);
});

test("a listener may take itself away while it is called", () => {
  const heard = [], model = savedModel({});
  const once = () => { heard.push(1); model.off("change:a", once); };
  model.on("change:a", once);
  model.on("change:a", () => heard.push(2));
  model.set("a", 1);
  model.set("a", 2);
  assert.deepEqual(heard, [1, 2, 2]);
});

test("saving and sending do nothing without a kernel", () => {
  const model = savedModel({});
  assert.equal(model.save_changes(), undefined);
  assert.equal(model.send({}), undefined);
});
