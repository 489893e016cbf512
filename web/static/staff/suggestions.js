// Suggested answers: the approved words with their version, and what an agent can do with them.

import { ask } from "./dialogs.js";
import { copy, el, icon, keep, safe_html, toast } from "./dom.js";
import { direction, language, number, page, short_day, t } from "./page.js";
import { Problem } from "./api.js";

const DEBOUNCE_MS = 250;
const BADGES = {
  verified: "badge-check",
  stale: "clock-alert",
  outdated: "languages",
  agents_only: "eye-off",
  not_validated: "circle-dashed",
  corrected: "message-square-warning",
};
// What these say must never reach a customer as it stands.
const INTERNAL = ["agents_only", "not_validated"];

export const is_internal = (suggestion) => suggestion.badges.some((badge) => INTERNAL.includes(badge));

export function badge(name) {
  return el("span", { class: `badge badge-${name}` }, icon(BADGES[name] ?? "info"), t(`badge_${name}`));
}

export class Suggestions {
  /** `insert(suggestion)` and `link(suggestion)` say whether they could; `handoff()` is an id or null. */
  constructor(root, { api, insert, link, handoff = () => null, last_reply = () => "", locale = () => page.locale }) {
    Object.assign(this, { root, api, on_insert: insert, on_link: link, handoff, last_reply, locale });
    this.input = root.querySelector("input");
    this.list = root.querySelector("[data-list]");
    this.about = root.querySelector("[data-about]");
    this.clear = root.querySelector("[data-clear]");
    this.add = root.querySelector("[data-add]");
    this.suggested = { question: "", items: [] };
    this.items = [];
    this.round = 0;
    this.#listen();
    this.draw();
  }

