// What is announced, above the desk and the sidebar; looked up again while somebody is there.

import { el, icon, safe_html } from "./dom.js";
import { direction, page } from "./page.js";
import { Problem } from "./api.js";

const LOOK_MS = 8000;
const ICONS = { info: "info", warning: "triangle-alert", outage: "triangle-alert" };

export function watch_notices(api, place, locale = () => page.locale) {
  const look = () => show(api, place, locale());
  setInterval(() => { if (!document.hidden) look(); }, LOOK_MS);
  return look();
}

async function show(api, place, locale) {
  try {
    const { items } = await api.get(`/notices?channel=sidebar&locale=${encodeURIComponent(locale)}`);
    const print = JSON.stringify(items);
    if (print !== place.dataset.print) draw(place, items);
    place.dataset.print = print;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem; // nobody has signed in yet, or the network is away
  }
}

function draw(place, items) {
  place.replaceChildren(...items.map(({ id, severity, locale, html }) => el(
    "div",
    { class: `staff-notice staff-notice-${severity}`, "data-notice": id, lang: locale, dir: direction(locale) },
    icon(ICONS[severity]), el("div", { class: "prose" }, safe_html(html)),
  )));
}
