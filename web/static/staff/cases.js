// The list at the side: my conversations and the queue, with waits that count up.

import { el, icon, keep } from "./dom.js";
import { has_text, language, number, skill_name, stopwatch, t } from "./page.js";

export const name_of = (customer) => customer?.name || customer?.email || t("visitor");
export const reason_of = (reason) => (has_text(`reason_${reason}`) ? t(`reason_${reason}`) : reason);

/** The item remembers when its wait began by this machine's clock, whatever that clock says. */
export function with_start(item) {
  return { ...item, began: Date.now() - 1000 * (item.waited_seconds ?? 0) };
}

export class CaseList {
  constructor(list, { open }) {
    this.list = list;
    list.addEventListener("click", (event) => {
      const button = event.target.closest(".case");
      if (button) open(Number(button.dataset.id));
    });
    list.addEventListener("keydown", (event) => this.#arrows(event));
  }

  #arrows(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const all = [...document.querySelectorAll(".case-list .case")];
    const next = all[all.indexOf(document.activeElement) + step];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  draw(items, current, is_mine) {
    keep(this.list, items, (item) => item.id, (item, known) => {
      const row = known ?? el("li", {}, el("button", { type: "button", class: "case" }));
      const look = JSON.stringify([item, is_mine && items.indexOf(item)]);
      const button = row.firstChild;
      if (row.look !== look) {
        row.look = look;
        button.dataset.id = item.id;
        button.replaceChildren(...case_content(item, is_mine ? items.indexOf(item) + 1 : 0));
        button.classList.toggle("is-offered", !is_mine && item.offered_to_me);
      }
      if (item.id === current) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      return row;
    });
  }
}

function case_content(item, place) {
  const want = in_plain_words(place ? item.last || item.want : item.want || item.last);
  return [
    el("span", { class: "case-head" },
      el("span", { class: "case-name", dir: "auto" }, name_of(item.customer)),
      item.customer?.verified && el("span", { class: "case-verified", title: t("verified") }, icon("badge-check"), el("span", { class: "unseen" }, t("verified"))),
      place ? unread(item) : wait(item),
    ),
    el("span", { class: "case-want", dir: "auto", lang: item.locale }, want),
    el("span", { class: "case-facts" },
      item.offered_to_me && !place && el("span", { class: "chip chip-strong" }, t("offered")),
      !item.offered_to_me && item.offered_to && !place && el("span", { class: "chip" }, t("offered_to", { name: item.offered_to.name })),
      item.returned && !place && el("span", { class: "chip chip-warm" }, icon("undo-2"), t("returned")),
      item.wish && item.wish !== "wait" && el("span", { class: "chip chip-warm" }, icon(item.wish === "email" ? "mail" : "phone"), t(`wish_${item.wish}`)),
      !place && el("span", {}, reason_of(item.reason)),
      el("span", {}, language(item.locale)),
      item.skill && el("span", { dir: "auto" }, skill_name(item.skill)),
      !place && item.position && el("span", {}, t("place", { n: number(item.position) })),
      place > 0 && place <= 9 && el("kbd", { "aria-hidden": "true" }, `Alt ${number(place)}`),
    ),
  ];
}

/** One line of a message without its Markdown. */
function in_plain_words(text) {
  return (text ?? "").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/(\*\*|__|`)/g, "");
}

function unread(item) {
  if (!item.unread) return null;
  return el("span", { class: "case-unread" }, el("span", { "aria-hidden": "true" }, number(item.unread)), el("span", { class: "unseen" }, t("unread", { n: number(item.unread) })));
}

function wait(item) {
  return el("span", { class: "case-wait" }, icon("clock"), el("span", { "data-since": item.began, "data-late": "120" }, stopwatch((Date.now() - item.began) / 1000)));
}

/** Once a second; only the figures change, nothing is read out. */
export function tick() {
  for (const clock of document.querySelectorAll("[data-since]")) {
    const seconds = (Date.now() - Number(clock.dataset.since)) / 1000;
    const text = stopwatch(seconds);
    if (clock.textContent !== text) clock.textContent = text;
    if (clock.dataset.late) clock.parentElement.classList.toggle("is-late", seconds > Number(clock.dataset.late));
  }
}
