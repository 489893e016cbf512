// What slides over the conversation: what we pass on, the menu's questions, earlier conversations.

const EMAIL = { type: "email", autocomplete: "email", maxlength: "200", dir: "ltr", inputmode: "email" };
const PHONE = { type: "tel", autocomplete: "tel", maxlength: "40", dir: "ltr" };

class Sheets {
  constructor(place, talk, desk) {
    Object.assign(this, { place, talk, desk });
    place.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      this.close();
    });
  }

  get is_open() { return !this.place.hidden; }

  open(title, ...content) {
    const heading = h("h2", { id: "sheet-title", tabindex: "-1" }, title);
    this.before ??= this.place.getRootNode().activeElement;
    this.place.replaceChildren(h("div", { class: "sheet-head" }, heading, icon_button("x", t("back"), () => this.close())), h("div", { class: "sheet-body" }, ...content));
    this.place.hidden = false;
    this.desk.cover(true);
    heading.focus();
  }

  close() {
    if (!this.is_open) return;
    this.place.hidden = true;
    this.place.replaceChildren();
    this.desk.cover(false);
    const before = this.before;
    this.before = null;
    if (before?.isConnected && before.offsetParent !== null) before.focus();
    else this.desk.to_composer();
  }

  /* A form that says what went wrong and keeps what was typed. */
  form(onsubmit, content, label, ...more) {
    const form = h("form", {
      onsubmit: (event) => {
        event.preventDefault();
        this.desk.attempt(form, onsubmit);
      },
    }, ...content, h("div", { class: "row actions" }, h("button", { class: "main" }, label), ...more));
    return form;
  }

  // -- what we pass on -----------------------------------------------------------------

  async hand_off() {
    this.open(t("pass_on"), h("p", { class: "waiting-dots", role: "status" }, h("span", { class: "unseen" }, t("sending")), h("i", {}), h("i", {}), h("i", {})));
    const body = this.place.querySelector(".sheet-body");
    await this.desk.attempt(body, async () => {
      const found = await this.talk.package();
      if (!body.isConnected) return;
      body.replaceChildren(...this.package(found));
      this.place.querySelector("#sheet-title").focus();
    });
  }

  package(found) {
    const want = h("textarea", { rows: "3", maxlength: "500", dir: "auto", value: found.want || "" });
    const contact = this.contact(found.contact || {});
    const facts = (found.facts || []).map((fact) => this.fact(fact));
    const visited = (found.pages || []).length + (found.searches || []).length;
    const pages = h("input", { type: "checkbox", checked: true });
    const send = async () => {
      const changes = { want: want.value.trim(), facts: facts.map((fact) => fact.value()).filter(Boolean), share_pages: pages.checked };
      const reach = contact.value();
      const before = { want: found.want || "", facts: (found.facts || []).map(({ kind, value }) => ({ kind, value })), share_pages: true };
      if (JSON.stringify(changes) !== JSON.stringify(before)) await this.talk.correct(changes);
      await this.talk.hand_off({ ...(Object.keys(reach).length && { contact: reach }), wish: "wait" });
      this.close();
    };
    return [this.form(send, [
      h("p", { class: "why" }, t("pass_on_why")),
      field(t("want"), want),
      facts.length > 0 && h("fieldset", { class: "facts-given" }, h("legend", {}, t("facts")), facts.map((fact) => fact.element)),
      contact.element,
      h("ul", { class: "also" },
        h("li", {}, icon("message-circle"), h("span", {}, t("with_transcript"))),
        found.language && h("li", {}, icon("globe"), h("span", {}, t("language_line", { name: language_name(found.language) }))),
        visited > 0 && h("li", {}, this.pages(pages, found))),
    ], t("connect"), button(t("cancel"), () => this.close(), { class: "quiet" }))];
  }

  pages(box, { pages, searches }) {
    const list = [...(pages || []).map(({ title, url }) => title || url), ...(searches || []).map(({ q }) => `“${q}”`)];
    return h("div", {}, h("label", { class: "check" }, box, h("span", {}, t("pages"))),
      h("details", {}, h("summary", {}, t("show_pages", { n: number(list.length) })), h("ul", {}, list.map((line) => h("li", { dir: "auto" }, line)))));
  }

  fact({ kind, value }) {
    const label = t(`fact_${kind}`) || t("fact_other");
    const input = h("input", { type: "text", value, maxlength: "200", dir: "auto", "aria-label": label });
    const element = h("div", { class: "fact" }, h("span", { class: "fact-kind", "aria-hidden": "true" }, label), input,
      icon_button("x", t("remove", { what: `${label} ${value}` }), () => { input.value = ""; element.hidden = true; this.place.querySelector("button.main").focus(); }));
    return { element, value: () => input.value.trim() && { kind, value: input.value.trim() } };
  }

  contact(known) {
    const asked = [["name", { type: "text", autocomplete: "name", maxlength: "100", dir: "auto" }], ["email", EMAIL], ["phone", PHONE]];
    const { verified } = this.talk.state.customer || {};
    if (verified && known.email) return { element: h("p", { class: "also" }, icon("user"), ` ${t("signed_in", { name: known.name || known.email })}`), value: () => ({}) };
    const inputs = Object.fromEntries(asked.map(([name, attributes]) => [name, h("input", { ...attributes, name, value: known[name] || "" })]));
    const element = h("fieldset", {}, h("legend", {}, t("contact"), h("span", { class: "hint" }, ` ${t("optional")}`)),
      h("div", { class: "grid" }, asked.map(([name]) => field(t(name), inputs[name]))));
    const value = () => Object.fromEntries(asked.map(([name]) => [name, inputs[name].value.trim()]).filter(([name, text]) => text && text !== known[name]));
    return { element, value };
  }

  // -- the menu's questions ------------------------------------------------------------

  transcript() {
    const email = h("input", { ...EMAIL, required: true, value: this.talk.state.customer?.email || "" });
    const send = async () => {
      await this.talk.transcript(email.value.trim());
      this.done(t("transcript"), t("transcript_sent"));
    };
    this.open(t("transcript"), this.form(send, [h("p", { class: "why" }, t("transcript_why")), field(t("email"), email)], t("send"), button(t("cancel"), () => this.close(), { class: "quiet" })));
  }

  erase() {
    const send = async () => { await this.talk.erase(); this.close(); };
    this.open(t("delete"), this.form(send, [h("p", { class: "why" }, t("delete_why"))], t("delete_yes"), button(t("keep"), () => this.close(), { class: "quiet" })));
    this.place.querySelector("button.main").classList.add("danger");
  }

  done(title, words) {
    this.open(title, h("p", { class: "why", role: "status" }, words), h("div", { class: "row actions" }, button(t("back"), () => this.close(), { class: "main" })));
  }

  async mine() {
    this.open(t("mine"), h("p", { class: "why" }, "…"));
    const body = this.place.querySelector(".sheet-body");
    await this.desk.attempt(body, async () => {
      const items = await this.talk.mine();
      body.replaceChildren(items.length ? h("ul", { class: "mine" }, items.map((item) => this.earlier(item))) : h("p", { class: "why" }, t("none_mine")));
    });
  }

  earlier({ id, changed_at, want, last, status }) {
    const go = async () => { await this.talk.resume(id); this.close(); };
    const made = h("li", {}, h("button", { type: "button", onclick: () => this.desk.attempt(made, go), "aria-current": id === this.talk.id ? "true" : null },
      h("strong", { dir: "auto" }, want || last || "…"),
      h("span", {}, day(changed_at), ` · ${t(status === "resolved" ? "finished" : "going_on")}`)));
    return made;
  }
}

