// Choosing all of a page or of a group at once.

for (const form of document.querySelectorAll("[data-chooser]")) {
  const all = form.querySelector("[data-choose-all]");
  const items = [...form.querySelectorAll("input[name=item]")];
  if (!all) continue;
  for (const part of [all, all.closest("label")]) if (part) part.hidden = false;
  all.addEventListener("change", () => items.forEach((item) => { item.checked = all.checked; }));
  form.addEventListener("change", () => {
    const chosen = items.filter((item) => item.checked).length;
    all.checked = chosen === items.length;
    all.indeterminate = chosen > 0 && chosen < items.length;
  });
}
