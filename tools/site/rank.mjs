// Which sections answer a query: pure functions, tested by tests/js and used by site.js.

/** Small letters, and one space for everything that is neither letter nor digit: "Knock-out" is "knock out". */
export const plain = (text) => text.toLowerCase().normalize("NFKD").replace(/[^\p{L}\p{N}]+/gu, " ").trim();

/** The index with its texts made plain, once. */
export const prepare = (entries) =>
  entries.map((entry) => ({ entry, title: plain(entry.title), section: plain(entry.section), text: plain(entry.text) }));

const starts = (text, word) => ` ${text}`.includes(` ${word}`);
const times = (text, word) => text.split(word).length - 1;

/** Every word must occur; where it stands decides, then how often. Words that stand together count more. */
export const score = (page, words) => {
  const everything = `${page.title} ${page.section} ${page.text}`;
  if (!words.every((word) => everything.includes(word))) return 0;
  const phrase = [words.join(" "), words.join("")].filter((text) => text.length > 2);
  const together = (text) => phrase.some((text_) => starts(text, text_));
  const each = words.reduce((sum, word) => sum
    + 8 * starts(page.title, word) + 4 * starts(page.section, word)
    + (starts(page.text, word) ? 1 : 0) + Math.min(times(page.text, word), 5) / 5, 0) / words.length;
  return each + 0.1 + 15 * (page.section === words.join(" ")) + 10 * together(page.title) + 5 * together(page.section) + 3 * together(page.text);
};

/** The best `limit` entries, best first; equal ones in reading order. */
export const search = (pages, query, limit = 12) => {
  const words = plain(query).split(" ").filter(Boolean);
  if (!words.length) return [];
  return pages.map((page, place) => ({ page, place, score: score(page, words) })).filter((hit) => hit.score > 0)
    .sort((a, b) => b.score - a.score || a.place - b.place).slice(0, limit).map((hit) => hit.page.entry);
};

/** The piece of `text` around the first word of the query, cut at words. */
export const snippet = (text, query, length = 160) => {
  const word = plain(query).split(" ")[0];
  const at = Math.max(0, text.toLowerCase().indexOf(word) - 50);
  const start = at && text.indexOf(" ", at) + 1;
  return (start ? "… " : "") + text.slice(start, start + length) + (start + length < text.length ? " …" : "");
};
