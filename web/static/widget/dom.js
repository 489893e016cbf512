// Elements, icons, words and numbers.

const SVG = "http://www.w3.org/2000/svg";
const BLANK = new Set([null, undefined, false, ""]);

function h(tag, props, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") made[name] = value;
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(2).filter((child) => !BLANK.has(child)));
  return made;
}

function drawn(tag, attributes, children = []) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function icon(name) {
  const frame = { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" };
  return drawn("svg", frame, BUILD.icons[name].map(([tag, attributes]) => drawn(tag, attributes)));
}

function brand_mark() {
  const frame = { class: "mark", viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" };
  return drawn("svg", frame, BUILD.mark.map((d) => drawn("path", { d })));
}

// A page that demands Trusted Types gets a policy; one that forbids ours gets plain text.
const policy = (() => {
  try {
    return window.trustedTypes?.createPolicy("verbatim", { createHTML: (html) => html });
  } catch {
    return null;
  }
})();

function fill(element, html, text) {
  try {
    if (!html) throw new TypeError("no HTML");
    element.innerHTML = policy ? policy.createHTML(html) : html;
  } catch {
    element.textContent = text;
  }
  for (const link of element.querySelectorAll("a[href]")) lead_out(link);
  for (const table of element.querySelectorAll("table")) {
    const frame = h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": t("table") });
    table.replaceWith(frame);
    frame.append(table);
  }
  return element;
}

// On the help site a link goes on in the same tab; elsewhere the customer keeps the shop's page.
function lead_out(link) {
  if (link.origin === location.origin) return;
  link.target = "_blank";
  link.rel = "noopener";
}

function a(href, props, ...children) {
  const link = h("a", { href, ...props }, ...children);
  lead_out(link);
  if (link.target) link.append(h("span", { class: "unseen" }, ` (${t("new_tab")})`));
  return link;
}

function button(label, onclick, props, ...icons) {
  return h("button", { type: "button", onclick, ...props }, ...icons, h("span", {}, label));
}

function icon_button(name, label, onclick, props) {
  return h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

let fields = 0;
function field(label, control, hint) {
  control.id = `v${(fields += 1)}`;
  return h("div", { class: "field" }, h("label", { for: control.id }, label, hint && h("span", { class: "hint" }, ` ${hint}`)), control);
}

// Words in the customer's language: those in the script until the server's have come.
const speech = { locale: "en", texts: {}, stamp: "" }; // the stamp changes with the words

function speak(locale, texts) {
  speech.locale = locale;
  speech.texts = { ...BUILD.texts[locale], ...texts };
  speech.stamp = `${locale} ${Boolean(texts)}`;
}

function t(key, values) {
  const text = speech.texts[key] ?? "";
  return values ? text.replace(/%\((\w+)\)s/g, (_all, name) => values[name] ?? "") : text;
}

const dir_of = (locale) => (BUILD.rtl.includes(locale) ? "rtl" : "ltr");
const number = (value) => new Intl.NumberFormat(BUILD.formats[speech.locale]).format(value);
const in_words = (at, options) => new Intl.DateTimeFormat(BUILD.formats[speech.locale], options).format(new Date(at));
const day = (at) => in_words(at, { dateStyle: "long" });
const clock = (at) => in_words(at, { hour: "2-digit", minute: "2-digit", hour12: false });

function language_name(code) {
  try {
    return new Intl.DisplayNames([speech.locale], { type: "language" }).of(code);
  } catch {
    return code;
  }
}
