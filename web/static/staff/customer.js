// The package at a glance: what they want, who they are, what was tried.

import { copy_button, el, icon } from "./dom.js";
import { name_of, reason_of } from "./cases.js";
import { has_text, language, number, short_day, t, time_of } from "./page.js";
import { verdict } from "./transcript.js";

/** The part that is always in sight. */
export function glance(handoff) {
  const { customer, facts } = handoff;
  const known = [
    customer.email && fact(t("fact_email"), customer.email, "mail"),
    customer.phone && fact(t("fact_phone"), customer.phone, "phone"),
    ...facts.filter(({ value }) => value !== customer.email && value !== customer.phone).map(({ kind, value }) => fact(fact_name(kind), value, "tag")),
  ];
  return [
    el("h2", { id: "want", dir: "auto", lang: handoff.locale }, handoff.want || t("reason_request")),
    el("p", { class: "glance-who" },
      el("strong", { dir: "auto" }, name_of(customer)),
      el("span", { class: `badge ${customer.verified ? "badge-verified" : ""}` }, icon(customer.verified ? "badge-check" : "circle-dashed"), t(customer.verified ? "verified" : "not_verified")),
    ),
    el("p", { class: "glance-why" }, el("span", {}, icon("info"), reason_of(handoff.reason)), el("span", {}, icon("languages"), language(handoff.locale)), handoff.wish && handoff.wish !== "wait" && el("span", {}, icon(handoff.wish === "email" ? "mail" : "phone"), t(`wish_${handoff.wish}`))),
    known.some(Boolean) && el("dl", { class: "facts" }, known),
  ];
}

function fact(name, value, drawing) {
  return el("div", {}, el("dt", {}, icon(drawing), name), el("dd", {}, el("bdi", {}, value), copy_button(value)));
}

export function fact_name(kind) {
  const name = `fact_${kind}`;
  if (has_text(name)) return t(name);
  if (kind === "iban") return "IBAN";
  const words = kind.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Everything that happened before; for reading when there is time. */
export function story(handoff) {
  const parts = [
    handoff.page?.url && part("map-pin", t("page_now"), el("p", {}, page_link(handoff.page))),
    handoff.answers?.length && part("badge-check", t("answers_shown"), el("ul", { class: "plain-list" }, handoff.answers.map(shown))),
    handoff.searches?.length && part("search", t("searches_before"), el("ul", { class: "plain-list" }, handoff.searches.map((search) => el("li", {}, el("q", { dir: "auto" }, search.q), moment(search.at))))),
    handoff.pages?.length && part("globe", t("pages_before"), el("ol", { class: "plain-list" }, handoff.pages.map((page) => el("li", {}, page_link(page), moment(page.at))))),
    handoff.earlier?.length && part("history", t("earlier"), el("ul", { class: "plain-list" }, handoff.earlier.map(earlier))),
    attributes(handoff.customer.attributes),
  ].filter(Boolean);
  return parts.length ? parts : [el("p", { class: "empty" }, t("nothing_known"))];
}

function part(drawing, title, content) {
  return el("section", { class: "story-part" }, el("h3", {}, icon(drawing), title), content);
}

/** Only an address of the web becomes a link: the page was told to us by a browser. */
function page_link({ url, title }) {
  const words = el("bdi", {}, title || url);
  return /^https?:\/\//i.test(url) ? el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, words) : words;
}

const moment = (at) => (at ? el("small", {}, time_of(at)) : null);

function shown(answer) {
  return el("li", {}, el("a", { href: answer.url, target: "_blank", rel: "noopener", dir: "auto" }, answer.title), el("small", {}, t("version", { n: number(answer.version) }), " · ", verdict(answer.helped)));
}

function earlier(past) {
  const how = past.disposition ? t(`disposition_${past.disposition}`) : has_text(`status_${past.status}`) ? t(`status_${past.status}`, { name: past.agent?.name ?? past.agent ?? "" }) : past.status;
  const about = [short_day(past.started_at), how, past.disposition && (past.agent?.name ?? past.agent)];
  return el("li", {}, el("span", { dir: "auto" }, past.want || "–"), el("small", {}, about.filter(Boolean).join(" · ")));
}

function attributes(known) {
  const entries = Object.entries(known ?? {}).filter(([, value]) => value !== null && typeof value !== "object");
  if (!entries.length) return null;
  return part("user", t("attributes"), el("dl", { class: "facts" }, entries.map(([name, value]) => fact(fact_name(name), String(value), "tag"))));
}
