// How each kind of turn looks.

class Turns {
  constructor(log, talk, desk) {
    Object.assign(this, { log, talk, desk }); // desk: what a turn's buttons call
    this.shown = new Map(); // key → {print, element}
  }

  /* Bring the log level with the conversation, touching only what has changed. */
  draw() {
    const wanted = this.wanted();
    const keys = new Set(wanted.map(({ key }) => key));
    for (const [key, { element }] of this.shown) {
      if (!keys.has(key)) { element.remove(); this.shown.delete(key); }
    }
    let before = null;
    for (const { key, print, make } of wanted) {
      let entry = this.shown.get(key);
      if (!entry || entry.print !== print) {
        const element = make();
        if (entry) this.swap(entry.element, element);
        entry = { print, element };
        this.shown.set(key, entry);
      }
      const place = before ? before.nextSibling : this.log.firstChild;
      if (entry.element !== place) this.log.insertBefore(entry.element, place);
      before = entry.element;
    }
  }

  /* A turn that changes under the keyboard keeps the focus near. */
  swap(old, made) {
    const had_focus = old.contains(this.log.getRootNode().activeElement);
    old.replaceWith(made);
    if (had_focus) (made.querySelector("button, textarea, a") || this.log).focus({ preventScroll: true });
  }

  wanted() {
    const list = this.talk.list;
    const own = list.filter((turn) => turn.author === "customer");
    const last_own = own.at(-1)?.n;
    const sent = new Set(own.map((turn) => turn.client_id));
    const wanted = [];
    if (this.desk.greeting && !list.some((turn) => turn.phrase?.name === "greeting")) wanted.push({ key: "greeting", print: JSON.stringify([this.desk.greeting, speech.stamp, list.length + this.talk.outbox.length > 0]), make: () => this.greeting() });
    for (const turn of list) {
      const tick = turn.n === last_own ? this.tick(turn) : "";
      wanted.push({ key: `turn ${turn.n}`, print: JSON.stringify([turn, tick, this.is_asking(turn), this.desk.commented.has(turn.n), this.desk.can_hand_off, speech.stamp]), make: () => this.turn(turn, tick) });
    }
    const waiting = this.talk.outbox.filter((item) => !sent.has(item.client_id));
    for (const item of waiting) wanted.push({ key: `sent ${item.client_id}`, print: JSON.stringify([item, speech.stamp]), make: () => this.pending(item) });
    const is_asking = waiting.some((item) => !item.failed) && this.talk.state.status === "open" && !this.talk.trouble;
    if (is_asking || this.talk.typing) {
      const label = this.talk.typing ? t("agent_typing", { name: this.talk.typing }) : t("looking");
      wanted.push({ key: "typing", print: label, make: () => h("div", { class: "turn typing" }, h("span", { class: "unseen" }, label), h("i", {}), h("i", {}), h("i", {})) });
    }
    return wanted;
  }

  tick({ n }) {
    if (this.talk.state.status !== "with_agent") return "";
    return (this.talk.state.read?.agent || 0) >= n ? "read" : "sent";
  }

  greeting() {
    const { text, html, locale } = this.desk.greeting;
    return h("div", { class: "turn from-assistant" }, this.who(t("assistant")), this.bubble(locale || speech.locale, html, text), this.desk.starters());
  }

  turn(turn, tick) {
    if (turn.author === "customer") return this.own(turn, tick);
    if (turn.author === "system" || turn.kind === "status") return this.line(turn);
    const made = h("div", { class: `turn from-${turn.author}`, "data-n": turn.n, "data-kind": turn.kind });
    if (turn.author === "agent") made.append(h("p", { class: "name", "aria-hidden": "true" }, turn.name || ""));
    made.append(this.who(turn.author === "agent" ? turn.name : t("assistant")));
    made.append(...this.content(turn));
    return made;
  }

