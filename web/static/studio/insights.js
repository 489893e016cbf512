// Draws each figure from its own table: there is one truth, and without this script it is shown.

const { Chart } = window;
const locale = document.documentElement.lang;
const numbers = new Intl.NumberFormat(locale === "fa" ? "fa-IR-u-nu-arabext" : locale);
const is_rtl = document.dir === "rtl";
const still = matchMedia("(prefers-reduced-motion: reduce)");
const dark = matchMedia("(prefers-color-scheme: dark)");
// What an outcome or an ending is drawn in; the rest take the colours in turn.
const OWN = { answered: 1, clarify: 2, abstained: 3, confirmed: 1, assumed: 6, open: 4, came_back: 5, now: 1, before: 3, given: 1 };
// The page's own table tells what readers said; the bars show how often it was given.
const DRAWN = { top: ["given"] };

const token = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const colour = (name, place) => token(`--chart-${OWN[name] ?? (place % 6) + 1}`);

/** Labels and series of a table. */
function read(table, only) {
  const heads = [...table.tHead.rows[0].cells].slice(1);
  const rows = [...table.tBodies[0].rows];
  const series = heads.map((head, place) => ({
    name: head.dataset.name,
    label: head.textContent,
    data: rows.map((row) => Number(row.cells[place + 1].dataset.value) || 0),
  }));
  return {
    labels: rows.map((row) => row.cells[0].textContent.trim()),
    keys: rows.map((row) => row.cells[0].dataset.value),
    series: only ? series.filter((one) => only.includes(one.name)) : series,
  };
}

function draw(place) {
  const kind = place.dataset.chart;
  const section = place.closest("section");
  const table = read(section.querySelector("table"), DRAWN[section.getAttribute("aria-labelledby")]);
  place.hidden = false;
  section.querySelector("details").open = false;
  return new Chart(place.firstElementChild, config(kind, table));
}

function config(kind, { labels, keys, series }) {
  const is_time = kind === "columns" || kind === "lines";
  const is_stacked = kind === "columns" || kind === "bars-stacked";
  return {
    type: kind === "lines" ? "line" : "bar",
    data: { labels, datasets: series.map((one, n) => dataset(one, n, kind)) },
    options: {
      indexAxis: is_time ? "x" : "y",
      maintainAspectRatio: false,
      animation: still.matches ? false : { duration: 400 },
      interaction: { mode: "index", axis: is_time ? "x" : "y", intersect: false },
      scales: is_time ? over_time(keys, is_stacked) : sideways(labels, is_stacked),
      plugins: {
        legend: { display: series.length > 1, position: "bottom", rtl: is_rtl, labels: { color: token("--ink"), boxWidth: 12, boxHeight: 12 } },
        tooltip: { rtl: is_rtl, textDirection: document.dir, callbacks: { label: (item) => ` ${item.dataset.label}: ${numbers.format(item.raw)}` } },
      },
    },
  };
}

function dataset({ name, label, data }, place, kind) {
  const drawn_in = colour(name, place);
  const look = kind === "lines"
    ? { borderColor: drawn_in, borderWidth: 2, pointRadius: data.length > 31 ? 0 : 2, tension: 0.25 }
    : { borderColor: token("--surface"), borderWidth: kind === "bars" ? 0 : 1, borderRadius: 2, maxBarThickness: 28 };
  return { label, data, backgroundColor: drawn_in, ...look };
}

const counts = () => ({ beginAtZero: true, grid: { color: token("--line") }, border: { display: false }, ticks: { color: token("--ink-soft"), precision: 0, callback: (value) => numbers.format(value) } });

function over_time(keys, stacked) {
  const days = new Intl.DateTimeFormat(locale === "fa" ? "fa-IR-u-ca-gregory-nu-arabext" : locale, { day: "numeric", month: "short", timeZone: "UTC" });
  const ticks = { color: token("--ink-soft"), maxRotation: 0, autoSkipPadding: 16, callback: (_value, n) => days.format(new Date(keys[n])) };
  return {
    x: { stacked, reverse: is_rtl, grid: { display: false }, ticks },
    y: { ...counts(), stacked, position: is_rtl ? "right" : "left" },
  };
}

function sideways(labels, stacked) {
  const room = matchMedia("(max-width: 30rem)").matches ? 18 : 34;
  const short = (text) => (text.length > room ? `${text.slice(0, room - 1)}…` : text);
  return {
    x: { ...counts(), stacked, reverse: is_rtl },
    y: { stacked, position: is_rtl ? "right" : "left", grid: { display: false }, ticks: { color: token("--ink"), autoSkip: false, callback: (_value, n) => short(labels[n]) } },
  };
}

const places = [...document.querySelectorAll("[data-chart]")];
if (Chart) {
  Chart.defaults.font.family = token("--font");
  let charts = places.map(draw);
  const again = () => {
    charts.forEach((chart) => chart.destroy());
    charts = places.map((place) => new_colours(place));
  };
  dark.addEventListener("change", again);
  new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

/** The same drawing in the colours of the theme; the table stays as the reader left it. */
function new_colours(place) {
  const details = place.closest("section").querySelector("details");
  const was_open = details.open;
  const chart = draw(place);
  details.open = was_open;
  return chart;
}
