// The editor: keeps what is typed, shows it as each channel will, and helps with Markdown.

import { Problem } from "../staff/api.js";
import { ask } from "../staff/dialogs.js";
import { draw_previews, fetch_previews, listen } from "./previews.js";

const form = document.getElementById("editor");
const checks = document.getElementById("checks");
const kept = document.getElementById("kept");
const article = form.dataset.article;
const STORED = `verbatim-editor-${article}-${form.elements.in.value}`;
const KEEP_MS = 2500, SHOW_MS = 450, HERE_MS = 15_000;
let dirty = false, leaving = false, waiting_keep, waiting_show, round = 0;
let own_slug = Boolean(form.elements.slug.value);

const texts = () => {
  const data = new FormData(form);
  data.delete("picture");
  return data;
};
const send = (path, data = texts()) => fetch(path, { method: "POST", body: data, credentials: "same-origin" });

// -- keeping -----------------------------------------------------------------------

function store() {
  const fields = Object.fromEntries([...texts()].filter(([, value]) => typeof value === "string"));
  try { localStorage.setItem(STORED, JSON.stringify({ at: Date.now(), fields })); } catch { /* the server has it */ }
}
const forget = () => { try { localStorage.removeItem(STORED); } catch { /* nothing was kept */ } };

async function keep() {
  clearTimeout(waiting_keep);
  const was_dirty = dirty;
  dirty = false;
  try {
    const response = await send("/studio/copies");
    if (!response.ok) throw new Error(response.statusText);
    tell(await response.json());
    if (was_dirty && !dirty) { forget(); kept.textContent = form.dataset.saved; }
  } catch {
    dirty = was_dirty || dirty;
    if (dirty) { store(); kept.textContent = form.dataset.offline; }
  }
}

function tell({ others, newest, slug, copy }) {
  document.getElementById("others").hidden = others.length === 0;
  document.getElementById("other-names").textContent = others.join(", ");
  document.getElementById("moved").hidden = newest === Number(form.elements.based_on.value);
  if (article !== "new") return;
  if (!own_slug) form.elements.slug.value = slug;
  const address = new URL(location.href);
  address.searchParams.set("copy", copy);
  address.searchParams.set("in", form.elements.in.value);
  history.replaceState(null, "", address);
}

function changed() {
  dirty = true;
  kept.textContent = "";
  store();
  count();
  clearTimeout(waiting_keep);
  clearTimeout(waiting_show);
  waiting_keep = setTimeout(keep, KEEP_MS);
  waiting_show = setTimeout(show, SHOW_MS);
}

form.addEventListener("input", (event) => {
  if (event.target.name === "slug") own_slug = event.target.value !== "";
  if (!["picture", "alt"].includes(event.target.name)) changed();
});
form.addEventListener("submit", (event) => {
  if (event.submitter?.dataset.channel) return;
  leaving = true;
  clearTimeout(waiting_keep);
});
addEventListener("pagehide", () => { if (dirty && !leaving) navigator.sendBeacon("/studio/copies", texts()); });
addEventListener("online", () => { if (dirty) keep(); });
setInterval(() => { if (!document.hidden) keep(); }, HERE_MS);

function offer_what_is_here() {
  let found = null;
  try { found = JSON.parse(localStorage.getItem(STORED)); } catch { return; }
  const is_other = found && ["title", "answer", "body", "phrasings", "tags"].some((name) => (found.fields[name] ?? "") !== form.elements[name].value);
  if (!is_other) return;
  const note = document.getElementById("kept-here");
  note.hidden = false;
  note.querySelector("button").addEventListener("click", () => {
    for (const [name, value] of Object.entries(found.fields)) if (!["copy", "based_on", "in", "article"].includes(name) && form.elements[name]) form.elements[name].value = value;
    for (const draw of redraw) draw();
    note.hidden = true;
    changed();
  });
}

// -- showing -----------------------------------------------------------------------

async function show() {
  clearTimeout(waiting_show);
  const now = ++round;
  try {
    const [pages, found] = await Promise.all([fetch_previews(send), send("/studio/checks")]);
    if (now !== round || !found.ok) return;
    draw_previews(pages);
    checks.innerHTML = await found.text();
  } catch { /* it is shown again with the next change */ }
}

function count() {
  const answer = form.elements.answer;
  const length = [...answer.value.trim()].length;
  const left = document.getElementById("left");
  left.textContent = `${length} / ${answer.dataset.limit}`;
  left.classList.toggle("check-over", length > Number(answer.dataset.limit));
}

// -- Markdown ------------------------------------------------------------------------

/** As if typed, so that the browser can undo it. */
function insert(field, text, from = field.selectionStart, to = field.selectionEnd) {
  field.focus();
  field.setSelectionRange(from, to);
  if (!document.execCommand("insertText", false, text)) {
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

let written_in = form.elements.answer;
for (const field of form.querySelectorAll("[data-markdown], [name=title]")) field.addEventListener("focus", () => { written_in = field; });
for (const fact of document.querySelectorAll("[data-fact]")) fact.addEventListener("click", () => insert(written_in, fact.dataset.fact));

function mark(field, kind) {
  const [from, to] = [field.selectionStart, field.selectionEnd];
  const words = field.value.slice(from, to);
  if (kind === "picture") return choose_picture(field);
  if (kind === "link") {
    insert(field, `[${words}](https://)`);
    return field.setSelectionRange(from + words.length + 3, from + words.length + 11);
  }
  if (kind.endsWith(" ")) {
    const start = field.value.lastIndexOf("\n", from - 1) + 1;
    return insert(field, field.value.slice(start, to).split("\n").map((line) => kind + line).join("\n"), start, to);
  }
  insert(field, kind + words + kind);
  return field.setSelectionRange(from + kind.length, to + kind.length);
}

for (const field of form.querySelectorAll("[data-markdown]")) {
  const bar = document.getElementById("toolbar-model").cloneNode(true);
  bar.removeAttribute("id");
  bar.hidden = false;
  if (field.name === "answer") bar.querySelectorAll('[data-mark="## "], [data-mark="picture"]').forEach((button) => button.remove());
  const label = field.closest(".field"), box = document.createElement("div");
  box.className = "field-box";
  label.replaceWith(box);
  box.append(bar, label);
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("[data-mark]");
    if (button) mark(field, button.dataset.mark);
  });
  field.addEventListener("paste", (event) => take_pictures(event, field, event.clipboardData));
  field.addEventListener("drop", (event) => take_pictures(event, field, event.dataTransfer));
  field.addEventListener("dragover", (event) => { if ([...event.dataTransfer.types].includes("Files")) event.preventDefault(); });
}

