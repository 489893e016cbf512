// Where an agent writes: a reply or a note, with an approved answer in it or not; and what is sent.

import { Problem, new_id } from "./api.js";
import { difference_view } from "./difference.js";
import { el, icon } from "./dom.js";
import { number, t } from "./page.js";

const STORED = "verbatim-desk:";
const TYPING_EVERY_MS = 3000;
// A note is never one key away from a customer: it has a text of its own.
const EMPTY = { reply: "", note: "", mode: "reply", inserted: null, outbox: [] };

/** What is unsent, per conversation, for as long as this tab is open. */
export class Drafts {
  #kept = new Map();

  of(id) {
    if (!this.#kept.has(id)) this.#kept.set(id, { ...EMPTY, outbox: [], ...this.#read(id) });
    return this.#kept.get(id);
  }

  keep(id) {
    const draft = this.of(id);
    try {
      if (draft.reply || draft.note || draft.outbox.length) sessionStorage.setItem(STORED + id, JSON.stringify(draft));
      else sessionStorage.removeItem(STORED + id);
    } catch { /* storage is full or off; it is kept in memory */ }
  }

  #read(id) {
    try {
      return JSON.parse(sessionStorage.getItem(STORED + id)) ?? {};
    } catch {
      return {};
    }
  }

  static forget_all() {
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(STORED)) sessionStorage.removeItem(name);
  }
}

export class Composer {
  constructor({ api, drafts, form, on_sent, on_change }) {
    Object.assign(this, { api, drafts, form, on_sent, on_change, id: null, sending: new Set() });
    this.text = form.querySelector("textarea");
    this.chip = form.querySelector("#inserted");
    this.is_coarse = matchMedia("(pointer: coarse)");
    if (this.is_coarse.matches) this.text.enterKeyHint = "enter";
    this.#listen();
  }