/* Between the conversation and the box: waiting, and afterwards. Made anew only when it changes. */
class Now {
  constructor(place, talk, desk) {
    Object.assign(this, { place, talk, desk });
  }

  draw() {
    const { status, handoff, ask_solved, satisfaction } = this.talk.state;
    const print = JSON.stringify([status, handoff && { ...handoff, position: 0, estimated_wait_seconds: 0 }, ask_solved, satisfaction, this.is_scored, this.changing, speech.stamp]);
    if (print !== this.print) {
      this.print = print;
      const had_focus = this.place.contains(this.place.getRootNode().activeElement);
      this.place.replaceChildren(...this.content(status, handoff, ask_solved, satisfaction).filter(Boolean));
      if (had_focus) (this.place.querySelector("button, input") || this.desk).focus?.();
    }
    this.place.hidden = !this.place.firstChild;
    if (status === "waiting" && handoff) this.place.querySelector(".place")?.replaceChildren(this.place_in_line(handoff));
  }

  content(status, handoff, ask_solved, satisfaction) {
    if (status === "waiting" && handoff) return [this.waiting(handoff)];
    if (status === "resolved" || ask_solved) {
      if (ask_solved) return [this.solved()];
      if (satisfaction?.solved && !satisfaction.score && !this.is_scored) return [this.score()];
      return [this.ended(satisfaction)];
    }
    this.is_scored = false;
    return [];
  }

