// The translators' page: from passage to passage by keyboard, nothing lost, facts held against the source.

import { safe_html } from "../staff/dom.js";

const PAUSE_MS = 500;
const form = document.querySelector("form.bench");
const fields = [...form.querySelectorAll("textarea")];
const facts = document.getElementById("facts");
const restored = document.querySelector("[data-restored]");
const key = form.dataset.keep;
const written = () => JSON.stringify(fields.map((field) => field.value));
const first = written();
let timer;
let latest = 0;

restore();
form.addEventListener("input", () => {
  keep();
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE_MS);
});
form.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.isComposing) return;
  const act = { Enter: () => go(event.target, event.shiftKey ? -1 : 1), i: () => copy(event.target), s: save }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
form.addEventListener("submit", () => { try { localStorage.removeItem(key); } catch { /* nothing was kept */ } });
document.querySelector("[data-discard]").addEventListener("click", () => {
  try { localStorage.removeItem(key); } catch { /* nothing was kept */ }
  fill(JSON.parse(first));
  restored.hidden = true;
  check();
});

function keep() {
  try { localStorage.setItem(key, written()); } catch { /* this browser keeps nothing */ }
}

function restore() {
  let kept = null;
  try { kept = localStorage.getItem(key); } catch { return; }
  if (!kept || kept === first) return;
  fill(JSON.parse(kept));
  restored.hidden = false;
  check();
}

function fill(texts) {
  fields.forEach((field, place) => { field.value = texts[place] ?? field.value; });
}

function go(field, step) {
  const next = fields[fields.indexOf(field) + step];
  next?.focus();
  next?.scrollIntoView({ block: "center" });
}

/** The source, with links to the same articles in the other language. */
function copy(field) {
  if (!field.dataset.source) return;
  const { from, to } = form.dataset;
  field.setRangeText(field.dataset.source.replaceAll(`](/${from}/articles/`, `](/${to}/articles/`), 0, field.value.length, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function save() {
  form.requestSubmit(form.querySelector("[value=save]"));
}

async function check() {
  const mine = (latest += 1);
  const query = new URLSearchParams(location.search);
  const locale = query.get("locale");
  try {
    const answer = await fetch(`${form.dataset.facts}${locale ? `?locale=${locale}` : ""}`, { method: "POST", body: new FormData(form) });
    if (answer.ok && mine === latest) facts.replaceChildren(safe_html(await answer.text()));
  } catch { /* without a connection the last word stands */ }
}
