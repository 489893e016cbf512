// The agent's desk: what is on it, what arrives, and what the agent does with it.

import { Api, Problem } from "./staff/api.js";
import { CaseList, name_of, tick, with_start } from "./staff/cases.js";
import { Composer, Drafts } from "./staff/composer.js";
import { glance, story } from "./staff/customer.js";
import { ask, prepare_dialogs } from "./staff/dialogs.js";
import { el, icon, toast } from "./staff/dom.js";
import { Keys, single_keys } from "./staff/keys.js";
import { Live } from "./staff/live.js";
import { watch_notices } from "./staff/notices.js";
import { number, page, skill_name, t } from "./staff/page.js";
import { Suggestions } from "./staff/suggestions.js";
import { Transcript } from "./staff/transcript.js";

const TYPING_SHOWS_MS = 5000;
const REFRESH_MS = 120;
// The server may have changed its mind about waits and places, without an event for each.
const ANEW_MS = 30_000;
const $ = (id) => document.getElementById(id);

class Desk {
  constructor() {
    this.api = new Api();
    this.mine = [];
    this.queue = [];
    this.agents = [];
    this.presence = null;
    this.handoffs = new Map();
    this.current = null;
    this.round = 0;
    this.drafts = new Drafts();
    const open = (id) => this.open(id);
    this.lists = { mine: new CaseList($("mine"), { open }), queue: new CaseList($("queue"), { open }) };
    this.transcript = new Transcript({ scroller: $("transcript-scroll"), list: $("transcript"), jump: $("jump"), retry: () => this.composer.flush(this.current) });
    this.composer = new Composer({
      api: this.api, drafts: this.drafts, form: $("composer"),
      on_sent: (id, turn) => this.take_turn(id, turn),
      on_change: (id) => { if (id === this.current) this.draw_talk(); },
    });
    this.suggestions = new Suggestions(document.querySelector("[data-suggestions]"), {
      api: this.api,
      insert: (item) => this.put((composer) => composer.insert(item)),
      link: (item) => this.put((composer) => composer.link(item)),
      handoff: () => this.current,
      last_reply: () => this.handoff?.transcript.findLast((turn) => turn.author === "agent")?.text ?? "",
      locale: () => this.handoff?.locale ?? page.locale,
    });
  }

  get handoff() { return this.handoffs.get(this.current) ?? null; }
  get is_mine() { return this.handoff?.status === "with_agent" && this.handoff.agent?.id === page.me.id; }

  async start() {
    prepare_dialogs();
    this.listen();
    this.keys();
    setInterval(tick, 1000);
    setInterval(() => { if (!document.hidden) this.refresh(); }, ANEW_MS);
    watch_notices(this.api, $("notices"));
    await this.guarded(async () => {
      await this.load();
      const asked = Number(location.hash.replace("#", ""));
      if (asked) await this.open(asked);
      else if (this.mine.length && innerWidth >= 760) await this.open(this.mine[0].id);
    });
    this.live = new Live("/api/v1/desk/events", {
      on: (name, data) => this.happened(name, data),
      on_state: (is_there) => { $("lost").hidden = is_there; },
      on_back: () => this.came_back(),
    });
  }

