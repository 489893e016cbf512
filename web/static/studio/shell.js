// What every page of the studio can do by keyboard, menus that close by themselves, and times in the
// reader's own zone.

const typing = (target) => target.closest("input, textarea, select, [contenteditable]");
const rooms = () => [...document.querySelectorAll(".studio-side .rooms a")];
const dialog = document.getElementById("keys-dialog");
const help = document.getElementById("help");
let going = false;

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const LOCALE = { fa: "fa-IR-u-ca-gregory-nu-arabext", en: "en-GB" }[document.documentElement.lang] ?? document.documentElement.lang;
const moment = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit", hour12: false, timeZoneName: "short" });
for (const time of document.querySelectorAll("time[data-local]")) {
  time.title = time.textContent.trim();
  time.textContent = moment.format(new Date(time.dateTime));
}
for (const select of document.querySelectorAll("select[data-zone]:not([data-set])")) {
  if ([...select.options].some((option) => option.value === zone)) select.value = zone;
}

help.hidden = false;
help.addEventListener("click", () => dialog.showModal());
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
  close_menus(event.target);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close_menus();
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (going && /^[1-9]$/.test(event.key)) rooms()[Number(event.key) - 1]?.click();
  going = event.key.toLowerCase() === "g";
  if (event.key === "?") dialog.showModal();
  if (event.key === "/") to_search(event);
});

function to_search(event) {
  const field = document.querySelector("main input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
}

function close_menus(but) {
  for (const menu of document.querySelectorAll("details.menu[open]")) if (!but || !menu.contains(but)) menu.open = false;
}
