// What each channel will show: all beside the text on a wide screen, else one at a time.

const STORED = "verbatim-editor-previews";
const WIDE = matchMedia("(min-width: 90rem)");
const side = document.querySelector(".editor-side");
const figures = [...side.querySelectorAll(".preview-figure")];
const tabs = [...side.querySelectorAll("[data-channel]")];
const together = document.getElementById("together");
const chosen = { channel: tabs[0].dataset.channel, alone: false, ...remembered() };

function remembered() {
  try { return JSON.parse(localStorage.getItem(STORED)) ?? {}; } catch { return {}; }
}
function remember() {
  try { localStorage.setItem(STORED, JSON.stringify(chosen)); } catch { /* it holds for this page */ }
}

/** Frames and their channels: the first frame is every channel's where one is shown at a time. */
function seen() {
  const all = WIDE.matches && !chosen.alone;
  return all ? figures.map((figure) => [figure, figure.dataset.shows]) : [[figures[0], chosen.channel]];
}

function arrange() {
  if (!tabs.some((tab) => tab.dataset.channel === chosen.channel)) chosen.channel = tabs[0].dataset.channel;
  const all = seen().length > 1;
  together.hidden = !WIDE.matches;
  together.setAttribute("aria-pressed", String(all));
  side.parentElement.classList.toggle("editor-wide", all);
  for (const tab of tabs) {
    tab.hidden = all;
    tab.setAttribute("aria-pressed", String(tab.dataset.channel === chosen.channel));
  }
  for (const figure of figures.slice(1)) figure.hidden = !all;
}

/** The pages of what is to be seen now; a channel that gives none is left as it is. */
export async function fetch_previews(send) {
  return Promise.all(seen().map(async ([figure, channel]) => {
    const page = await send(`/studio/preview/${channel}`);
    return { figure, channel, html: page.ok ? await page.text() : "" };
  }));
}

export function draw_previews(pages) {
  for (const { figure, channel, html } of pages) if (html) draw(figure, channel, html);
}

/** What is the same stays, so that nothing flickers and nothing scrolls away. */
function draw(figure, channel, html) {
  const frame = figure.querySelector("iframe");
  const is_there = figure.dataset.drawn === channel && frame.contentDocument?.body;
  if (is_there && figure.html === html) return;
  figure.html = html;
  const made = new DOMParser().parseFromString(html, "text/html");
  for (const script of made.querySelectorAll("script")) script.remove();
  if (is_there) return frame.contentDocument.body.replaceWith(frame.contentDocument.adoptNode(made.body));
  figure.dataset.drawn = channel;
  dress(made);
  frame.srcdoc = `<!doctype html>${made.documentElement.outerHTML}`;
}

function dress(made) {
  const theme = document.documentElement.dataset.theme;
  if (theme) made.documentElement.dataset.theme = theme;
  const is_dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  if (is_dark) for (const root of made.querySelectorAll(".root")) root.dataset.theme = "dark";
}

/** `show` is called whenever something else is to be seen. */
export function listen(show) {
  const change = (more) => {
    Object.assign(chosen, more);
    remember();
    arrange();
    show();
  };
  for (const tab of tabs) {
    tab.type = "button";
    tab.addEventListener("click", () => change({ channel: tab.dataset.channel }));
  }
  together.addEventListener("click", () => change({ alone: !chosen.alone }));
  WIDE.addEventListener("change", () => { arrange(); show(); });
  arrange();
}
