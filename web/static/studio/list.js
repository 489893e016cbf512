// The list of articles: all boxes with one, the number of those ticked, a new article by keyboard.

const all = document.getElementById("all");
const boxes = [...document.querySelectorAll("input[name=article]")];
const bulk = document.getElementById("bulk");

function draw() {
  const ticked = boxes.filter((box) => box.checked).length;
  all.checked = ticked === boxes.length;
  all.indeterminate = ticked > 0 && !all.checked;
  if (bulk) bulk.dataset.ticked = ticked;
  for (const button of bulk?.querySelectorAll("button[type=submit]") ?? []) button.disabled = ticked === 0;
}

if (all) {
  all.hidden = false;
  all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; draw(); });
  for (const box of boxes) box.addEventListener("change", draw);
  // A browser that goes back restores the boxes after this script has run.
  addEventListener("pageshow", draw);
  draw();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog[open]")) return;
  if (event.key.toLowerCase() === "n") location.href = "/studio/articles/new";
});