  /** Runs what may be refused, and says so if it is. */
  async guarded(act) {
    try {
      return await act();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) location.assign(`/login?next=${encodeURIComponent(`/desk?locale=${page.locale}`)}`);
      else toast(problem.words, "error");
      return null;
    }
  }

  // -- what is there

  async load() {
    const [desk] = await Promise.all([this.api.get("/desk"), this.load_lists()]);
    this.agents = desk.agents;
    this.take_presence(desk.presence);
  }

  async load_lists() {
    const round = (this.list_round = (this.list_round ?? 0) + 1);
    const [mine, queue] = await Promise.all([
      this.api.get("/handoffs?status=mine&limit=50"),
      this.api.get("/handoffs?status=waiting&limit=100"),
    ]);
    if (round !== this.list_round) return;
    const known = new Set([...this.queue.filter((item) => item.offered_to_me), ...this.mine].map((item) => item.id));
    const is_first = this.queue_total === undefined;
    this.mine = mine.items.map(with_start);
    this.queue = queue.items.map(with_start);
    this.queue_total = queue.total;
    const fresh = [...this.queue.filter((item) => item.offered_to_me), ...this.mine].filter((item) => !known.has(item.id) && item.id !== this.current);
    if (!is_first) for (const item of fresh) this.tell_of(item);
    this.draw_lists();
  }

  refresh() {
    clearTimeout(this.refreshing);
    this.refreshing = setTimeout(() => this.load_lists().catch((problem) => { if (problem.status === 401) this.guarded(() => { throw problem; }); }), REFRESH_MS);
  }

  async came_back() {
    await this.guarded(async () => {
      // What was read before the connection was lost may be old.
      for (const id of [...this.handoffs.keys()]) if (id !== this.current) this.handoffs.delete(id);
      await this.load();
      if (this.current !== null) await this.reload();
    });
    for (const item of this.mine) this.composer.flush(item.id);
  }

  reload() { return this.fetch_case(() => this.api.get(`/handoffs/${this.current}`)); }

  /** A whole package from the server; one that was asked for before another came is not taken. */
  async fetch_case(ask_server) {
    const round = (this.round += 1);
    const found = await ask_server();
    const known = this.handoffs.get(found.id);
    if (known && known.round > round) return;
    keep_newer_turns(found, known);
    this.handoffs.set(found.id, Object.assign(found, { round }));
    if (found.id === this.current) this.draw_all();
  }

  take_turn(id, turn) {
    const handoff = this.handoffs.get(id);
    if (!handoff || !turn) return;
    const place = handoff.transcript.findIndex((known) => known.n === turn.n);
    if (place >= 0) handoff.transcript[place] = turn;
    else handoff.transcript.push(turn);
    handoff.transcript.sort((a, b) => a.n - b.n);
    if (id === this.current) this.draw_talk();
  }

  // -- what happens

  happened(name, data) {
    if (name === "queue") return this.refresh();
    if (name === "handoff") return this.handoff_changed(data);
    if (name === "turn") return this.turn_came(data);
    if (name === "typing" && data.handoff === this.current) return this.show_typing();
    if (name === "read") return this.was_read(data);
    return undefined;
  }

  handoff_changed({ id }) {
    this.refresh();
    if (id === this.current) this.reload_or_close();
    else this.handoffs.delete(id);
  }

  /** A conversation that its customer has deleted is gone here too. */
  reload_or_close() {
    return this.guarded(async () => {
      try {
        await this.reload();
      } catch (problem) {
        if (problem.status !== 404) throw problem;
        this.close(t("gone"));
      }
    });
  }

  turn_came({ handoff: id, turn }) {
    const is_new = !this.handoffs.get(id)?.transcript.some((known) => known.n === turn.n);
    this.take_turn(id, turn);
    this.update_line(id, turn, is_new);
    if (turn.author !== "customer" || !is_new) return;
    const item = this.mine.find((mine) => mine.id === id);
    if (item) this.notify(id, t("new_message", { name: name_of(item.customer), text: turn.text.slice(0, 120) }));
    if (id !== this.current) return;
    $("typing").hidden = true;
    this.suggestions.refresh({ handoff: id });
    this.mark_read();
  }

  /** The line in the list, without asking the server for all of them. */
  update_line(id, turn, is_new) {
    const item = this.mine.find((mine) => mine.id === id);
    if (!item) return this.refresh();
    if (["customer", "agent"].includes(turn.author)) item.last = turn.text.slice(0, 200);
    if (turn.author === "customer" && is_new) item.unread += 1;
    return this.draw_lists();
  }

  was_read({ handoff: id, author, n }) {
    const handoff = this.handoffs.get(id);
    if (!handoff) return;
    handoff.read[author] = Math.max(n, handoff.read[author] ?? 0);
    if (id === this.current) this.draw_talk();
  }

  show_typing() {
    $("typing-text").textContent = t("typing", { name: name_of(this.handoff?.customer) });
    const was_at_end = this.transcript.is_at_end;
    $("typing").hidden = false;
    if (was_at_end) this.transcript.to_end();
    clearTimeout(this.typing);
    this.typing = setTimeout(() => { $("typing").hidden = true; }, TYPING_SHOWS_MS);
  }

  mark_read() {
    const n = this.handoff?.transcript.findLast((turn) => turn.author === "customer")?.n;
    if (!n || !this.is_mine || document.hidden || n <= (this.handoff.read.agent ?? 0)) return;
    this.handoff.read.agent = n;
    this.api.post(`/handoffs/${this.current}/read`, { n }).catch(() => {});
    const item = this.mine.find((mine) => mine.id === this.current);
    if (item) item.unread = 0;
    this.draw_lists();
  }

  /** Offered, or passed on to me by a colleague. */
  tell_of(item) {
    const text = t("new_for_you", { want: item.want });
    toast(text, this.mine.includes(item) ? "done" : "quiet");
    this.notify(item.id, text);
  }

  notify(id, text) {
    if (!document.hidden || globalThis.Notification?.permission !== "granted") return;
    const shown = new Notification(document.querySelector(".brand").textContent.trim(), { body: text, tag: `verbatim-${id}` });
    shown.addEventListener("click", () => { focus(); this.open(id); shown.close(); });
  }

  // -- drawing

  draw_lists() {
    this.lists.mine.draw(this.mine, this.current, true);
    this.lists.queue.draw(this.queue, this.current, false);
    const unread = this.mine.reduce((sum, item) => sum + (item.unread ? 1 : 0), 0);
    const waiting = this.queue_total ?? this.queue.length;
    $("mine-count").textContent = this.mine.length ? number(this.mine.length) : "";
    $("queue-count").textContent = waiting ? number(waiting) : "";
    $("mine-empty").hidden = this.mine.length > 0 || !this.queue.length;
    $("mine-empty").textContent = t("none_mine");
    $("queue-empty").hidden = this.queue.length > 0;
    const is_online = this.presence?.online;
    $("queue-empty").querySelector("p").textContent = t(is_online ? "nobody_waits_online" : "nobody_waits_offline");
    $("go-online").hidden = Boolean(is_online);
    const count = unread + waiting;
    $("views-count").textContent = count ? number(count) : "";
    this.title ??= document.title;
    document.title = count ? `(${number(count)}) ${this.title}` : this.title;
  }

  draw_all() {
    const handoff = this.handoff;
    $("talk").hidden = $("glance").hidden = $("tab-story").hidden = !handoff;
    $("talk-empty").hidden = $("side-empty").hidden = Boolean(handoff);
    if (!handoff) return this.suggestions.suggest("", []);
    $("glance").replaceChildren(...glance(handoff).filter(Boolean));
    $("panel-story").replaceChildren(...story(handoff));
    $("talk-title").textContent = name_of(handoff.customer);
    this.suggestions.suggest(handoff.want, handoff.suggestions ?? []);
    const can_write = this.is_mine;
    if (can_write && ($("composer").hidden || this.composer.id !== handoff.id)) {
      $("composer").hidden = false;
      this.composer.open(handoff.id, name_of(handoff.customer));
    }
    $("composer").hidden = !can_write;
    this.draw_talk();
    return undefined;
  }

  draw_talk() {
    const handoff = this.handoff;
    if (!handoff) return;
    const sent = new Set(handoff.transcript.map((turn) => turn.client_id).filter(Boolean));
    const pending = this.drafts.of(handoff.id).outbox.filter((item) => !sent.has(item.client_id));
    this.transcript.draw({ ...handoff, pending, name: name_of(handoff.customer) });
    this.draw_state(handoff);
  }

  draw_state(handoff) {
    const is_waiting = handoff.status === "waiting";
    const words = {
      waiting: () => t("status_waiting"),
      with_agent: () => (this.is_mine ? t("status_mine") : t("status_with_agent", { name: handoff.agent?.name ?? "" })),
      resolved: () => t("status_resolved"),
      cancelled: () => t("status_cancelled"),
    };
    const parts = [words[handoff.status]?.() ?? handoff.status];
    if (is_waiting) {
      const began = (handoff.began ??= Date.now() - 1000 * (handoff.waited_seconds ?? 0));
      parts.push(el("span", { class: "case-wait" }, icon("clock"), el("span", { "data-since": began, "data-late": "120" }, "")));
    }
    $("talk-state").replaceChildren(...parts.flatMap((part, place) => (place ? [" · ", part] : [part])));
    tick();
    $("claim-box").hidden = !is_waiting;
    if (is_waiting && $("claim-text").dataset.for !== String(handoff.id)) $("claim-text").textContent = "";
    for (const button of $("talk-actions").children) button.hidden = !this.is_mine;
    $("talk-actions").hidden = !this.is_mine;
  }

  show(view) {
    $("main").dataset.view = view;
    for (const button of document.querySelectorAll(".views button")) {
      if (button.dataset.view === view) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  // -- what the agent does

  async open(id) {
    const is_other = id !== this.current;
    this.current = id;
    history.replaceState(null, "", `#${id}`);
    this.show("talk");
    $("typing").hidden = true;
    if (is_other) this.suggestions.back();
    this.draw_lists();
    if (this.handoffs.has(id)) this.draw_all();
    await this.reload_or_close();
    this.mark_read();
    // On a phone the list, and the focus in it, has just gone.
    if (this.current === id && !$("mine-title").offsetParent) $("talk-title").focus();
  }

  close(text = "") {
    this.current = null;
    history.replaceState(null, "", location.pathname + location.search);
    this.show("cases");
    this.draw_all();
    this.draw_lists();
    if (text) toast(text);
    // After a dialog has tried to give the focus back to a button that is gone.
    setTimeout(() => { if (document.activeElement === document.body) (document.querySelector(".case") ?? $("main")).focus(); });
  }

  step(by) {
    const all = [...this.mine, ...this.queue].map((item) => item.id);
    if (!all.length) return;
    const place = all.indexOf(this.current);
    const next = place < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, place + by));
    this.open(all[next]);
    document.querySelector(`.case[data-id="${all[next]}"]`)?.focus();
  }

  async claim() {
    const id = this.current;
    // A quick hand claims before the whole story has arrived.
    const waits = this.handoff ? this.handoff.status === "waiting" : this.queue.some((item) => item.id === id);
    if (!waits || this.is_claiming) return;
    this.is_claiming = true;
    try {
      await this.guarded(() => this.claim_this(id));
    } finally {
      this.is_claiming = false;
    }
  }

  async claim_this(id) {
    try {
      await this.fetch_case(() => this.api.post(`/handoffs/${id}/claim`));
    } catch (problem) {
      if (problem.status !== 409) throw problem;
      return this.lost_claim(id);
    }
    toast(t("claimed"));
    this.refresh();
    this.mark_read();
    if (id === this.current) $("text").focus();
    return undefined;
  }

  async lost_claim(id) {
    this.refresh();
    await this.fetch_case(() => this.api.get(`/handoffs/${id}`));
    const { agent } = this.handoffs.get(id);
    toast(agent ? t("taken", { name: agent.name }) : t("taken_by_somebody"), "error");
  }

  release() {
    if (!this.is_mine) return;
    const id = this.current;
    this.guarded(async () => {
      await this.api.delete(`/handoffs/${id}/claim`);
      this.handoffs.delete(id);
      this.close(t("given_back"));
      this.refresh();
    });
  }

  transfer() {
    if (!this.is_mine) return;
    const id = this.current;
    this.guarded(() => this.api.get("/desk").then((desk) => { this.agents = desk.agents; })).then(() => ask("transfer-dialog", {
      fill: () => $("transfer-to").replaceChildren(...this.transfer_options()),
      send: async (fields) => {
        const to = fields.get("to");
        const body = { note: fields.get("note") || undefined };
        if (to) body.to = /^\d+$/.test(to) ? Number(to) : to;
        await this.api.post(`/handoffs/${id}/transfer`, body);
        this.handoffs.delete(id);
        this.close(t("transferred"));
        this.refresh();
      },
    }));
  }

  transfer_options() {
    const others = this.agents.filter((agent) => agent.id !== page.me.id && agent.online);
    const skills = [...new Set(this.agents.flatMap((agent) => agent.skills ?? []))].sort();
    const option = (value, name, about, checked) => el("label", { class: "option" }, el("input", { type: "radio", name: "to", value, checked }), el("span", {}, el("strong", { dir: "auto" }, name), about && el("small", {}, about)));
    const words = (agent) => [agent.languages?.map((code) => page.locales[code] ?? code).join(", "), agent.skills?.map(skill_name).join(", "), t("load", { n: number(agent.open), room: number(agent.room) })].filter(Boolean).join(" · ");
    return [
      option("", t("back_to_queue"), t("for_anybody"), true),
      ...others.map((agent) => option(String(agent.id), agent.name, words(agent), false)),
      ...skills.map((skill) => option(skill, t("with_skill", { skill: skill_name(skill) }), "", false)),
    ];
  }

  resolve() {
    if (!this.is_mine) return;
    const id = this.current;
    const options = this.answers_given();
    ask("resolve-dialog", {
      fill: (form) => this.fill_resolution(form, options),
      send: async (fields) => {
        const body = { disposition: fields.get("disposition"), note: fields.get("note") || undefined };
        if (body.disposition === "answered") Object.assign(body, options[Number(fields.get("article"))]?.of);
        await this.api.post(`/handoffs/${id}/resolution`, body);
        this.handoffs.delete(id);
        this.close(t("resolved"));
        this.refresh();
      },
    });
  }

  /** Articles that may have answered it, the one that was sent last first. */
  answers_given() {
    const given = this.handoff.transcript.filter((turn) => turn.article ?? turn.reply?.answer).map((turn) => turn.article ?? turn.reply.answer).reverse();
    const last = this.drafts.of(this.current).last_article;
    const seen = new Set();
    const own = this.handoff.transcript.filter((turn) => turn.article).map((turn) => turn.article).reverse();
    return [last, ...own, ...given, ...this.suggestions.items].filter((item) => {
      const key = item && `${item.article}/${item.locale}/${item.version}`;
      return item && !seen.has(key) && seen.add(key);
    }).map((item) => ({ of: { article: item.article, version: item.version, locale: item.locale }, words: `${item.title} · ${t("version", { n: number(item.version) })}` }));
  }

  fill_resolution(form, options) {
    const select = form.elements.article;
    select.replaceChildren(...options.map(({ words }, place) => el("option", { value: place }, words)));
    const choose = (value) => { form.querySelector(`[value="${value}"]`).checked = true; };
    // Only what an agent has given is taken for the answer; else somebody should say.
    if (this.handoff.transcript.some((turn) => turn.author === "agent" && turn.article)) choose("answered");
    else if (!options.length) choose("new");
    form.querySelector('[value="answered"]').disabled = !options.length;
    const follow = () => { form.querySelector("[data-for]").hidden = form.elements.disposition.value !== "answered"; };
    form.onchange = follow;
    follow();
  }

  /** Suggestions go into the conversation that is mine; else they are to be read. */
  put(act) {
    if (!this.is_mine) {
      toast(t(this.handoff ? "claim_first" : "choose_first"), "error");
      return false;
    }
    this.show("talk");
    return act(this.composer);
  }

  // -- presence

  take_presence(presence) {
    this.presence = presence;
    const button = $("presence");
    button.disabled = false;
    button.setAttribute("aria-checked", String(presence.online));
    $("presence-text").textContent = t(presence.online ? "online" : "offline");
    this.draw_lists();
  }

  toggle_presence(online = !this.presence?.online) {
    if (!this.presence || this.is_toggling) return;
    this.is_toggling = true;
    this.guarded(async () => {
      this.take_presence(await this.api.put("/desk/presence", { online }));
      toast(t(online ? "now_online" : "now_offline"));
      this.refresh();
    }).finally(() => { this.is_toggling = false; });
  }

  fill_settings() {
    const form = $("settings-form");
    for (const box of form.querySelectorAll("[name=languages]")) box.checked = this.presence?.languages?.includes(box.value) ?? false;
    form.elements.skills.value = (this.presence?.skills ?? []).join(", ");
    form.elements.room.value = this.presence?.room ?? 4;
    $("notify").hidden = globalThis.Notification?.permission !== "default";
  }

  async save_settings(form) {
    const fields = new FormData(form);
    const skills = fields.get("skills").split(/[,،，、]/).map((skill) => skill.trim()).filter(Boolean);
    const body = { online: this.presence.online, languages: fields.getAll("languages"), skills, room: Number(fields.get("room")) };
    await this.guarded(async () => {
      this.take_presence(await this.api.put("/desk/presence", body));
      $("settings").open = false;
      $("settings").querySelector("summary").focus();
      toast(t("presence_saved"));
    });
  }

  // -- wiring

  listen() {
    $("presence").addEventListener("click", () => this.toggle_presence());
    $("go-online").addEventListener("click", () => this.toggle_presence(true));
    $("help").addEventListener("click", () => $("help-dialog").showModal());
    $("settings").addEventListener("toggle", () => { if ($("settings").open) this.fill_settings(); });
    $("settings-form").addEventListener("submit", (event) => { event.preventDefault(); this.save_settings(event.target); });
    $("notify").addEventListener("click", async () => { await Notification.requestPermission(); $("notify").hidden = true; });
    $("logout").addEventListener("submit", () => Drafts.forget_all());
    for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", () => this[button.dataset.act]());
    for (const button of document.querySelectorAll(".views [data-view]")) button.addEventListener("click", () => this.show(button.dataset.view));
    document.addEventListener("visibilitychange", () => { if (!document.hidden) { this.refresh(); this.mark_read(); } });
    document.querySelectorAll("details.menu").forEach(closing);
    tabs($("tabs"));
  }

  keys() {
    const write = (mode) => () => {
      if (!this.is_mine) return;
      this.show("talk");
      this.composer.set_mode(mode);
      $("text").focus();
    };
    new Keys({
      may_single: single_keys($("single-keys")),
      single: {
        j: () => this.step(1), k: () => this.step(-1), c: () => this.claim(), r: write("reply"), n: write("note"),
        i: () => this.suggestions.insert_at(0), t: () => this.transfer(), e: () => this.resolve(),
        "g o": () => this.toggle_presence(), "?": () => $("help-dialog").showModal(),
        "/": () => { this.show("side"); $("tab-answers").click(); this.suggestions.input.focus(); },
      },
      digit: (place) => { if (place <= 5) this.suggestions.insert_at(place - 1); },
      chosen: (place) => { const item = this.mine[place - 1]; if (item) this.open(item.id); },
      escape: (event) => { if (event.target === $("text")) $("transcript-scroll").focus(); },
    });
  }
}

