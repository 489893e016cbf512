// Server-sent events that come back by themselves, from where they stopped.

const EVENTS = ["queue", "handoff", "turn", "typing", "read"];
const PATIENCE_MS = 2000;

export class Live {
  /** `on(event, data)`; `on_state(is_connected)`; `on_back()` after every loss. */
  constructor(url, { on, on_state, on_back }) {
    Object.assign(this, { url, on, on_state, on_back, tries: 0, was_lost: false });
    addEventListener("offline", () => { this.was_lost = true; on_state(false); });
    addEventListener("online", () => this.open_again());
    this.open();
  }

  /** A new stream does not know where the one before stopped, so that all is asked for anew. */
  open_again() {
    this.was_lost = true;
    this.open();
  }

  open() {
    clearTimeout(this.retry);
    this.source?.close();
    const source = (this.source = new EventSource(this.url));
    source.addEventListener("open", () => this.#opened());
    source.addEventListener("error", () => this.#failed(source));
    for (const name of EVENTS) {
      source.addEventListener(name, (event) => this.on(name, JSON.parse(event.data)));
    }
  }

  #opened() {
    this.tries = 0;
    clearTimeout(this.telling);
    this.on_state(true);
    // What happened meanwhile is asked for anew: cheaper to be sure than to reason.
    if (this.was_lost) this.on_back();
    this.was_lost = false;
  }

  #failed(source) {
    if (source !== this.source) return;
    if (!this.was_lost) this.telling = setTimeout(() => this.on_state(false), PATIENCE_MS);
    this.was_lost = true;
    if (source.readyState !== EventSource.CLOSED) return;
    this.tries += 1;
    this.retry = setTimeout(() => this.open_again(), Math.min(15_000, 500 * 2 ** this.tries));
  }
}