  content(turn) {
    const { kind, reply } = turn;
    if (kind === "correction" && reply?.answer) return this.correction(turn);
    if (kind === "answer" && reply?.answer) return [this.wrong(turn), this.desk.notices.beside(reply.notice), this.answer(reply.answer, reply.receipt, reply.locale), this.related(reply), this.helped(turn)].filter(Boolean);
    if (turn.article && !turn.article.deviates) return [this.wrong(turn), this.answer({ ...turn.article, text: turn.text, html: turn.html }, null)].filter(Boolean);
    const words = this.bubble(turn.locale, turn.html, turn.text);
    if (turn.corrected) return [this.wrong(turn), words, turn.article && this.more(turn.article)].filter(Boolean);
    if (kind === "clarify") return [words, this.options(turn)];
    if (kind === "abstained") return [words, this.related(reply)].filter(Boolean);
    if (kind === "offer") return [h("div", { class: "card offer" }, words, this.desk.can_hand_off && button(t("person"), () => this.desk.hand_off(), { class: "main" }, icon("headset")))];
    if (turn.article) return [words, this.more(turn.article)];
    return [words];
  }

  /* Beside words that turned out wrong. */
  wrong({ corrected }) {
    return corrected && h("p", { class: "wrong-since" }, icon("message-square-warning"), h("span", {}, t("corrected", { day: day(corrected.at) })));
  }

  /* What is right, after what was said before and why it was wrong. */
  correction({ reply, corrects }) {
    const intro = this.bubble(reply.locale, reply.phrase.html, reply.phrase.text);
    const why = corrects && h("p", { class: "why", dir: "auto" }, corrects.why);
    const before = corrects && h("details", { class: "before" }, h("summary", {}, t("said_before")),
      fill(h("blockquote", { class: "prose", lang: corrects.locale, dir: dir_of(corrects.locale) }), corrects.html, corrects.text));
    return [intro, why, this.answer(reply.answer, reply.receipt, reply.locale), before].filter(Boolean);
  }

  who(name) { return h("span", { class: "unseen" }, `${name}: `); }

  bubble(locale, html, text) {
    return fill(h("div", { class: "bubble prose", lang: locale, dir: dir_of(locale) }), html, text);
  }

  /* Letter for letter, with all that is needed to check it. */
  answer(answer, receipt, asked) {
    const { article, version, locale, sha256, title, html, text, passage } = answer;
    const words = h("div", { class: "words prose", "data-article": article, "data-version": version, "data-locale": locale, "data-sha256": sha256 });
    return h("div", { class: "answer", lang: locale, dir: dir_of(locale) },
      h("p", { class: "eyebrow", lang: speech.locale, dir: dir_of(speech.locale) }, icon("badge-check"), h("span", {}, t("approved"))),
      h("h3", {}, title),
      fill(words, html, text),
      asked && asked !== locale && h("p", { class: "foreign", lang: speech.locale, dir: dir_of(speech.locale) }, icon("globe"), h("span", {}, t("foreign", { asked: language_name(asked), shown: language_name(locale) }))),
      this.facts(answer, receipt),
      this.more(answer, passage));
  }

  facts({ version, verified_at }, receipt) {
    return h("p", { class: "facts", lang: speech.locale, dir: dir_of(speech.locale) },
      verified_at && h("span", {}, t("verified", { day: day(verified_at) })),
      receipt ? a(`${BASE}/receipts/${encodeURIComponent(receipt.id)}`, { title: t("receipt") }, icon("receipt-text"), t("version", { n: number(version) }), h("span", { class: "unseen" }, ` ${t("receipt")}`))
        : h("span", {}, t("version", { n: number(version) })));
  }

  more({ url, title }, passage) {
    if (!url) return null;
    const label = passage?.heading ? t("read_part", { heading: passage.heading }) : t("read_more");
    return h("p", { class: "more", lang: speech.locale, dir: dir_of(speech.locale) }, a(passage?.url || url, { "aria-label": passage?.heading ? null : `${label}: ${title}` }, label, icon("arrow-right")));
  }

