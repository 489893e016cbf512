"use strict";

// Everything here adds to pages that work without it.

const DEBOUNCE_MS = 150;

/* Search suggestions: a combobox with a listbox, after the ARIA Authoring Practices. */
class Suggestions {
  constructor(form) {
    this.form = form;
    this.input = form.querySelector("input[type=search]");
    this.panel = form.querySelector(".suggestions");
    this.status = form.querySelector("[data-suggest-status]");
    this.options = [];
    this.active = -1;
    this.known = new Map();
    this.describe();
    this.listen();
  }

  describe() {
    const wanted = {
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-haspopup": "listbox",
      "aria-expanded": "false",
    };
    for (const [name, value] of Object.entries(wanted)) this.input.setAttribute(name, value);
  }

  listen() {
    this.input.addEventListener("input", () => this.later());
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => this.close());
    // A press must not take the focus from the box before the click is seen.
    this.panel.addEventListener("pointerdown", (event) => event.preventDefault());
    this.panel.addEventListener("click", (event) => this.choose(event.target.closest("[role=option]")));
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fetch(), DEBOUNCE_MS);
  }

  async fetch() {
    const typed = this.input.value.trim();
    if (!typed || typed.length > 200) return this.close();
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      const html = this.known.get(typed) ?? (await this.load(typed, this.asking.signal));
      if (document.activeElement === this.input && typed === this.input.value.trim()) this.show(html);
    } catch (error) {
      if (error.name !== "AbortError") this.close();
    }
  }

  async load(typed, signal) {
    const address = `${this.form.dataset.suggest}?q=${encodeURIComponent(typed)}`;
    const response = await fetch(address, { signal });
    if (!response.ok) throw new Error(String(response.status));
    const html = await response.text();
    this.known.set(typed, html);
    return html;
  }

  show(html) {
    const list = new DOMParser().parseFromString(html, "text/html").querySelector("[role=listbox]");
    this.panel.replaceChildren(list);
    this.options = [...list.querySelectorAll("[role=option]")];
    list.id = `${this.panel.id}-list`;
    this.options.forEach((option, n) => { option.id = `${this.panel.id}-${n}`; });
    this.active = -1;
    this.status.textContent = list.dataset.status;
    this.input.removeAttribute("aria-activedescendant");
    this.open(this.options.length > 0);
  }

  open(is_open) {
    this.panel.hidden = !is_open;
    this.input.setAttribute("aria-expanded", String(is_open));
    if (is_open) this.input.setAttribute("aria-controls", `${this.panel.id}-list`);
    else this.input.removeAttribute("aria-controls");
  }

  close() {
    clearTimeout(this.timer);
    this.asking?.abort();
    this.active = -1;
    this.input.removeAttribute("aria-activedescendant");
    this.open(false);
  }

  get is_open() { return !this.panel.hidden; }

  key(event) {
    if (event.isComposing) return;
    const moves = {
      ArrowDown: () => this.move(1),
      ArrowUp: () => this.move(-1),
      Escape: () => (this.is_open ? (this.close(), true) : false),
      Enter: () => (this.is_open && this.active >= 0 ? (this.choose(this.options[this.active]), true) : false),
    };
    if (moves[event.key]?.()) event.preventDefault();
  }

  move(step) {
    if (!this.is_open) {
      if (step > 0) this.fetch();
      return true;
    }
    // One place more than there are options: the box itself.
    const places = this.options.length + 1;
    this.active = ((this.active + 1 + step + places) % places) - 1;
    this.options.forEach((option, n) => option.setAttribute("aria-selected", String(n === this.active)));
    const option = this.options[this.active];
    if (option) {
      this.input.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
    return true;
  }

  choose(option) {
    if (option) window.location.assign(option.dataset.href);
  }
}

function theme_toggle(button) {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const is_dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const tell = () => button.setAttribute("aria-pressed", String(is_dark()));
  button.hidden = false;
  tell();
  system.addEventListener("change", tell);
  button.addEventListener("click", () => {
    root.dataset.theme = is_dark() ? "light" : "dark";
    try { localStorage.setItem("verbatim-theme", root.dataset.theme); } catch { /* this page only */ }
    tell();
  });
}

function copy_button(button) {
  if (!navigator.clipboard) return;
  const label = button.querySelector("span");
  const status = document.querySelector("[data-copy-status]");
  const before = label.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      return;
    }
    label.textContent = status.textContent = button.dataset.copied;
    setTimeout(() => { label.textContent = before; status.textContent = ""; }, 2500);
  });
}

function closing_menu(menu) {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

document.querySelectorAll("form[data-suggest]").forEach((form) => new Suggestions(form));
document.querySelectorAll("[data-theme-toggle]").forEach(theme_toggle);
document.querySelectorAll("[data-copy]").forEach(copy_button);
document.querySelectorAll("details.languages").forEach(closing_menu);
