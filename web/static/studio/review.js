// Reviewing: commenting on selected words, marking what is commented on.

const words = document.querySelector("[data-words]");
const form = document.getElementById("comment-form");
const here = document.getElementById("comment-here");
const one_line = (text) => text.replace(/\s+/g, " ").trim();

for (const select of document.querySelectorAll("select[data-go]")) {
  select.addEventListener("change", () => select.form.submit());
}

// -- what is commented on ---------------------------------------------------------

/** Where characters of a part's text, in one line, stand among its text nodes. */
function characters_of(part) {
  const walker = document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
  const found = [];
  let blank = true;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest(".unseen")) continue;
    for (let at = 0; at < node.data.length; at += 1) {
      const is_blank = /\s/.test(node.data[at]);
      if (is_blank && blank) continue;
      found.push({ node, at, character: is_blank ? " " : node.data[at] });
      blank = is_blank;
    }
  }
  return found;
}

function mark(thread) {
  const part = words?.querySelector(`[data-part="${thread.dataset.in}"]`);
  if (!part) return;
  const characters = characters_of(part);
  const text = characters.map((one) => one.character).join("");
  const place = nearest(text, thread.dataset.quote, Number(thread.dataset.at));
  if (place < 0) return;
  const chosen = characters.slice(place, place + thread.dataset.quote.length);
  const by_node = Map.groupBy ? Map.groupBy(chosen, (one) => one.node) : grouped(chosen);
  for (const [node, ones] of by_node) wrap(node, ones[0].at, ones.at(-1).at + 1, thread);
}

function grouped(chosen) {
  const found = new Map();
  for (const one of chosen) found.set(one.node, [...(found.get(one.node) ?? []), one]);
  return found;
}

function nearest(text, quote, near) {
  let best = -1;
  for (let at = text.indexOf(quote); at >= 0; at = text.indexOf(quote, at + 1)) {
    if (best < 0 || Math.abs(at - near) < Math.abs(best - near)) best = at;
  }
  return best;
}

function wrap(node, from, to, thread) {
  if (!node.data.slice(from, to).trim()) return;
  const range = document.createRange();
  range.setStart(node, from);
  range.setEnd(node, to);
  const made = document.createElement("mark");
  made.dataset.thread = thread.id;
  range.surroundContents(made);
  made.addEventListener("click", () => choose(thread));
}

function choose(thread) {
  for (const other of document.querySelectorAll(".is-chosen")) other.classList.remove("is-chosen");
  thread.classList.add("is-chosen");
  for (const one of words.querySelectorAll(`mark[data-thread="${thread.id}"]`)) one.classList.add("is-chosen");
  thread.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
}

for (const thread of document.querySelectorAll("[data-quote]")) mark(thread);

// -- commenting on what is selected -----------------------------------------------

const field = (name) => form.elements[name];
let selected = null;

function look() {
  const selection = getSelection();
  const range = selection.rangeCount && !selection.isCollapsed ? selection.getRangeAt(0) : null;
  const part = range && element_of(range.commonAncestorContainer).closest("[data-part]");
  const quote = part ? one_line(range.toString()) : "";
  selected = quote && quote.length <= 1000 ? { part, quote, position: before(part, range).length } : null;
  here.hidden = !selected;
  if (selected) put(range.getBoundingClientRect());
}
const element_of = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement);

function before(part, range) {
  const rest = document.createRange();
  rest.selectNodeContents(part);
  rest.setEnd(range.startContainer, range.startOffset);
  return one_line(rest.toString());
}

function put(box) {
  document.body.append(here);
  here.style.insetBlockStart = `${scrollY + box.bottom + 6}px`;
  const left = Math.min(Math.max(8, box.left), innerWidth - here.offsetWidth - 8);
  here.style.left = `${scrollX + left}px`;
}

function take() {
  field("part").value = selected.part.dataset.part;
  field("quote").value = selected.quote;
  field("position").value = selected.position;
  show_chosen();
  here.hidden = true;
  field("text").focus();
}

function show_chosen() {
  const quote = field("quote").value;
  form.querySelector("[data-chosen]").hidden = !quote;
  form.querySelector("[data-chosen] span").textContent = quote;
  form.querySelector("[data-passage]").hidden = Boolean(quote);
}

if (form && words) {
  document.addEventListener("selectionchange", () => {
    clearTimeout(look.timer);
    look.timer = setTimeout(look, 150);
  });
  // Keeps the selection while the button is pressed.
  here.addEventListener("pointerdown", (event) => event.preventDefault());
  here.addEventListener("click", take);
  form.querySelector("[data-drop]").addEventListener("click", () => {
    field("quote").value = "";
    show_chosen();
  });
  show_chosen();
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "m" || !(event.ctrlKey || event.metaKey) || !event.altKey) return;
    look();
    if (selected) take();
  });
}
