// What a saved widget needs in place of a kernel: plain values, no DOM.

// Traits from the text of a widget's script; binary ones come back as anywidget gives them, as a DataView.
export function savedTraits(text) {
  const { traits, buffers } = JSON.parse(text);
  for (const [name, base64] of Object.entries(buffers)) {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    traits[name] = new DataView(bytes.buffer);
  }
  return traits;
}

// The part of anywidget's model that needs no kernel.
export function savedModel(traits) {
  const listeners = new Map();
  const of = (event) => listeners.get(event) ?? [];
  return {
    get: (name) => traits[name],
    set(name, value) {
      traits[name] = value;
      for (const event of [`change:${name}`, "change"]) of(event).forEach((call) => call());
    },
    on: (event, call) => listeners.set(event, [...of(event), call]),
    off: (event, call) => listeners.set(event, of(event).filter((other) => other !== call)),
    save_changes() {},
    send() {},
  };
}