  related(reply) {
    if (!reply?.related?.length || reply.outcome === "answered") return null;
    return h("div", { class: "related" }, h("p", {}, t("close_by")), h("ul", {}, reply.related.map(({ url, title }) => h("li", {}, a(url, { dir: "auto" }, title)))));
  }

  /* Once something newer has been said, a choice is closed. */
  is_asking(turn) {
    if (turn.kind !== "clarify") return false;
    const is_answered = this.talk.list.some((other) => other.n > turn.n && other.author === "customer");
    return !is_answered && !this.talk.outbox.some((item) => item.choice?.n === turn.n && !item.failed);
  }

  options(turn) {
    const choices = turn.reply?.options || [];
    if (!this.is_asking(turn)) return h("ul", { class: "options past" }, choices.map(({ title }) => h("li", { dir: "auto" }, title)));
    const choose = (article, title) => () => { this.talk.choose(turn.n, article, title); this.desk.to_composer(); };
    return h("div", { class: "options", role: "group", "aria-label": t("choose") },
      choices.map(({ article, title }) => button(title, choose(article, title), { dir: "auto" }, icon("chevron-right"))),
      button(t("none"), choose(null, t("none")), { class: "quiet" }));
  }

  helped(turn) {
    const at = h("div", { class: "helped" });
    if (turn.helped === null || turn.helped === undefined) {
      const tell = (helped) => () => this.desk.attempt(at, () => this.talk.feedback(turn.n, helped));
      at.append(h("span", { id: `helped-${turn.n}` }, t("helped")),
        h("span", { class: "verdicts", role: "group", "aria-labelledby": `helped-${turn.n}` },
          button(t("yes"), tell(true), {}, icon("thumbs-up")), button(t("no"), tell(false), {}, icon("thumbs-down"))));
    } else if (turn.helped) {
      at.append(h("span", { class: "noted" }, icon("check"), t("thanks")));
    } else if (this.desk.commented.has(turn.n)) {
      at.append(h("span", { class: "noted" }, icon("check"), t("comment_thanks")));
    } else {
      at.append(this.missing(turn));
    }
    return at;
  }

  missing(turn) {
    const box = h("textarea", { rows: "2", maxlength: "1000", dir: "auto" });
    const send = async (event) => {
      event.preventDefault();
      if (!box.value.trim()) return box.focus();
      await this.desk.attempt(form, async () => {
        await this.talk.feedback(turn.n, false, box.value.trim());
        this.desk.commented.add(turn.n);
        this.desk.draw();
      });
      return undefined;
    };
    const form = h("form", { class: "missing", onsubmit: send },
      h("p", { class: "noted" }, t("no_noted")),
      field(t("missing"), box, t("optional")),
      h("button", { class: "small" }, t("send_comment")));
    return form;
  }

  own(turn, tick) {
    return h("div", { class: "turn from-customer", "data-n": turn.n }, this.who(t("you")), h("div", { class: "bubble", dir: "auto" }, turn.text), tick && this.mark(tick));
  }

  mark(tick) {
    return h("p", { class: `tick is-${tick}` }, icon(tick === "read" ? "check-check" : "check"), t(tick));
  }

  pending(item) {
    const made = h("div", { class: `turn from-customer ${item.failed ? "failed" : "pending"}` }, this.who(t("you")), h("div", { class: "bubble", dir: "auto" }, item.text));
    if (!item.failed) {
      made.append(h("p", { class: "tick" }, icon("clock"), t("sending")));
      return made;
    }
    made.append(h("p", { class: "tick", role: "alert" }, icon("triangle-alert"), `${t("not_sent")} ${item.failed}`),
      h("p", { class: "row" },
        !item.choice && button(t("edit"), () => this.desk.edit(item), { class: "small" }, icon("pencil")),
        button(t("discard"), () => this.talk.discard(item.client_id), { class: "small quiet" })));
    return made;
  }

  line(turn) {
    return fill(h("div", { class: "turn line", "data-n": turn.n, lang: turn.locale, dir: dir_of(turn.locale) }), turn.html, turn.text);
  }
}
