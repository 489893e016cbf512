// One conversation, the same in every tab: turns by number, an outbox, a stream.

const RETRY_MS = 1000;
const RETRY_MOST_MS = 30000;
const SLOW_MS = 6000;
const TYPING_MS = 5000;
const KEEP_MS = 24 * 3600 * 1000;
const SETTLE_MS = 50; // what another tab has just written takes a moment to be seen here

const kept_talk = () => memory.get("talk") || {};

const backed_off = (tries) => Math.min(RETRY_MS * 2 ** tries, RETRY_MOST_MS) * (0.5 + Math.random() / 2);

class Conversation {
  constructor(tell) {
    this.tell = tell; // (event, data): for the panel and for the page
    this.identity = null;
    this.clear();
    this.trouble = "";
    try {
      this.channel = new BroadcastChannel(KEY);
      this.channel.onmessage = ({ data }) => this.hear(data);
    } catch { /* each tab then follows the stream by itself */ }
    addEventListener("storage", ({ key }) => (!key || key.startsWith(KEY)) && this.look());
    addEventListener("online", () => this.wake());
    addEventListener("offline", () => this.set_trouble("offline"));
    addEventListener("pagehide", () => this.rest());
    addEventListener("pageshow", ({ persisted }) => persisted && this.refresh());
    document.addEventListener("visibilitychange", () => document.hidden || this.wake());
    if (navigator.onLine === false) this.trouble = "offline";
  }

  clear() {
    this.rest?.();
    this.id = this.token = this.last = undefined;
    this.turns = new Map();
    this.state = { status: "open", handoff: null, agent: null, ask_solved: false, satisfaction: null, customer: {}, read: {} };
    this.is_loaded = false;
    this.typing = null;
  }

  get is_live() { return ["waiting", "with_agent"].includes(this.state.status); }

  get outbox() { return memory.list("out ").map(([, item]) => item); }

  get last_n() { return Math.max(0, ...this.turns.keys()); }

  get list() { return [...this.turns.values()].sort((one, other) => one.n - other.n); }

  get unread() {
    const seen = this.seen;
    return this.list.filter((turn) => turn.n > seen && turn.author !== "customer" && turn.author !== "system").length;
  }

  get seen() {
    const { id, n } = memory.get("seen") || {};
    return id === this.id ? n : 0;
  }

  // -- what is known ---------------------------------------------------------------

  /* Storage has moved under us: another tab began, ended or wrote. */
  look() {
    const { id } = kept_talk();
    if (id !== this.id) {
      this.clear();
      if (id) this.load();
    }
    this.tell("change");
  }

  call(method, path, body) {
    return call(method, `/conversations/${encodeURIComponent(this.id)}${path}`, { body, token: this.token });
  }

