// What the page brought along: texts, language, icons; and how to say times and numbers.

const node = document.getElementById("page-data");
export const page = node ? JSON.parse(node.textContent) : { texts: {}, locale: "en" };

// The same calendar and digits as the server's pages.
const LOCALE = page.locale === "fa" ? "fa-IR-u-ca-gregory-nu-arabext" : page.locale === "en" ? "en-GB" : page.locale;
const formats = {
  time: new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit", hour12: false }),
  day: new Intl.DateTimeFormat(LOCALE, { dateStyle: "long" }),
  short: new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short", year: "numeric" }),
  number: new Intl.NumberFormat(LOCALE, { useGrouping: false }),
  padded: new Intl.NumberFormat(LOCALE, { minimumIntegerDigits: 2, useGrouping: false }),
};
const names = new Intl.DisplayNames([LOCALE], { type: "language", fallback: "code" });

/** A text by its name, with %(values)s filled in. */
export function t(name, values = {}) {
  return (page.texts[name] ?? name).replace(/%\((\w+)\)s/g, (_all, key) => isolated(String(values[key] ?? "")));
}
/** Left-to-right words within right-to-left ones keep their own punctuation. */
const isolated = (value) => (document.dir === "rtl" ? `\u2068${value}\u2069` : value);
export const has_text = (name) => name in page.texts;

export const number = (value) => formats.number.format(value);
export const time_of = (iso) => formats.time.format(new Date(iso));
export const short_day = (iso) => formats.short.format(new Date(iso));
export const language = (code) => (code ? names.of(code) : "");

/** A skill is often a category of the help centre, which has a name in each language. */
export const skill_name = (skill) => page.skills?.[skill] ?? skill;

/** Today, yesterday, or the date. */
export function day_of(iso) {
  const date = new Date(iso);
  const days = Math.round((midnight(new Date()) - midnight(date)) / 86_400_000);
  if (days === 0) return t("today");
  return days === 1 ? t("yesterday") : formats.day.format(date);
}
const midnight = (date) => new Date(date.getFullYear(), date.getMonth(), date.getDate());

/** A stopwatch: 3:05, or 1:03:05 from an hour on. */
export function stopwatch(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = formats.padded.format(rest);
  if (!hours) return `${number(minutes)}:${tail}`;
  return `${number(hours)}:${formats.padded.format(minutes)}:${tail}`;
}

export const direction = (code) => (code === "fa" ? "rtl" : "ltr");