/** Turns that came live while the package was on its way. */
function keep_newer_turns(found, known) {
  const last = found.transcript.at(-1)?.n ?? 0;
  found.transcript.push(...(known?.transcript.filter((turn) => turn.n > last) ?? []));
}

function closing(menu) {
  const close = () => { menu.open = false; };
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) close(); });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.stopPropagation();
    close();
    menu.querySelector("summary").focus();
  });
}

/** Tabs after the ARIA Authoring Practices: arrows move, and what is chosen shows at once. */
function tabs(list) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const choose = (tab) => {
    for (const other of all) {
      const is_it = other === tab;
      other.setAttribute("aria-selected", String(is_it));
      other.tabIndex = is_it ? 0 : -1;
      $(other.getAttribute("aria-controls")).hidden = !is_it;
    }
  };
  list.addEventListener("click", (event) => { const tab = event.target.closest("[role=tab]"); if (tab) choose(tab); });
  list.addEventListener("keydown", (event) => {
    if (!["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    const shown = all.filter((tab) => !tab.hidden);
    const forward = (event.key === "ArrowRight") === (document.dir !== "rtl");
    const next = shown[(shown.indexOf(event.target) + (forward ? 1 : -1) + shown.length) % shown.length];
    if (!next) return;
    event.preventDefault();
    choose(next);
    next.focus();
  });
}

new Desk().start();
