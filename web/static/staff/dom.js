// Elements without a framework: made from words, or kept by key when a list changes.

import { t } from "./page.js";

const icons = document.getElementById("icons")?.content;

/** An element: properties by name, `class`, `data-*` and `aria-*` as attributes, then children. */
export function el(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return made;
}

/** One of the page's icons. */
export function icon(name) {
  const found = icons?.querySelector(`.icon-${name}`);
  return found ? found.cloneNode(true) : "";
}

/** HTML that the server has made safe. */
export function safe_html(html) {
  const parsed = new DOMParser().parseFromString(html, "text/html");
  const part = document.createDocumentFragment();
  part.append(...parsed.body.childNodes);
  part.querySelectorAll("a[href]").forEach((link) => { link.target = "_blank"; link.rel = "noopener"; });
  return part;
}

/** The list shows these items in this order; what was there stays, with its focus. */
export function keep(list, items, key, draw) {
  const known = new Map([...list.children].map((child) => [child.dataset.key, child]));
  const wanted = items.map((item) => {
    const name = String(key(item));
    const made = draw(item, known.get(name));
    made.dataset.key = name;
    return made;
  });
  for (const child of [...list.children]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, place) => {
    if (list.children[place] !== child) list.insertBefore(child, list.children[place] ?? null);
  });
}

let last_toast;
/** A short word about what has just happened; read out, shown unless quiet, gone by itself, perhaps with a way back. */
export function toast(text, kind = "done", undo = null) {
  const room = document.getElementById("toasts");
  last_toast?.remove();
  const made = (last_toast = el("p", { class: kind === "quiet" ? "unseen" : `toast toast-${kind}` }, text));
  if (undo) made.append(" ", el("button", { type: "button", class: "toast-undo", onclick: () => { made.remove(); undo.act(); } }, undo.label));
  room.append(made);
  setTimeout(() => made.remove(), kind === "error" || undo ? 9000 : 4500);
}

/** A button that copies a text and says so. */
export function copy_button(text) {
  const label = t("copy_of", { text });
  const button = el("button", { type: "button", class: "copy", "aria-label": label, title: t("copy") }, icon("copy"));
  button.addEventListener("click", async () => {
    if (!(await copy(text))) return;
    button.replaceChildren(icon("check"));
    toast(t("copied"));
    setTimeout(() => button.replaceChildren(icon("copy")), 1500);
  });
  return button;
}

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
