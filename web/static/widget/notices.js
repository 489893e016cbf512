// Announcements: above the conversation while they last, and beside the answers that they are about.

const NOTICES_MS = 8000;
const NOTICE_ICONS = { info: "info", warning: "triangle-alert", outage: "triangle-alert" };

class Notices {
  constructor(place) {
    this.place = place;
    this.list = [];
    setInterval(() => this.look(), NOTICES_MS);
  }

  get put_away() { return memory.get("notices") || []; }

  /* Asked for only while somebody is looking; what cannot be reached leaves things as they are. */
  async look() {
    if (!this.is_wanted?.() || document.hidden) return;
    const locale = encodeURIComponent(speech.locale);
    const found = await call("GET", `/notices?channel=widget&locale=${locale}`).catch(() => null);
    if (found) this.show(found.items);
  }

  show(items) {
    const print = JSON.stringify([items, this.put_away, speech.stamp]);
    if (print === this.print) return;
    this.print = print;
    this.list = items;
    const shown = items.filter(({ id }) => !this.put_away.includes(id));
    this.place.replaceChildren(...shown.map((notice) => this.drawn(notice)));
  }

  /* Words in a language of their own; each is put away by itself. */
  drawn(notice, is_beside = false) {
    const { id, severity, locale, html, text } = notice;
    const words = fill(h("div", { class: "prose", lang: locale, dir: dir_of(locale) }), html, text);
    return h("div", { class: `notice notice-${severity}`, "data-notice": id }, icon(NOTICE_ICONS[severity]), words,
      !is_beside && icon_button("x", t("put_away"), () => this.dismiss(id)));
  }

  /* What stands above already is not said again below. */
  beside(notice) {
    return notice && !this.list.some(({ id }) => id === notice.id) ? this.drawn(notice, true) : null;
  }

  dismiss(id) {
    memory.set("notices", [...this.put_away, id].slice(-30));
    this.show(this.list);
  }
}