document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.isComposing) return;
  const key = event.key.toLowerCase();
  const action = { s: "save", enter: "submit" }[key];
  const kind = { b: "**", i: "*", k: "link" }[key];
  if (action) {
    event.preventDefault();
    form.requestSubmit(form.querySelector(`[name=action][value=${action}]`));
  } else if (kind && event.target.matches("[data-markdown]")) {
    event.preventDefault();
    mark(event.target, kind);
  }
});

// -- pictures ------------------------------------------------------------------------

function take_pictures(event, field, transfer) {
  const files = [...transfer.files].filter((file) => file.type.startsWith("image/"));
  if (!files.length) return;
  event.preventDefault();
  (async () => { for (const file of files) await add_picture(field, file); })();
}

function choose_picture(field) {
  const input = document.createElement("input");
  input.type = "file";
  input.accept = "image/png,image/jpeg,image/gif,image/webp";
  input.addEventListener("change", () => { if (input.files[0]) add_picture(field, input.files[0]); });
  input.click();
}

/** In the words of this page or of the store. */
class Refused extends Problem {
  get words() { return this.message; }
}

/** Asks what it shows, then puts it where the cursor was; what is wrong is said in the dialog. */
function add_picture(field, file) {
  const [from, to] = [field.selectionStart, field.selectionEnd];
  const picture = document.querySelector("#picture-dialog img");
  const reader = new FileReader();
  reader.addEventListener("load", () => { picture.src = reader.result; });
  reader.readAsDataURL(file);
  let said;
  const dialog = ask("picture-dialog", {
    send: async (data) => {
      data.append("picture", file, file.name || "picture.png");
      const response = await send("/studio/pictures", data).catch(() => { throw new Refused(0, form.dataset.offline); });
      const told = await response.json();
      if (!response.ok) throw new Refused(response.status, told.detail);
      said = told;
    },
  });
  return new Promise((done) => dialog.addEventListener("close", () => {
    picture.removeAttribute("src");
    if (said) insert(field, apart(field, said.markdown, from, to), from, to);
    done();
  }, { once: true }));
}

/** A picture is a paragraph of its own: glued to a heading it would spoil it. */
function apart(field, markdown, from, to) {
  const before = field.value.slice(0, from), after = field.value.slice(to);
  const gap = (text, edge) => (text === "" || edge.test(text) ? "" : "\n\n");
  return gap(before, /\n\n$/) + markdown + gap(after, /^\n\n/);
}

// -- chips ---------------------------------------------------------------------------

const redraw = [...form.querySelectorAll("[data-chips]")].map((label) => {
  const area = label.querySelector("textarea");
  const box = document.createElement("div");
  const input = document.createElement("input");
  const list = document.createElement("ul");
  box.className = "chips";
  list.className = "chip-list";
  Object.assign(input, { type: "text", autocomplete: "off", lang: area.lang, dir: area.dir, maxLength: area.name === "tags" ? 40 : 300 });
  input.setAttribute("aria-label", label.querySelector("span").textContent);
  box.append(list, input);
  label.after(box);
  label.classList.add("chips-label");
  area.hidden = true;
  const lines = () => area.value.split("\n").map((line) => line.trim()).filter(Boolean);
  const set = (entries) => { area.value = [...new Set(entries)].join("\n"); draw(); changed(); };
  const add = (text) => { const found = text.split(area.name === "tags" ? /[\n,]/ : "\n").map((line) => line.trim()).filter(Boolean); if (found.length) set([...lines(), ...found]); };
  const draw = () => list.replaceChildren(...lines().map((line) => {
    const chip = document.createElement("li");
    const remove = document.createElement("button");
    chip.className = "edit-chip";
    chip.append(Object.assign(document.createElement("bdi"), { textContent: line }), remove);
    remove.type = "button";
    remove.setAttribute("aria-label", form.dataset.remove.replace("%(what)s", line));
    remove.append(document.getElementById("chip-x").content.cloneNode(true));
    remove.addEventListener("click", () => { set(lines().filter((other) => other !== line)); input.focus(); });
    return chip;
  }));
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter" || (event.key === "," && area.name === "tags")) { event.preventDefault(); add(input.value); input.value = ""; }
    if (event.key === "Backspace" && !input.value && lines().length) { input.value = lines().at(-1); set(lines().slice(0, -1)); event.preventDefault(); }
  });
  input.addEventListener("paste", (event) => {
    const text = event.clipboardData.getData("text");
    if (!text.includes("\n")) return;
    event.preventDefault();
    add(text);
  });
  input.addEventListener("blur", () => { add(input.value); input.value = ""; });
  form.addEventListener("submit", () => { add(input.value); input.value = ""; });
  draw();
  return draw;
});

form.querySelector(".picture-box").hidden = true;
form.querySelector("[data-plain]").hidden = true;
count();
offer_what_is_here();
listen(show);
show();
keep();
