// What this browser keeps between pages: the conversation's key, what is still to be sent, a draft.

const KEY = `verbatim ${BASE}`;
const PAGES_KEPT = 10;
const LEASE_MS = 6000;

function storage_of(name) {
  try {
    const storage = window[name];
    storage.setItem(`${KEY} probe`, "1");
    storage.removeItem(`${KEY} probe`);
    return storage;
  } catch {
    return null; // blocked or full: this page remembers by itself
  }
}

/* Each thing under a key of its own, so that tabs that write at once do not undo each other. */
class Memory {
  constructor(name) {
    this.storage = storage_of(name);
    this.own = new Map();
  }

  get(name) {
    if (!this.storage) return this.own.get(name);
    try {
      return JSON.parse(this.storage.getItem(`${KEY} ${name}`)) ?? undefined;
    } catch {
      return undefined;
    }
  }

  set(name, value) {
    if (value === undefined) this.own.delete(name);
    else this.own.set(name, value);
    try {
      if (value === undefined) this.storage?.removeItem(`${KEY} ${name}`);
      else this.storage?.setItem(`${KEY} ${name}`, JSON.stringify(value));
    } catch {
      for (const [kept, before] of this.list("")) if (!this.own.has(kept)) this.own.set(kept, before);
      this.storage = null;
    }
  }

  /* What is kept under names that begin so, by name. */
  list(start) {
    const names = this.storage ? Object.keys(this.storage).filter((key) => key.startsWith(`${KEY} ${start}`)).map((key) => key.slice(KEY.length + 1)) : [...this.own.keys()].filter((name) => name.startsWith(start));
    return names.sort().map((name) => [name, this.get(name)]).filter(([, value]) => value !== undefined);
  }
}

const memory = new Memory("localStorage"); // talk {id, token}, out …, draft, seen, locale, known
const visit = new Memory("sessionStorage"); // open, pages, searches

const made_up = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
const rest = (ms) => new Promise((done) => setTimeout(done, ms));

/* One tab at a time: by the browser's locks, else by a lease in the storage that tabs share. */
async function alone(name, work, signal) {
  if (navigator.locks) {
    try {
      return await navigator.locks.request(`${KEY} ${name}`, signal ? { signal } : {}, work);
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      if (error.name !== "SecurityError") throw error;
    }
  }
  return leased(`${KEY} ${name}`, work, signal);
}

const TAB = made_up();

async function leased(key, work, signal) {
  const storage = memory.storage;
  if (!storage) return work();
  const holder = () => {
    const [tab, until] = (storage.getItem(key) || "").split(" ");
    return Number(until) > Date.now() ? tab : null;
  };
  const renew = () => storage.setItem(key, `${TAB} ${Date.now() + LEASE_MS}`);
  for (;;) {
    if (signal?.aborted) return undefined;
    if (!holder()) {
      renew();
      await rest(50 + Math.random() * 50);
      if (holder() === TAB) break;
    }
    await rest(400 + Math.random() * 400);
  }
  const beat = setInterval(renew, LEASE_MS / 3);
  const leave = () => holder() === TAB && storage.removeItem(key);
  addEventListener("pagehide", leave);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    removeEventListener("pagehide", leave);
    leave();
  }
}

/* Where the customer was before the chat: pages without what follows the path, and searches. */
function remember_page() {
  const at = new Date().toISOString();
  const search = /^\/[a-z]{2}\/search$/.test(location.pathname) && location.origin === new URL(BASE).origin;
  const q = search && new URLSearchParams(location.search).get("q");
  const url = (location.origin + location.pathname + (q ? `?q=${encodeURIComponent(q)}` : "")).slice(0, 1000);
  const before = (visit.get("pages") || []).filter((page) => page.url !== url);
  visit.set("pages", [...before, { url, title: document.title.slice(0, 200), at }].slice(-PAGES_KEPT));
  const searches = visit.get("searches") || [];
  if (q && searches.at(-1)?.q !== q.slice(0, 200)) visit.set("searches", [...searches, { q: q.slice(0, 200), at }].slice(-PAGES_KEPT));
}
