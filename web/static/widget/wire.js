// The server's calls, and its stream of events.

const PATIENCE_MS = 20000;
const SILENCE_MS = 40000; // the server beats every 15 seconds

/* A call that failed: status 0 is the network, `wait` is in seconds. */
class Refused extends Error {
  constructor(status, problem, wait) {
    super(problem?.detail || problem?.title || `HTTP ${status}`);
    this.status = status;
    this.wait = wait;
  }

  get is_gone() { return [401, 404, 410].includes(this.status); }

  get is_passing() { return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500; }
}

async function call(method, path, { body, token, patience = PATIENCE_MS } = {}) {
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const watch = new AbortController();
  const timer = setTimeout(() => watch.abort(), patience);
  try {
    const response = await reach(path, { method, headers, body: body && JSON.stringify(body), signal: watch.signal });
    if (response.status === 204 || response.status === 202) return {};
    return await response.json();
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(0, { detail: t("blocked") });
  } finally {
    clearTimeout(timer);
  }
}

async function reach(path, options) {
  const fixed = { credentials: "omit", mode: "cors", referrerPolicy: "strict-origin-when-cross-origin" };
  const response = await fetch(`${BASE}/api/v1${path}`, { ...fixed, ...options });
  if (response.ok) return response;
  let problem = null;
  try { problem = await response.json(); } catch { /* a proxy's own page */ }
  const wait = Number(response.headers.get("Retry-After")) || 0;
  throw new Refused(response.status, problem, wait);
}

/* Every event after `last`, until the connection ends. */
async function* events(path, token, last, signal) {
  const headers = { Accept: "text/event-stream", Authorization: `Bearer ${token}` };
  if (last !== undefined) headers["Last-Event-ID"] = String(last);
  const watch = new AbortController();
  const stop = () => watch.abort();
  signal.addEventListener("abort", stop);
  let timer = setTimeout(stop, SILENCE_MS);
  try {
    const response = await reach(path, { headers, signal: watch.signal, cache: "no-store" });
    yield { event: "connected" };
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, SILENCE_MS);
      text = (text + decoder.decode(value, { stream: true })).replace(/\r\n/g, "\n");
      const blocks = text.split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const found = read_event(block);
        if (found) yield found;
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    watch.abort();
  }
}

function read_event(block) {
  const found = { event: "message", data: "" };
  for (const line of block.split("\n")) {
    const [, name, value] = /^(\w+): ?(.*)$/.exec(line) || [];
    if (name === "data") found.data += value;
    else if (name === "event" || name === "id") found[name] = value;
  }
  if (!found.data) return null;
  try {
    return { ...found, data: JSON.parse(found.data) };
  } catch {
    return null;
  }
}