  #listen() {
    this.input.form.addEventListener("submit", (event) => { event.preventDefault(); this.look_up(); });
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.look_up(), DEBOUNCE_MS);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.input.value) return;
      event.stopPropagation();
      this.back();
    });
    this.clear.addEventListener("click", () => { this.back(); this.input.focus(); });
    this.add.addEventListener("click", () => this.ask_new());
  }

  /** What may be inserted, in the order of its numbers. */
  get for_customers() { return this.items.filter((item) => !is_internal(item)); }

  get is_looking_up() { return this.input.value.trim() !== ""; }

  /** What the server suggests for the conversation or the question. */
  suggest(question, items) {
    this.suggested = { question: question ?? "", items };
    if (!this.is_looking_up) this.draw();
  }

  /** Asks anew what to suggest: `?handoff=` or `?q=`. */
  async refresh(parameters) {
    const round = (this.round += 1);
    const found = await this.#fetch(parameters);
    if (found && round === this.round) this.suggest(found.question, found.items);
  }

  async look_up() {
    clearTimeout(this.timer);
    const q = this.input.value.trim();
    if (!q) return this.draw();
    const found = await this.#fetch({ q, locale: this.locale() });
    if (found && q === this.input.value.trim()) this.draw({ question: q, items: found.items });
  }

  back() {
    this.input.value = "";
    this.draw();
  }

  async #fetch(parameters) {
    try {
      return await this.api.get(`/suggestions?${new URLSearchParams(parameters)}`);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      this.about.textContent = problem.words;
      return null;
    }
  }

  draw(found = this.suggested) {
    this.items = found.items;
    this.clear.hidden = !this.is_looking_up;
    this.add.hidden = this.handoff() === null;
    this.about.textContent = this.#words(found);
    const key = (item) => `${item.article}/${item.locale}/${item.version}/${item.sha256}/${item.verified_at}`;
    keep(this.list, found.items, key, (item, known) => this.#numbered(known ?? this.#card(item), this.for_customers.indexOf(item)));
  }

  #words(found) {
    if (this.is_looking_up) return found.items.length ? t("looked_up", { question: found.question }) : t("nothing_found");
    if (found.items.length) return found.question ? t("suggested_for", { question: found.question }) : "";
    return this.handoff() !== null || found.question ? t("no_suggestions") : t("lookup_first");
  }

  #numbered(card, place) {
    const hint = card.querySelector("kbd");
    if (hint) hint.textContent = place < 5 ? number(place + 1) : "";
    if (hint) hint.hidden = place >= 5;
    return card;
  }

  #card(item) {
    const words = el(
      "div",
      {
        class: "answer-words prose", lang: item.locale, dir: direction(item.locale),
        "data-article": item.article, "data-version": item.version, "data-locale": item.locale, "data-sha256": item.sha256,
      },
      safe_html(item.html),
    );
    const about = [t("version", { n: number(item.version) })];
    if (item.locale !== page.locale) about.unshift(language(item.locale));
    if (item.verified_at) about.push(t("checked_on", { day: short_day(item.verified_at) }));
    return el(
      "li",
      { class: "answer-card" },
      el(`h${this.root.dataset.level}`, { class: "answer-title", lang: item.locale, dir: direction(item.locale) }, el("a", { href: item.url, target: "_blank", rel: "noopener" }, item.title)),
      el("p", { class: "badges" }, item.badges.map(badge)),
      words,
      el("p", { class: "answer-meta" }, about.join(" · ")),
      this.#actions(item),
    );
  }

  #actions(item) {
    const copied = async () => (await copy(item.text)) && toast(t("copied"));
    const first = is_internal(item)
      ? el("p", { class: "not-for-customers" }, icon("eye-off"), t("not_for_customers"))
      : [
          el("button", { type: "button", class: "button button-small", onclick: () => this.insert(item) }, icon("corner-down-left"), el("span", {}, t("insert")), el("kbd")),
          el("button", { type: "button", class: "button button-quiet button-small", onclick: () => this.link(item) }, icon("link"), el("span", {}, t("link"))),
        ];
    return el(
      "div",
      { class: "answer-actions", role: "group", "aria-label": item.title },
      first,
      el("span", { class: "answer-more" },
        this.#small("copy", "copy", copied),
        item.badges.includes("stale") && this.#small("clipboard-check", "still_right", () => this.verify(item)),
        this.#small("flag", "flag", () => this.ask_flag(item)),
        // What nobody has approved yet is finished by its author.
        !item.badges.includes("not_validated") && this.#small("pencil-line", "fix", () => this.ask_fix(item)),
      ),
    );
  }

  #small(drawing, text, act) {
    return el("button", { type: "button", class: "tool tool-small", "aria-label": t(text), title: t(text), onclick: act }, icon(drawing));
  }

  /** The suggestion with that number, counted from 0; those for agents only have none. */
  insert_at(place) {
    const item = this.for_customers[place];
    if (!item) toast(t("nothing_to_insert"), "error");
    else this.insert(item);
  }

  insert(item) {
    if (is_internal(item)) return toast(t("not_for_customers"), "error");
    if (this.on_insert(item)) toast(t("inserted", { title: item.title }), "quiet");
  }

  link(item) {
    if (!this.on_link(item)) return;
    toast(t("linked", { title: item.title }), "quiet");
    this.note_use(item, "linked");
  }

  /** Counted for the article; nothing that the agent should wait for. */
  note_use(item, how) {
    const body = { locale: item.locale, version: item.version, how };
    if (this.handoff() !== null) body.handoff = this.handoff();
    this.api.post(`/articles/${item.article}/uses`, body).catch(() => {});
  }

  /** Somebody has looked, and it holds; said by mistake, it is taken back. */
  async verify(item) {
    const path = `/articles/${item.article}/verifications`;
    try {
      const made = await this.api.post(path, { locale: item.locale, version: item.version });
      this.#replace(item, { ...item, verified_at: made.verified_at, badges: item.badges.map((name) => (name === "stale" ? "verified" : name)) });
      toast(t("verified_now"), "done", {
        label: t("undo"),
        act: async () => {
          await this.api.delete(`${path}/${made.id}`);
          this.#replace(this.items.find((other) => other.article === item.article) ?? item, item);
        },
      });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      toast(problem.words, "error");
    }
  }

  #replace(before, after) {
    const items = this.items.map((other) => (other === before ? after : other));
    if (this.suggested.items === this.items) this.suggested = { ...this.suggested, items };
    this.draw({ question: this.is_looking_up ? this.input.value.trim() : this.suggested.question, items });
  }

  ask_flag(item) {
    ask("flag-dialog", {
      about: `${item.title} · ${t("version", { n: number(item.version) })}`,
      send: async (fields) => {
        const body = { reason: fields.get("reason"), locale: item.locale, version: item.version };
        if (this.handoff() !== null) body.handoff = this.handoff();
        await this.api.post(`/articles/${item.article}/flags`, body);
        toast(t("flagged"));
      },
    });
  }

  ask_fix(item) {
    ask("fix-dialog", {
      about: `${item.title} · ${t("version", { n: number(item.version) })}`,
      fill: (form) => { form.elements.answer.value = item.text; },
      send: async (fields) => {
        await this.#save_fix(item, fields.get("answer"));
        toast(t("draft_saved"));
      },
    });
  }

  async #save_fix(item, answer) {
    const path = `/articles/${item.article}`;
    const whole = await this.api.get(`${path}/versions/${item.version}?locale=${item.locale}`);
    const { title, body, phrasings, category, audience, verify_every } = whole;
    // Everything but the answer stays as it was.
    const kept = { locale: item.locale, title, body, phrasings, category, audience, verify_every, owner: item.owner ?? "" };
    await this.api.post(`${path}/revisions`, { ...kept, answer, based_on: item.version });
  }

  ask_new() {
    const id = this.handoff();
    ask("add-dialog", {
      fill: (form) => {
        form.elements.title.value = this.suggested.question.slice(0, 200);
        form.elements.answer.value = this.last_reply().slice(0, 600);
      },
      send: async (fields) => {
        await this.api.post(`/handoffs/${id}/draft`, { title: fields.get("title"), answer: fields.get("answer") });
        toast(t("draft_saved"));
      },
    });
  }
}
