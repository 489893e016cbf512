// The button in the corner and the dialog it opens.

const NEAR_LIMIT = 300;
const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]), textarea:not([disabled]), select, summary, [tabindex='0']";
const BANNERS = { offline: "wifi-off", blocked: "wifi-off", slow: "clock", busy: "clock", gone: "info", deleted: "trash-2" };

class Panel {
  constructor(options, emit) {
    Object.assign(this, { options, emit });
    this.commented = new Set();
    this.talk = new Conversation((event, data) => this.hear(event, data));
    this.limit = 4000;
    this.can_hand_off = true;
    this.host = document.createElement("verbatim-chat");
    this.shadow = this.host.attachShadow({ mode: "open" });
    this.dress();
    this.root = h("div", { class: "root", role: "region" });
    this.shadow.append(this.root);
    this.phone = matchMedia("(max-width: 480px), (max-height: 420px)");
    this.speak();
    this.launcher = h("button", { type: "button", class: "launcher", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => this.open() }, icon("message-circle"), h("span", { class: "badge", hidden: true, "aria-hidden": "true" }));
    for (const sign of ["pointerenter", "focus"]) this.launcher.addEventListener(sign, () => this.configure(), { once: true });
    this.root.append(this.launcher);
    this.label();
    this.theme();
    document.body.append(this.host);
    this.accent();
  }

  /* Adopted style sheets need no permission from the page's policy. */
  dress() {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(BUILD.css);
    this.shadow.adoptedStyleSheets = [sheet];
  }

  speak(config) {
    const wanted = memory.get("locale") || this.options.locale || document.documentElement.lang || navigator.language || "";
    const code = wanted.toLowerCase().split("-")[0];
    const locale = config?.locale || (BUILD.texts[code] ? code : BUILD.fallback);
    speak(locale, config?.texts);
    this.root.lang = locale;
    this.root.dir = dir_of(locale);
    // The corner is the page's own end, whatever language the chat speaks.
    const page = getComputedStyle(document.documentElement).direction;
    const side = { left: "left", right: "right", start: page === "rtl" ? "right" : "left" }[this.options.position];
    this.root.dataset.side = side || (page === "rtl" ? "left" : "right");
  }

  label() {
    const { unread } = this.talk;
    this.launcher.setAttribute("aria-label", t(unread ? "open_unread" : "open"));
    this.root.setAttribute("aria-label", t("chat"));
    const badge = this.launcher.lastChild;
    badge.hidden = !unread || this.is_open;
    badge.textContent = unread > 9 ? "9+" : number(unread);
  }

  // -- colours -------------------------------------------------------------------------

