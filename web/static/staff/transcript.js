// What was said, in order: customer, assistant, colleagues, and notes that only staff see.

import { el, icon, keep, safe_html } from "./dom.js";
import { day_of, direction, number, page, t, time_of } from "./page.js";

const NEAR_THE_END = 120;

export class Transcript {
  constructor({ scroller, list, jump, retry }) {
    Object.assign(this, { scroller, list, jump, retry });
    jump.addEventListener("click", () => this.to_end());
    scroller.addEventListener("scroll", () => {
      this.follows = this.is_at_end;
      if (this.follows) jump.hidden = true;
    });
    // A field that grows must not push the last message out of sight.
    new ResizeObserver(() => { if (this.follows) this.to_end(); }).observe(scroller);
  }

  get is_at_end() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  }

  to_end() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this.follows = true;
    this.jump.hidden = true;
  }

  /** `read` is how far the customer has read; `pending` what is on its way. */
  draw({ id, transcript, customer, read, pending, name }) {
    const is_new = this.shown !== id;
    const stays = is_new || this.is_at_end;
    const before = this.last_n ?? 0;
    this.shown = id;
    if (is_new) this.be_silent();
    const rows = with_days(transcript);
    for (const sent of pending) rows.push({ key: `p${sent.client_id}`, sent });
    const last_own = transcript.findLast((turn) => turn.author === "agent")?.n;
    const words = { name, customer, state: (turn) => (turn.n === last_own ? (read.customer >= turn.n ? "read" : "delivered") : "") };
    keep(this.list, rows, (row) => row.key, (row, known) => this.#row(row, known, words));
    this.last_n = transcript.at(-1)?.n ?? 0;
    if (stays) this.to_end();
    else if (this.last_n > before) this.jump.hidden = false;
  }

  /** Another conversation is not news: it is not read out from its beginning. */
  be_silent() {
    this.scroller.setAttribute("aria-live", "off");
    setTimeout(() => this.scroller.removeAttribute("aria-live"), 500);
  }

  #row(row, known, words) {
    const look = JSON.stringify([row, row.turn && words.state(row.turn), words.name]);
    if (known?.look === look) return known;
    let made;
    if (row.day) made = el("li", { class: "day" }, el("span", {}, row.day));
    else if (row.sent) made = this.#pending(row.sent);
    else made = said(row.turn, words);
    made.look = look;
    if (known) known.replaceWith(made);
    return made;
  }

  #pending(sent) {
    const failed = sent.failed;
    return el(
      "li",
      { class: `turn turn-${sent.is_note ? "note" : "agent"} is-pending` },
      el("div", { class: "turn-words" }, el("p", { class: "plain", dir: "auto" }, sent.text)),
      el("p", { class: "turn-state", role: failed ? "alert" : null },
        failed ? [icon("triangle-alert"), `${t("not_sent")} ${failed}`, el("button", { type: "button", class: "link", onclick: () => this.retry() }, t("try_again"))] : t("sending"),
      ),
    );
  }
}

function with_days(transcript) {
  const rows = [];
  let day = "";
  for (const turn of transcript) {
    const its = day_of(turn.at);
    if (its !== day) rows.push({ key: `d${turn.n}`, day: its });
    day = its;
    rows.push({ key: `t${turn.n}`, turn });
  }
  return rows;
}

function said(turn, words) {
  if (turn.author === "system" || turn.kind === "status" || turn.kind === "offer") return status_line(turn);
  const author = turn.author === "note" || turn.kind === "note" ? "note" : turn.author;
  return el(
    "li",
    { class: `turn turn-${author}` },
    el("p", { class: "turn-by" }, by(turn, author, words), el("time", { datetime: turn.at }, time_of(turn.at))),
    el("div", { class: "turn-words", lang: turn.locale, dir: "auto" }, content(turn)),
    about(turn),
    words.state(turn) && el("p", { class: `turn-state is-${words.state(turn)}` }, icon(words.state(turn) === "read" ? "check-check" : "check"), t(words.state(turn))),
  );
}

function status_line(turn) {
  return el("li", { class: "turn turn-system" }, el("p", { dir: "auto", lang: turn.locale }, el("span", {}, turn.text), " ", el("time", { datetime: turn.at }, time_of(turn.at))));
}

function by(turn, author, words) {
  if (author === "note") return [icon("sticky-note"), t("note_by", { name: turn.name ?? "" })];
  if (author === "assistant") return [icon("bot"), t("assistant")];
  if (author === "agent") return [icon("headset"), turn.name || page.me?.name || ""];
  return [icon("user"), words.name];
}

function content(turn) {
  const made = [];
  const given = turn.article ?? turn.reply?.answer;
  if (turn.html) made.push(words_of(turn.html, turn.article?.deviates || turn.corrects ? null : given));
  else if (given?.html && turn.author === "assistant") made.push(words_of(given.html, given));
  else made.push(el("p", { class: "plain", dir: "auto" }, turn.text));
  if (turn.kind === "clarify" && turn.reply?.options?.length) {
    made.push(el("p", { class: "turn-about" }, t("chose", { titles: turn.reply.options.map((option) => option.title).join(" · ") })));
  }
  return made;
}

function words_of(html, given) {
  const marks = given?.sha256
    ? { "data-article": given.article, "data-version": given.version, "data-locale": given.locale, "data-sha256": given.sha256, lang: given.locale, dir: direction(given.locale) }
    : {};
  return el("div", { class: "prose", ...marks }, safe_html(html));
}

/** Which article it was, and what the customer thought of it. */
function about(turn) {
  const given = turn.article ?? turn.reply?.answer;
  if (!given) return turn.kind === "abstained" ? el("p", { class: "turn-about" }, t("found_nothing")) : null;
  return el(
    "p",
    { class: "turn-about" },
    el("a", { href: given.url, target: "_blank", rel: "noopener" }, icon("badge-check"), el("span", { dir: "auto" }, given.title)),
    el("span", {}, t("version", { n: number(given.version) })),
    turn.corrected && el("span", { class: "is-bad" }, icon("message-square-warning"), t("was_corrected", { n: number(turn.corrected.version) })),
    turn.article && el("span", { class: turn.article.deviates ? "is-changed" : "" }, t(turn.article.deviates ? "changed" : "unchanged")),
    turn.author === "assistant" && verdict(turn.helped),
  );
}

export function verdict(helped) {
  if (helped === null || helped === undefined) return el("span", {}, t("no_feedback"));
  return el("span", { class: helped ? "is-good" : "is-bad" }, icon(helped ? "thumbs-up" : "thumbs-down"), t(helped ? "helped" : "did_not_help"));
}
