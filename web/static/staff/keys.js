// Keyboard first: single keys where nobody is typing, with modifiers anywhere.

const KEPT = "verbatim-single-keys";
const SEQUENCE_MS = 900;

/** Single letters can be switched off, for those who speak to their computer (WCAG 2.1.4). */
export function single_keys(box) {
  try { box.checked = localStorage.getItem(KEPT) !== "off"; } catch { /* on, then */ }
  box.addEventListener("change", () => {
    try { localStorage.setItem(KEPT, box.checked ? "on" : "off"); } catch { /* this page only */ }
  });
  return () => box.checked;
}

export class Keys {
  /** `single` maps keys and sequences such as "g o"; `digit(n)`, `chosen(n)` take 1 to 9. */
  constructor({ single, digit, chosen, escape, may_single }) {
    Object.assign(this, { single, digit, chosen, escape, may_single, before: "" });
    addEventListener("keydown", (event) => this.#pressed(event));
  }

  #pressed(event) {
    if (event.isComposing || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const place = Number(/^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1] ?? 0);
    if (place && event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      return event.shiftKey ? this.digit(place) : this.chosen(place);
    }
    if (place && place <= 5 && (event.ctrlKey || event.metaKey) && !event.altKey) {
      event.preventDefault();
      return this.digit(place);
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
    if (event.key === "Escape") return this.escape(event);
    if (is_typing(event.target) || !this.may_single()) return undefined;
    return this.#single(event, place);
  }

  #single(event, place) {
    if (place && !event.shiftKey) {
      event.preventDefault();
      return this.digit(place);
    }
    const key = letter_of(event);
    const act = this.single[`${this.before} ${key}`] ?? this.single[key];
    clearTimeout(this.timer);
    this.before = key;
    this.timer = setTimeout(() => { this.before = ""; }, SEQUENCE_MS);
    if (!act || (event.repeat && !["j", "k"].includes(key))) return undefined;
    event.preventDefault();
    this.before = "";
    return act();
  }
}

/** The Latin letter on the key, also on a Korean or Persian keyboard. */
function letter_of(event) {
  if (/^[a-z?/]$/i.test(event.key)) return event.key.toLowerCase();
  if (event.code === "Slash") return event.shiftKey ? "?" : "/";
  return event.key === "؟" ? "?" : event.code.replace(/^Key/, "").toLowerCase();
}

function is_typing(target) {
  if (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)) return true;
  return target.tagName === "INPUT" && !/^(checkbox|radio|button|submit)$/.test(target.type);
}
