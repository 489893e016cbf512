// Watches a replay, and shows what it found once it is over.

const EVERY = 700;
const card = document.querySelector("[data-progress]");
const bar = card?.querySelector("progress");

async function look() {
  const response = await fetch(card.dataset.progress, { headers: { accept: "application/json" } }).catch(() => null);
  const found = response?.ok ? await response.json() : { state: "running" };
  if (found.state !== "running") {
    location.reload();
    return;
  }
  if (found.total) {
    bar.max = found.total;
    bar.value = found.done;
  }
  setTimeout(look, EVERY);
}

if (card) setTimeout(look, EVERY);
