// The JSON API as the signed-in person, or with a key that the framing page gave.

import { t } from "./page.js";

/** What the server refused, or status 0 when it could not be reached. */
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  /** For the eye of the agent. */
  get words() {
    if (this.status === 0) return t("offline_error");
    if (this.status === 401) return t("no_access");
    return t("server_error", { detail: this.message });
  }
}

export class Api {
  #key = "";

  /** Held in memory only. */
  use_key(key) { this.#key = key; }
  get has_key() { return this.#key !== ""; }

  get(path) { return this.#send("GET", path); }
  post(path, body = {}) { return this.#send("POST", path, body); }
  put(path, body) { return this.#send("PUT", path, body); }
  delete(path) { return this.#send("DELETE", path); }

  async #send(method, path, body) {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (this.#key) headers.Authorization = `Bearer ${this.#key}`;
    const options = { method, headers, body: body && JSON.stringify(body), cache: "no-store" };
    let response;
    try {
      response = await fetch(`/api/v1${path}`, { ...options, credentials: this.#key ? "omit" : "same-origin" });
    } catch {
      throw new Problem(0, "");
    }
    if (response.ok) return response.status === 204 ? null : response.json();
    throw new Problem(response.status, await detail_of(response));
  }
}

async function detail_of(response) {
  try {
    return (await response.json()).detail ?? response.statusText;
  } catch {
    return response.statusText;
  }
}

/** A name for one sending, so that a second try is not a second message. */
export function new_id() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
