// The sidebar by itself: on this site with the cookie, or in a help desk's frame with a key.

import { Api, Problem } from "./staff/api.js";
import { prepare_dialogs } from "./staff/dialogs.js";
import { copy, toast } from "./staff/dom.js";
import { watch_notices } from "./staff/notices.js";
import { page, t } from "./staff/page.js";
import { Suggestions } from "./staff/suggestions.js";

const is_framed = parent !== window;
const allowed = new Set([location.origin, ...(page.origins ?? [])]);

class Sidebar {
  constructor() {
    this.api = new Api();
    this.door = document.getElementById("door");
    this.lost = document.getElementById("lost");
    this.host = is_framed ? host_origin() : "";
    this.suggestions = new Suggestions(document.querySelector("[data-suggestions]"), {
      api: this.api,
      insert: (item) => this.give("insert", item),
      link: (item) => this.give("link", item),
      locale: () => this.locale ?? page.locale,
    });
  }

  start() {
    prepare_dialogs();
    addEventListener("message", (event) => this.told(event));
    addEventListener("keydown", (event) => this.pressed(event));
    if (is_framed) new ResizeObserver(() => this.tell_height()).observe(document.body);
    this.knock();
    this.tell({ type: "verbatim:ready" });
  }

  /** Whether somebody is signed in; if not, what to do about it. */
  async knock() {
    try {
      await this.api.get("/desk");
      this.watching ??= watch_notices(this.api, document.getElementById("notices"), () => this.locale ?? page.locale);
      this.door.hidden = this.lost.hidden = true;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.lost.hidden = problem.status !== 0;
      this.lost.querySelector("span").textContent = problem.words;
      this.door.hidden = problem.status === 0;
      this.door.querySelector("span").textContent = is_framed && !this.api.has_key ? t("waiting_for_key") : problem.status === 401 ? t("sign_in_first") : problem.words;
      this.door.querySelector("a").hidden = is_framed;
    }
  }

  // -- in

  told(event) {
    if (event.source !== parent || !is_framed || !allowed.has(event.origin)) return;
    const told = event.data;
    if (typeof told !== "object" || told === null) return;
    this.host = event.origin;
    if (told.type === "verbatim:key" && typeof told.key === "string") this.take_key(told.key);
    if (told.type === "verbatim:question" && typeof told.text === "string") this.take_question(told);
    if (told.type === "verbatim:locale" && typeof told.locale === "string") this.take_locale(told.locale);
  }

  async take_key(key) {
    this.api.use_key(key);
    await this.knock();
    if (this.question) this.ask();
  }

  take_question({ text, locale }) {
    this.question = text.trim().slice(0, 4000);
    if (typeof locale === "string") this.locale = locale;
    this.ask();
  }

  ask() {
    const asked = { q: this.question };
    if (this.locale) asked.locale = this.locale;
    return this.suggestions.refresh(asked);
  }

  take_locale(locale) {
    if (!/^[a-z]{2}$/.test(locale) || locale === page.locale) return;
    const address = new URL(location.href);
    address.searchParams.set("locale", locale);
    location.replace(address);
  }

  // -- out

  /** Into the help desk's own field; alone on its page, onto the clipboard. */
  give(type, { article, version, locale, title, text, html, url, sha256 }) {
    if (is_framed && type === "insert") this.suggestions.note_use({ article, version, locale }, "inserted");
    if (is_framed) return this.tell({ type: `verbatim:${type}`, article, version, locale, title, text, html, url, sha256 });
    copy(type === "link" ? url : text).then((is_done) => is_done && toast(t("copied")));
    return false;
  }

  tell(message) {
    if (!is_framed) return false;
    const hosts = this.host ? [this.host] : [...allowed];
    for (const host of hosts) parent.postMessage(message, host);
    return true;
  }

  tell_height() {
    const height = Math.ceil(document.getElementById("main").getBoundingClientRect().height);
    if (height === this.height) return;
    this.height = height;
    this.tell({ type: "verbatim:height", height });
  }

  pressed(event) {
    const place = Number(/^(?:Digit|Numpad)([1-5])$/.exec(event.code)?.[1] ?? 0);
    const is_typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    const is_plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.isComposing || document.querySelector("dialog[open]") || (is_plain && is_typing)) return;
    const is_first = is_plain && event.code === "KeyI";
    if (!is_first && !(place && (is_plain || event.ctrlKey || (event.altKey && event.shiftKey)))) return;
    event.preventDefault();
    this.suggestions.insert_at(is_first ? 0 : place - 1);
  }
}

/** Who frames us, as far as the browser says; messages go to nobody else. */
function host_origin() {
  const known = location.ancestorOrigins?.[0] ?? origin_of(document.referrer);
  return allowed.has(known) ? known : "";
}

function origin_of(url) {
  try {
    return new URL(url).origin;
  } catch {
    return "";
  }
}

new Sidebar().start();