  theme() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const choose = () => {
      const page = document.documentElement.dataset.theme;
      const fixed = [this.options.theme, page].find((name) => name === "light" || name === "dark");
      this.root.dataset.theme = fixed || (dark.matches ? "dark" : "light");
      this.accent();
    };
    choose();
    dark.addEventListener("change", choose);
    new MutationObserver(choose).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  }

  /* A site's own colour, made lighter or darker until words in it can be read. */
  accent() {
    if (!this.host.isConnected) return;
    const given = this.options.accent || getComputedStyle(this.host).getPropertyValue("--verbatim-accent").trim();
    const names = ["--accent", "--accent-strong", "--on-accent"];
    for (const name of names) this.root.style.removeProperty(name);
    const wanted = given && rgb_of(given, this.root);
    if (!wanted) return;
    const is_dark = this.root.dataset.theme === "dark";
    const behind = is_dark ? [21, 46, 43] : [228, 239, 236];
    const towards = is_dark ? 255 : 0;
    let accent = wanted;
    for (let step = 0; step < 20 && contrast(accent, behind) < 4.6; step += 1) accent = mixed(accent, towards, 0.1);
    const on = contrast(accent, [255, 255, 255]) >= 4.5 ? "#fff" : "#06211e";
    const colours = [accent, mixed(accent, is_dark ? 255 : 0, 0.22)].map((colour) => `rgb(${colour.join(" ")})`);
    names.forEach((name, at) => this.root.style.setProperty(name, [...colours, on][at]));
  }

  // -- making it -----------------------------------------------------------------------

  /* Texts, the greeting and whether somebody is at the desk; asked for once it may be needed. */
  configure() {
    this.configuring ??= call("GET", `/widget?locale=${encodeURIComponent(speech.locale)}`).then((config) => {
      const before = speech.locale;
      this.config = config;
      this.greeting = config.greeting;
      this.limit = config.limits?.text || this.limit;
      this.speak(config);
      if (!this.panel) return;
      if (config.locale !== before || !this.is_told) this.retell();
    }).catch(() => { this.configuring = null; });
    return this.configuring;
  }

  /* The words have come: the box stays as it is, for somebody may be writing in it. */
  retell() {
    this.is_told = true;
    this.panel.querySelector("#title").textContent = this.config.site_name;
    for (const [at, key] of [[this.box, "message"], [this.send, "send"], [this.log, "log"], [this.down, "newest"], [this.menu.button, "menu"], [this.shut, "close"]]) {
      at.setAttribute("aria-label", t(key));
      if (at.title) at.title = t(key);
    }
    this.person.lastChild.textContent = t("person");
    this.draw();
  }

  build() {
    this.box = h("textarea", { rows: "1", dir: "auto", enterkeyhint: "send", value: memory.get("draft") || "", oninput: () => this.typed(), onkeydown: (event) => this.key(event) });
    this.send = h("button", { class: "send", "aria-label": t("send"), title: t("send") }, icon("arrow-up"));
    this.counter = h("p", { class: "counter", role: "status", hidden: true });
    this.box.setAttribute("aria-label", t("message"));
    this.person = button(t("person"), () => this.hand_off(), { class: "person" }, icon("headset"));
    this.composer = h("form", { class: "composer", onsubmit: (event) => this.submit(event) },
      h("div", { class: "above" }, this.person, this.counter), h("div", { class: "box" }, this.box, this.send));
    this.banner = h("div", { class: "banner", role: "status" });
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": t("log"), tabindex: "0" });
    this.log.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.down = icon_button("chevron-down", t("newest"), () => this.to_end(true), { class: "tool down", hidden: true });
    const now = h("div", { class: "now" });
    const place = h("div", { class: "sheet", role: "dialog", "aria-labelledby": "sheet-title", hidden: true });
    this.status = h("p", {});
    this.menu = this.make_menu();
    this.shut = icon_button("x", t("close"), () => this.close());
    const head = h("div", { class: "head" }, brand_mark(), h("div", { class: "names" }, h("h2", { id: "title", tabindex: "-1" }, this.config?.site_name || t("chat")), this.status),
      this.menu.button, this.shut, this.menu.list);
    const notices = h("div", { class: "notices", role: "status" });
    this.notices = new Notices(notices);
    this.notices.is_wanted = () => this.is_open;
    this.inner = h("div", { class: "inner" }, head, this.banner, notices, h("div", { class: "middle" }, this.log, this.down), now, this.composer);
    const made = h("div", { class: "panel", role: "dialog", "aria-labelledby": "title", hidden: !this.is_open, onkeydown: (event) => this.keys(event) }, this.inner, place);
    this.root.append(made);
    this.panel = made;
    this.is_told = Boolean(this.config);
    this.turns = new Turns(this.log, this.talk, this);
    this.now = new Now(now, this.talk, this);
    this.sheets = new Sheets(place, this.talk, this);
    this.fit();
    this.draw(true);
    this.label();
  }

  make_menu() {
    const list = h("div", { class: "menu", id: "menu", hidden: true });
    const toggle = icon_button("ellipsis", t("menu"), () => show(list.hidden), { "aria-expanded": "false", "aria-controls": "menu" });
    const show = (is_open) => {
      if (is_open) list.replaceChildren(...this.menu_items(() => show(false)));
      list.hidden = !is_open;
      toggle.setAttribute("aria-expanded", String(is_open));
      if (is_open) list.querySelector("button, select").focus();
    };
    const leave = () => { show(false); toggle.focus(); };
    list.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { event.stopPropagation(); leave(); }
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || event.target.tagName === "SELECT") return;
      event.preventDefault();
      const items = [...list.querySelectorAll("button, select")];
      items.at((items.indexOf(this.shadow.activeElement) + step) % items.length).focus();
    });
    list.addEventListener("focusout", ({ relatedTarget: next }) => { if (next && !list.contains(next) && next !== toggle) show(false); });
    this.shadow.addEventListener("pointerdown", ({ target }) => { if (!list.hidden && !list.contains(target) && !toggle.contains(target)) show(false); });
    return { button: toggle, list };
  }

  menu_items(close) {
    const item = (name, label, act) => button(label, () => { close(); act(); }, {}, icon(name));
    const { id } = this.talk;
    const locales = Object.entries(this.config?.locales || {});
    const pick = h("select", { onchange: () => { close(); this.change_language(pick.value); } }, locales.map(([code, name]) => h("option", { value: code, lang: code, selected: code === speech.locale }, name)));
    return [
      id && item("plus", t("new"), () => this.fresh()),
      this.talk.identity && item("history", t("mine"), () => this.sheets.mine()),
      id && item("mail", t("transcript"), () => this.sheets.transcript()),
      id && item("trash-2", t("delete"), () => this.sheets.erase()),
      locales.length > 1 && h("label", { class: "language" }, icon("globe"), h("span", {}, t("language")), pick),
    ].filter(Boolean);
  }

  async change_language(locale) {
    memory.set("locale", locale);
    this.speak();
    this.configuring = null;
    this.is_told = false;
    await this.configure();
  }

  starters() {
    const list = (this.options.starters || "").split("|").map((text) => text.trim()).filter(Boolean).slice(0, 4);
    if (!list.length || this.talk.list.length || this.talk.outbox.length) return null;
    const made = h("div", { class: "options starters" }, list.map((text) => button(text, () => { made.remove(); this.ask(text); }, { dir: "auto" }, icon("chevron-right"))));
    return made;
  }

  // -- opening and closing ---------------------------------------------------------------

  get is_open() { return this.talk.is_open === true; }

  async open({ is_quiet = false } = {}) {
    if (this.is_open) return;
    this.talk.is_open = true;
    visit.set("open", true);
    remember_page();
    if (!this.panel) this.build();
    this.panel.hidden = false;
    this.launcher.hidden = true;
    this.launcher.setAttribute("aria-expanded", "true");
    this.fit();
    this.draw(true);
    if (!is_quiet) this.take_focus();
    this.emit("open");
    this.configure().then(() => this.notices.look());
    this.log.setAttribute("aria-busy", "true");
    await this.talk.recover();
    await this.talk.load();
    this.log.removeAttribute("aria-busy");
    if (this.talk.next()) this.talk.flush();
    this.draw(true);
  }

  /* On a phone the box would bring up the keyboard over half of what there is to read. */
  take_focus() {
    if (this.phone.matches || matchMedia("(pointer: coarse)").matches) this.panel.querySelector("#title").focus();
    else this.box.focus();
  }

  close() {
    if (!this.is_open) return;
    this.talk.is_open = false;
    visit.set("open", false);
    this.sheets.close();
    this.panel.hidden = true;
    this.launcher.hidden = false;
    this.launcher.setAttribute("aria-expanded", "false");
    this.launcher.focus({ preventScroll: true });
    this.talk.listen();
    this.label();
    this.emit("close");
  }

  keys(event) {
    if (event.key === "Escape" && !event.isComposing) { event.stopPropagation(); this.close(); }
    if (event.key === "Tab" && (this.phone.matches || this.sheets.is_open)) this.keep_inside(event);
  }

  keep_inside(event) {
    const within = this.sheets.is_open ? this.panel.querySelector(".sheet") : this.panel;
    const stops = [...within.querySelectorAll(FOCUSABLE)].filter((stop) => stop.checkVisibility?.() ?? stop.offsetParent !== null);
    const at = this.shadow.activeElement;
    const [first, last] = [stops[0], stops.at(-1)];
    const turn = event.shiftKey ? [first, last] : [last, first];
    if (at !== turn[0] && stops.includes(at)) return;
    if (at !== turn[0] && !event.shiftKey && within.contains(at)) return;
    event.preventDefault();
    turn[1].focus();
  }

  /* Full screen on a phone, above its keyboard. */
  fit() {
    const is_phone = this.phone.matches;
    this.panel?.setAttribute("aria-modal", String(is_phone));
    const view = window.visualViewport;
    if (!this.is_fitted && view) {
      this.is_fitted = true;
      const again = () => this.panel && this.fit();
      view.addEventListener("resize", again);
      view.addEventListener("scroll", again);
      this.phone.addEventListener("change", again);
    }
    if (!this.panel || !view) return;
    const { style } = this.panel;
    if (is_phone && this.is_open && view.scale === 1) {
      const was_at_end = this.is_at_end;
      style.setProperty("--height", `${Math.round(view.height)}px`);
      style.setProperty("--top", `${Math.round(view.offsetTop)}px`);
      if (was_at_end) this.to_end();
    } else {
      style.removeProperty("--height");
      style.removeProperty("--top");
    }
  }

  cover(is_covered) { this.inner.inert = is_covered; }

  // -- drawing -------------------------------------------------------------------------

  hear(event, data) {
    if (event === "change") return this.later();
    if (event === "message" && data.author === "customer") this.is_at_end = true;
    this.emit(event, data);
    return this.later();
  }

  later() {
    if (this.is_due) return;
    this.is_due = true;
    queueMicrotask(() => {
      this.is_due = false;
      this.draw();
    });
  }

  draw(to_end = false) {
    if (!this.launcher) return;
    if (this.panel && this.is_open) {
      const { status, agent } = this.talk.state;
      this.can_hand_off = status === "open" || status === "resolved";
      this.turns.draw();
      this.now.draw();
      this.draw_banner();
      this.person.hidden = !this.can_hand_off;
      this.composer.hidden = status === "resolved" && !this.box.value;
      this.status.textContent = status === "with_agent" && agent ? t("with", { name: agent.name }) : t(status === "waiting" ? "waiting" : "promise");
      this.box.placeholder = t(status === "open" ? "placeholder" : "write");
      this.count();
      if (to_end) this.is_at_end = true;
      if (this.is_at_end) this.to_end();
      else this.down.hidden = !this.is_below();
      if (!document.hidden) this.talk.read_now();
    }
    this.label();
  }

  draw_banner() {
    const { trouble, until } = this.talk;
    const words = trouble && t(trouble, { n: number(Math.max(1, Math.ceil(((until || 0) - Date.now()) / 1000))) });
    if (this.banner.dataset.trouble === trouble && this.banner.dataset.words === words) return;
    Object.assign(this.banner.dataset, { trouble, words });
    this.banner.hidden = !trouble;
    this.banner.replaceChildren(...(trouble ? [icon(BANNERS[trouble]), h("span", {}, words)] : []));
  }

  is_below() { return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight > 60; }

  scrolled() {
    this.is_at_end = !this.is_below();
    if (this.is_at_end) this.down.hidden = true;
  }

  /* The end, except where a long answer would lose its beginning. */
  to_end(by_hand = false) {
    this.is_at_end = true;
    this.down.hidden = true;
    const own = [...this.log.querySelectorAll(".from-customer")].at(-1);
    const is_answered = this.talk.list.at(-1)?.author === "assistant";
    const most = own && is_answered && !by_hand ? own.offsetTop - 12 : Infinity;
    this.log.scrollTop = Math.min(this.log.scrollHeight, most);
    if (most < this.log.scrollHeight - this.log.clientHeight - 60) this.down.hidden = false;
  }

  // -- writing -------------------------------------------------------------------------

  typed() {
    memory.set("draft", this.box.value || undefined);
    this.count();
    this.talk.typing_now();
  }

  count() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 144)}px`;
    const left = this.limit - [...this.box.value].length;
    this.counter.hidden = left > NEAR_LIMIT;
    this.counter.textContent = left < 0 ? t("too_long", { n: number(-left) }) : t("left", { n: number(left) });
    this.counter.classList.toggle("over", left < 0);
    this.send.disabled = left < 0 || !this.box.value.trim();
  }

  key(event) {
    // Enter that ends a syllable in Korean or Chinese belongs to the keyboard.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.composer.requestSubmit();
  }

  submit(event) {
    event.preventDefault();
    const text = this.box.value.trim();
    if (!text || this.send.disabled) return this.box.focus();
    this.box.value = "";
    this.typed();
    this.talk.say(text);
    this.to_composer();
    return this.to_end();
  }

  ask(text) {
    if (!text?.trim()) return;
    this.open();
    this.is_at_end = true;
    this.talk.say(text.trim().slice(0, this.limit));
  }

  edit(item) {
    this.talk.discard(item.client_id);
    this.box.value = item.text;
    this.typed();
    this.to_composer();
  }

  to_composer() {
    if (this.is_open && !this.phone.matches) this.box.focus({ preventScroll: true });
  }

  fresh() {
    this.talk.fresh();
    this.commented.clear();
    this.to_composer();
  }

  hand_off() { this.sheets.hand_off(); }

  /* Something asked of the server by a click: what went wrong is said where it was asked. */
  async attempt(place, work) {
    if (place.dataset.busy) return;
    place.dataset.busy = "true";
    place.querySelector(":scope > .wrong")?.remove();
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const words = error.status === 0 ? t(navigator.onLine === false ? "offline_now" : "blocked_now") : error.status >= 500 ? t("wrong") : error.status === 429 ? t("busy", { n: number(error.wait || 5) }) : error.message;
      place.append(h("p", { class: "wrong", role: "alert" }, words));
      this.emit("error", { status: error.status, message: error.message });
      if (error.is_gone && this.talk.id) this.talk.load();
    } finally {
      delete place.dataset.busy;
    }
  }
}

// -- colours ------------------------------------------------------------------------------

function rgb_of(colour, place) {
  if (!CSS.supports("color", colour)) return null;
  const probe = h("i", {});
  probe.style.color = `color-mix(in srgb, ${colour} 100%, transparent)`;
  place.append(probe);
  const [red, green, blue] = (getComputedStyle(probe).color.match(/[\d.]+/g) || []).map(Number);
  probe.remove();
  // color(srgb r g b) has parts of one.
  return [red, green, blue].every((part) => part <= 1) ? [red, green, blue].map((part) => Math.round(part * 255)) : [red, green, blue];
}

const mixed = (colour, other, share) => colour.map((part) => Math.round(part + (other - part) * share));

function luminance(colour) {
  const [red, green, blue] = colour.map((part) => {
    const value = part / 255;
    return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a_, b_) => b_ - a_);
  return (light + 0.05) / (dark + 0.05);
}
