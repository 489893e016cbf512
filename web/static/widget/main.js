// Where it begins: what the page may call, and the button once the page is done.

const EVENTS = ["open", "close", "message", "handoff", "resolved", "error"];
const handlers = new Map(EVENTS.map((name) => [name, new Set()]));

function emit(name, data) {
  for (const handler of handlers.get(name) || []) {
    try {
      handler(data);
    } catch (error) {
      console.error(error); // the page's own mistake must not stop the chat
    }
  }
}

let panel = null;

function mount() {
  if (panel || !document.body) return panel;
  const { locale, position, accent, theme, starters, identity, open } = script.dataset;
  panel = new Panel({ locale, position, accent, theme, starters }, emit);
  if (identity) panel.talk.identify(identity);
  const wants_open = open === "" || open === "true";
  const was_open = visit.get("open");
  const { id } = kept_talk();
  if (was_open ? !panel.phone.matches : wants_open && was_open === undefined) panel.open({ is_quiet: true });
  else if (id || panel.talk.next()) panel.talk.load().then(() => panel.talk.next() && panel.talk.flush());
  return panel;
}

const api = {
  open() { mount()?.open(); },
  close() { mount()?.close(); },
  ask(text) { mount()?.ask(String(text)); },
  identify(token) { return mount()?.talk.identify(token); },
  on(event, handler) {
    if (!handlers.has(event)) throw new TypeError(`there is no event ${event}; choose from ${EVENTS.join(", ")}`);
    handlers.get(event).add(handler);
    return () => handlers.get(event).delete(handler);
  },
  push(...calls) {
    for (const [name, ...values] of calls) api[name]?.(...values);
  },
};

const queued = Array.isArray(window.Verbatim) ? window.Verbatim : [];
window.Verbatim = api;
remember_page();

/* After the page: its own work comes first. */
function start() {
  const soon = window.requestIdleCallback || ((work) => setTimeout(work, 50));
  soon(() => { mount(); api.push(...queued); }, { timeout: 2000 });
}
if (document.readyState === "complete") start();
else addEventListener("load", start, { once: true });
