// What was changed in an approved answer, word by word.

import { el } from "./dom.js";
import { t } from "./page.js";

// Beyond this the table of pairs would be felt while typing.
const MOST_WORDS = 1200;

/** Words, blanks and signs; Chinese has no blanks, so the browser's own segmenter cuts. */
function words_of(text, locale) {
  if (!globalThis.Intl?.Segmenter) return text.match(/\s+|\S+/g) ?? [];
  return [...new Intl.Segmenter(locale, { granularity: "word" }).segment(text)].map((part) => part.segment);
}

/** Pieces `[kind, text]` with kind same, removed or added. */
export function difference(before, after, locale) {
  const [a, b] = [words_of(before, locale), words_of(after, locale)];
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return [["removed", before], ["added", after]];
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i][j] = a[i] === b[j] ? common[i + 1][j + 1] + 1 : Math.max(common[i + 1][j], common[i][j + 1]);
    }
  }
  const pieces = [];
  const add = (kind, text) => {
    if (pieces.at(-1)?.[0] === kind) pieces.at(-1)[1] += text;
    else pieces.push([kind, text]);
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { add("same", a[i]); i += 1; j += 1; }
    else if (j >= b.length || (i < a.length && common[i + 1][j] >= common[i][j + 1])) { add("removed", a[i]); i += 1; }
    else { add("added", b[j]); j += 1; }
  }
  return pieces;
}

/** The same for the eye and the ear. */
export function difference_view(before, after, locale) {
  const view = el("p", { class: "difference", lang: locale, dir: "auto" });
  for (const [kind, text] of difference(before, after, locale)) {
    if (kind === "same") view.append(text);
    else view.append(el(kind === "added" ? "ins" : "del", { "aria-label": `${t(kind)}: ${text}` }, text));
  }
  return view;
}