  waiting(handoff) {
    const chosen = handoff.wish && handoff.wish !== "wait";
    return h("section", { class: "card waiting", "aria-label": t("waiting") },
      h("div", { class: "waiting-head" }, h("span", { class: "pulse", "aria-hidden": "true" }, icon(chosen ? (handoff.wish === "email" ? "mail" : "phone") : "clock")),
        h("div", {}, h("strong", {}, t(chosen ? `wish_${handoff.wish}` : "waiting")), h("p", { class: "place", role: "status" }))),
      handoff.choose && (!chosen || this.changing) && this.choice(handoff),
      h("div", { class: "row" },
        chosen && !this.changing && button(t("change"), () => { this.changing = true; this.draw(); }, { class: "small quiet" }),
        button(t("stop_waiting"), () => this.desk.attempt(this.place, () => this.talk.stay()), { class: "small quiet" })));
  }

  place_in_line({ wish, contact, position, estimated_wait_seconds: seconds, open }) {
    if (wish && wish !== "wait") return t(`kept_${wish}`, { contact: (wish === "email" ? contact?.email : contact?.phone) || "" });
    const parts = [];
    if (position) parts.push(t("place", { n: number(position) }));
    if (seconds !== null && seconds !== undefined) parts.push(seconds < 60 ? t("under_minute") : t("minutes", { n: number(Math.ceil(seconds / 60)) }));
    if (open === false) parts.unshift(t("nobody"));
    return parts.join(" · ") || t("stay_near");
  }

  choice(handoff) {
    const kept = handoff.contact || {};
    const reach = { callback: h("input", { ...PHONE, value: kept.phone || "" }), email: h("input", { ...EMAIL, value: kept.email || this.talk.state.customer?.email || "" }) };
    const slot = h("div", { class: "slot", hidden: true });
    const save = h("button", { class: "small main" }, t("save"));
    const names = { wait: "clock", callback: "phone", email: "mail" };
    const before = handoff.wish || "wait";
    const pick = (wish, by_hand = true) => {
      const input = reach[wish];
      slot.replaceChildren(...(input ? [field(t(wish === "email" ? "email" : "phone"), input), save] : [save]));
      slot.hidden = !input && wish === before;
      if (input) input.required = true;
      if (by_hand && input) input.focus();
    };
    const group = h("div", { class: "wishes", role: "radiogroup", "aria-label": t("longer") }, Object.keys(names).map((wish) =>
      h("label", { class: "wish" }, h("input", { type: "radio", name: "wish", value: wish, checked: wish === before, onchange: () => pick(wish) }), icon(names[wish]), h("span", {}, t(`wish_${wish}`)))));
    pick(before, false);
    const form = h("form", {
      class: "choice",
      onsubmit: (event) => {
        event.preventDefault();
        const wish = group.querySelector("input:checked").value;
        const contact = wish === "wait" ? undefined : { [wish === "email" ? "email" : "phone"]: reach[wish].value.trim() };
        this.desk.attempt(form, async () => { await this.talk.hand_off({ wish, ...(contact && { contact }) }); this.changing = false; this.draw(); });
      },
    }, h("p", {}, t("longer")), group, slot);
    return form;
  }

  solved() {
    const tell = (solved) => () => this.desk.attempt(this.place, () => this.talk.satisfy({ solved }));
    return h("section", { class: "card", "aria-labelledby": "solved" }, h("strong", { id: "solved" }, t("solved")),
      h("div", { class: "row" }, button(t("solved_yes"), tell(true), { class: "small main" }, icon("check")), button(t("solved_no"), tell(false), { class: "small" })));
  }

  score() {
    const comment = h("textarea", { rows: "2", maxlength: "1000", dir: "auto" });
    const form = h("form", {
      class: "card score",
      onsubmit: (event) => {
        event.preventDefault();
        const score = Number(form.querySelector("input:checked")?.value);
        const words = comment.value.trim();
        if (!score && !words) return this.skip();
        return this.desk.attempt(form, async () => {
          await this.talk.satisfy({ solved: true, ...(score && { score }), ...(words && { comment: words }) });
          this.skip();
        });
      },
    }, h("fieldset", {}, h("legend", {}, t("score")),
      h("div", { class: "scores" }, h("span", { "aria-hidden": "true" }, t("score_low")),
        [1, 2, 3, 4, 5].map((n) => h("label", {}, h("input", { type: "radio", name: "score", value: String(n), "aria-label": n === 1 ? `${number(1)} ${t("score_low")}` : n === 5 ? `${number(5)} ${t("score_high")}` : null }), h("span", {}, number(n)))),
        h("span", { "aria-hidden": "true" }, t("score_high")))),
    field(t("comment"), comment, t("optional")),
    h("div", { class: "row" }, h("button", { class: "small main" }, t("send")), button(t("skip"), () => this.skip(), { class: "small quiet" })));
    return form;
  }

  skip() {
    this.is_scored = true;
    this.draw();
  }

  ended(satisfaction) {
    return h("section", { class: "card ended" }, h("p", {}, satisfaction ? t("score_thanks") : t("ended")), button(t("new"), () => this.desk.fresh(), { class: "small" }, icon("plus")));
  }
}