  #listen() {
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.send(); });
    for (const button of this.form.querySelectorAll("[data-mode]")) {
      button.addEventListener("click", () => { this.set_mode(button.dataset.mode); this.text.focus(); });
    }
    this.text.addEventListener("input", () => this.#typed());
    this.text.addEventListener("keydown", (event) => this.#key(event));
  }

  #key(event) {
    // While a Korean or Chinese word is being put together, Enter belongs to it.
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229 || event.shiftKey || event.altKey) return;
    if (this.is_coarse.matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    if (!event.repeat) this.send();
  }

  get draft() { return this.drafts.of(this.id); }

  open(id, name) {
    this.id = id;
    this.name = name;
    this.set_mode(this.draft.mode);
  }

  set_mode(mode) {
    this.draft.mode = mode;
    if (this.text.value !== this.draft[mode]) this.text.value = this.draft[mode];
    const is_note = mode === "note";
    this.form.classList.toggle("is-note", is_note);
    for (const button of this.form.querySelectorAll("[data-mode]")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
    }
    this.form.querySelector("#note-warning").hidden = !is_note;
    const label = is_note ? t("write_note") : t("reply_to", { name: this.name });
    this.form.querySelector("#text-label").textContent = label;
    this.text.placeholder = label;
    this.#draw_chip();
    this.grow();
  }

  #typed() {
    this.draft[this.draft.mode] = this.text.value;
    if (!this.draft.reply.trim()) this.draft.inserted = null;
    this.drafts.keep(this.id);
    this.grow();
    this.#draw_chip();
    if (this.draft.mode === "reply" && this.text.value && Date.now() - (this.told ?? 0) > TYPING_EVERY_MS) {
      this.told = Date.now();
      this.api.post(`/handoffs/${this.id}/typing`).catch(() => {});
    }
  }

  grow() {
    this.text.style.blockSize = "auto";
    this.text.style.blockSize = `${Math.min(this.text.scrollHeight + 2, innerHeight * 0.35)}px`;
  }

  /** The approved words: alone in an empty field, else below what is already there. */
  insert({ article, version, locale, title, text, url }) {
    if (this.form.hidden || this.id === null) return false;
    this.set_mode("reply");
    const own = this.draft.inserted ? this.text.value.replace(this.draft.inserted.text, "").trim() : this.text.value.trim();
    this.draft.inserted = { article, version, locale, title, text, url };
    this.#put(own ? `${own}\n\n${text}` : text);
    return true;
  }

  /** A link to the article, where the cursor is. */
  link({ title, url }) {
    if (this.form.hidden || this.id === null) return false;
    const { selectionStart: from, selectionEnd: to, value } = this.text;
    const gap = from && !/\s$/.test(value.slice(0, from)) ? " " : "";
    this.#put(`${value.slice(0, from)}${gap}[${title.replace(/[[\]]/g, "")}](${url})${value.slice(to)}`);
    return true;
  }

  #put(text) {
    this.text.value = text;
    this.text.focus();
    this.text.setSelectionRange(text.length, text.length);
    this.#typed();
    this.text.scrollTop = this.text.scrollHeight;
  }

  // -- the inserted answer, and what became of it

  #draw_chip() {
    const inserted = this.draft.mode === "reply" ? this.draft.inserted : null;
    this.chip.hidden = !inserted;
    if (!inserted) return this.chip.replaceChildren();
    const differs = this.text.value.trim() !== inserted.text.trim();
    if (!differs) this.shows_difference = false;
    this.chip.classList.toggle("is-changed", differs);
    this.chip.replaceChildren(
      el("p", { class: "inserted-line" },
        icon(differs ? "pencil-line" : "badge-check"),
        el("strong", {}, t(differs ? "changed" : "approved_answer")),
        el("span", { dir: "auto" }, inserted.title),
        el("span", {}, t("version", { n: number(inserted.version) })),
      ),
      el("p", { class: "inserted-acts" },
        differs && this.#act(this.shows_difference ? "hide_difference" : "show_difference", () => { this.shows_difference = !this.shows_difference; }, { "aria-expanded": String(Boolean(this.shows_difference)) }),
        differs && this.#act("show_original", () => this.#put(inserted.text)),
        this.#act("drop_article", () => { this.draft.inserted = null; this.drafts.keep(this.id); this.text.focus(); }),
      ),
      ...(differs && this.shows_difference ? [difference_view(inserted.text, this.text.value, inserted.locale)] : []),
    );
  }

  #act(name, act, props = {}) {
    const button = el("button", { type: "button", class: "link", "data-chip": name, ...props }, t(name));
    button.addEventListener("click", () => {
      act();
      this.#draw_chip();
      this.chip.querySelector("[aria-expanded]")?.focus();
    });
    return button;
  }

  // -- sending: in order, each once

  send() {
    const text = this.text.value.trim();
    if (!text || this.id === null || this.form.hidden) return;
    const { mode, inserted } = this.draft;
    const sent = { client_id: new_id(), text, is_note: mode === "note" };
    if (inserted && mode === "reply") Object.assign(sent, { article: inserted.article, version: inserted.version, locale: inserted.locale });
    this.draft.outbox.push(sent);
    this.draft[mode] = "";
    if (mode === "reply") this.draft.inserted = null;
    this.shows_difference = false;
    if (inserted && mode === "reply") this.draft.last_article = { article: inserted.article, version: inserted.version, locale: inserted.locale, title: inserted.title };
    this.drafts.keep(this.id);
    this.set_mode(mode);
    this.text.focus();
    this.flush(this.id);
  }

  /** Sends what waits in this conversation; what fails stays, in its place. */
  async flush(id) {
    if (this.sending.has(id)) return;
    this.sending.add(id);
    const { outbox } = this.drafts.of(id);
    this.on_change(id);
    try {
      while (outbox.length) {
        delete outbox[0].failed;
        const turn = await this.#post(id, outbox[0]);
        outbox.shift();
        this.drafts.keep(id);
        this.on_sent(id, turn);
      }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (outbox[0]) outbox[0].failed = problem.words;
    } finally {
      this.sending.delete(id);
      this.drafts.keep(id);
      this.on_change(id);
    }
  }

  async #post(id, { is_note, failed: _failed, ...sent }) {
    if (is_note) return (await this.api.post(`/handoffs/${id}/notes`, { text: sent.text })).turn;
    return (await this.api.post(`/handoffs/${id}/replies`, sent)).turn;
  }
}