  async load() {
    const { id, token } = kept_talk();
    if (!id) return false;
    if (id !== this.id) this.clear();
    Object.assign(this, { id, token });
    try {
      const found = await this.call("GET", "");
      if (id !== this.id) return false;
      this.adopt(found);
      this.set_trouble("");
      return true;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.is_gone && id === kept_talk().id) this.forget("gone");
      else if (error.is_passing) this.set_trouble(navigator.onLine === false ? "offline" : "blocked");
      return false;
    }
  }

  adopt({ turns, ...state }) {
    const first = !this.is_loaded;
    this.is_loaded = true;
    this.last = Math.max(this.last || 0, state.last_event || 0);
    this.update(state);
    for (const turn of turns || []) this.take(turn, first);
    this.tell("change");
  }

  update(state) {
    const before = this.state;
    this.state = { ...before, ...state };
    if (this.state.status !== "with_agent") this.typing = null;
    if (this.state.handoff && !["waiting", "with_agent"].includes(this.state.handoff.status)) this.state.handoff = null;
    if (this.is_loaded && before.status !== this.state.status && this.state.status === "resolved") this.tell("resolved", { id: this.id });
    this.listen();
  }

  take(turn, is_old = false) {
    const before = this.turns.get(turn.n);
    if (before && JSON.stringify(before) === JSON.stringify(turn)) return;
    this.turns.set(turn.n, turn);
    if (turn.author === "agent") this.typing = null;
    if (!before && !is_old) this.tell("message", turn);
  }

  take_all(result) {
    for (const turn of [result.turn, ...(result.turns || [])]) if (turn) this.take(turn);
    this.spread({ turns: result.turns });
    this.tell("change");
  }

  /* The key is gone; what was typed stays. */
  forget(why) {
    for (const name of ["talk", "seen"]) memory.set(name);
    this.clear();
    this.set_trouble(why);
    this.tell("change");
  }

  set_trouble(trouble, until) {
    if (trouble === this.trouble && !until) return;
    this.trouble = trouble;
    this.until = until;
    this.tell("change");
  }

  // -- between tabs ----------------------------------------------------------------

  spread(message) {
    try {
      if (this.id) this.channel?.postMessage({ id: this.id, ...message });
    } catch { /* closed */ }
  }

  hear({ id, turns, event, wake }) {
    if (wake) return this.hurry?.();
    if (id !== this.id) return undefined;
    if (event) this.happen(event);
    for (const turn of turns || []) this.take(turn);
    this.tell("change");
    return undefined;
  }

  // -- sending ---------------------------------------------------------------------

  say(text) { this.post({ text }); }

  choose(n, article, title) { this.post({ text: title, choice: { n, article } }); }

  post(item) {
    const page = { page_url: (location.origin + location.pathname).slice(0, 1000), page_title: document.title.slice(0, 200) };
    const at = new Date().toISOString();
    const key = `out ${at} ${TAB} ${String((this.posted = (this.posted || 0) + 1)).padStart(4, "0")}`;
    memory.set(key, { key, client_id: made_up(), at, ...page, ...item });
    this.tell("change");
    this.flush();
  }

  discard(client_id) {
    for (const item of this.outbox) if (item.client_id === client_id) memory.set(item.key);
    this.tell("change");
  }

  flush() {
    this.hurry?.();
    this.sending ??= alone("send", () => this.send_all()).finally(() => {
      this.sending = null;
      if (this.next()) this.flush();
    });
    return this.sending;
  }

  next() { return this.outbox.find((item) => !item.failed); }

  async send_all() {
    let tries = 0;
    let losses = 0;
    for (let item = this.next(); item; item = this.next()) {
      const slow = setTimeout(() => this.set_trouble("slow"), SLOW_MS);
      try {
        await this.send(item);
        tries = losses = 0;
        this.set_trouble(this.trouble === "gone" ? "gone" : "");
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        clearTimeout(slow);
        if (error.is_passing) await this.pause(error, (tries += 1));
        else if (!error.is_gone || (losses += 1) > 2 || (this.id && (await this.load()))) this.fail(item, error);
      } finally {
        clearTimeout(slow);
      }
    }
  }

  async send(item) {
    await this.begin();
    const { id } = this;
    const { client_id, text, page_url, page_title, choice } = item;
    const body = choice ? { ...choice, client_id } : { text, client_id, page_url, page_title };
    const result = await this.call("POST", choice ? "/choice" : "/turns", body);
    if (id === this.id) this.take_all(result);
    this.discard(client_id);
  }

  fail(item, error) {
    memory.set(item.key, { ...item, failed: error.message });
    this.tell("error", { status: error.status, message: error.message });
    this.tell("change");
  }

  async pause(error, tries) {
    const ms = error.wait ? error.wait * 1000 : backed_off(tries);
    if (error.status === 429) this.set_trouble("busy", Date.now() + ms);
    else this.set_trouble(navigator.onLine === false ? "offline" : "blocked");
    if (error.status) this.tell("error", { status: error.status, message: error.message });
    await new Promise((done) => {
      const timer = setTimeout(done, ms);
      // Back on line, there is nothing to wait for; told to wait, there is.
      this.hurry = error.status === 429 ? null : () => { clearTimeout(timer); done(); };
    });
    this.hurry = null;
  }

  /* A conversation to write in: this tab's, another tab's, or a new one. */
  async begin() {
    if (!kept_talk().id) await rest(SETTLE_MS);
    const kept = kept_talk();
    if (kept.id) {
      if (kept.id !== this.id) this.clear();
      Object.assign(this, { id: kept.id, token: kept.token });
      return;
    }
    const made = await call("POST", "/conversations", {
      body: {
        channel: "widget",
        locale: speech.locale,
        page_url: (location.origin + location.pathname).slice(0, 1000),
        page_title: document.title.slice(0, 200),
        ...(document.referrer && { referrer: document.referrer.split(/[?#]/)[0].slice(0, 1000) }),
        ...(this.identity && { identity: this.identity }),
        pages: visit.get("pages") || [],
        searches: visit.get("searches") || [],
      },
    });
    this.enter(made.id, made.token);
    if (made.conversation) this.adopt(made.conversation);
  }

  enter(id, token) {
    if (this.id !== id) this.clear();
    memory.set("talk", { id, token });
    Object.assign(this, { id, token });
  }

  // -- everything that is asked for at once ------------------------------------------

  async feedback(n, helped, comment) {
    this.take_all(await this.call("POST", `/turns/${n}/feedback`, comment ? { helped, comment } : { helped }));
  }

  package() { return this.begin().then(() => this.call("GET", "/package")); }

  correct(changes) { return this.call("PATCH", "/package", changes); }

  async hand_off(wanted) {
    await this.begin();
    const { handoff } = await this.call("POST", "/handoff", wanted);
    this.set_handoff(handoff);
    this.tell("handoff", handoff);
  }

  async stay() { this.set_handoff((await this.call("DELETE", "/handoff")).handoff); }

  set_handoff(handoff) {
    const status = ["waiting", "with_agent"].includes(handoff?.status) ? handoff.status : "open";
    this.update({ handoff, status });
    this.spread({ event: { event: "conversation", data: { handoff, status } } });
    this.tell("change");
    this.load();
  }

  async satisfy(verdict) { this.adopt(await this.call("POST", "/satisfaction", verdict)); }

  transcript(email) { return this.call("POST", "/transcript", { email }); }

  async erase() {
    await this.call("DELETE", "");
    this.spread({ event: { event: "deleted" } });
    this.forget("deleted");
  }

  fresh() {
    for (const { key } of this.outbox) memory.set(key);
    this.forget("");
  }

  async mine() { return (await call("POST", "/conversations/mine", { body: { identity: this.identity } })).items; }

  async resume(id) {
    const { identity } = this;
    const { token } = await call("POST", `/conversations/${encodeURIComponent(id)}/token`, { body: { identity } });
    if (identity !== this.identity) return;
    this.enter(id, token);
    await this.load();
  }

  /* A signed-in customer comes back to what is still going on, on any device. */
  async recover() {
    const { identity } = this;
    if (!identity || kept_talk().id) return;
    try {
      const going_on = (await this.mine()).find(({ status, changed_at }) => status !== "resolved" && Date.now() - new Date(changed_at) < KEEP_MS);
      if (going_on && identity === this.identity && !kept_talk().id) await this.resume(going_on.id);
    } catch { /* then a new one begins */ }
  }

  /* Who the page says this is; null for somebody who has signed out. */
  async identify(identity) {
    const left = !identity && memory.get("known");
    this.identity = identity || null;
    memory.set("known", identity ? true : undefined);
    if (left) this.fresh();
    if (!identity || !kept_talk().id) return;
    Object.assign(this, kept_talk());
    try {
      this.adopt(await this.call("POST", "/identity", { identity }));
    } catch (error) {
      // A good identity that is refused here is somebody else's, and so are the words; a bad one changes nothing.
      if (error.status === 403 && (await this.mine().then(() => true, () => false))) this.fresh();
      this.tell("error", { status: error.status, message: error.message });
    }
  }

  typing_now() {
    if (this.state.status !== "with_agent" || Date.now() - (this.told_typing || 0) < 3000) return;
    this.told_typing = Date.now();
    this.call("POST", "/typing", {}).catch(() => {});
  }

  read_now() {
    const n = this.last_n;
    if (this.id && n > this.seen) memory.set("seen", { id: this.id, n });
    const read = Math.max(this.told_read || 0, this.state.read?.customer || 0);
    // Whether a correction was seen matters even when no person is there.
    const is_wanted = this.state.status === "with_agent" || this.list.some((turn) => turn.kind === "correction" && turn.n > read);
    if (!is_wanted || n <= read) return;
    this.told_read = n;
    this.call("POST", "/read", { n }).catch(() => {});
  }

  // -- the stream --------------------------------------------------------------------

  /* Followed while the panel is open or somebody is awaited; one tab follows for all. */
  listen() {
    const wanted = this.id && this.is_loaded && (this.is_open || this.is_live) && !this.is_away;
    if (!wanted) return this.rest();
    if (this.following) return undefined;
    const following = (this.following = new AbortController());
    const name = this.channel ? `stream ${this.id}` : `stream ${this.id} ${TAB}`;
    return alone(name, () => this.follow(following.signal), following.signal);
  }

  rest() {
    this.following?.abort();
    this.following = null;
  }

  async follow(signal) {
    for (let tries = 0; !signal.aborted; ) {
      try {
        for await (const found of events(`/conversations/${encodeURIComponent(this.id)}/events`, this.token, this.last, signal)) {
          if (signal.aborted) return;
          tries = 0;
          if (found.event === "connected") {
            if (["blocked", "offline"].includes(this.trouble)) this.set_trouble("");
            continue;
          }
          this.happen(found);
          this.spread({ event: found });
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error.is_gone) return this.forget("gone");
        if (error instanceof Refused && !error.is_passing) return;
      }
      if (signal.aborted) return;
      if (tries > 1 && this.is_open) this.set_trouble(navigator.onLine === false ? "offline" : "blocked");
      await this.nap(backed_off((tries += 1)), signal);
    }
  }

  nap(ms, signal) {
    return new Promise((done) => {
      const timer = setTimeout(done, ms);
      this.rouse = () => { clearTimeout(timer); done(); };
      signal.addEventListener("abort", this.rouse, { once: true });
    });
  }

  happen({ id, event, data }) {
    if (id) this.last = Math.max(this.last || 0, Number(id));
    if (event === "turn") this.take(data);
    else if (event === "conversation") this.update(data);
    else if (event === "typing" && data.author !== "customer") this.see_typing(data.name);
    else if (event === "read") this.update({ read: { ...this.state.read, [data.author]: Math.max(data.n, this.state.read?.[data.author] || 0) } });
    else if (event === "deleted") return this.forget("deleted");
    this.tell("change");
    return undefined;
  }

  see_typing(name) {
    clearTimeout(this.typing_timer);
    this.typing = name || t("assistant");
    this.typing_timer = setTimeout(() => { this.typing = null; this.tell("change"); }, TYPING_MS);
  }

  wake() {
    if (this.trouble === "offline" && navigator.onLine !== false) this.set_trouble("");
    this.hurry?.();
    this.rouse?.();
    if (this.next()) this.flush();
  }

  /* Back from the browser's cache of pages: what happened meanwhile is read again. */
  refresh() {
    this.look();
    if (kept_talk().id && (this.is_open || this.is_live)) this.load();
    this.wake();
  }
}
