// Choosing an article by its address lets go of the one that was chosen from the list.
const other = document.querySelector("input[name=other]");
const listed = [...document.querySelectorAll("input[name=article]")];

other?.addEventListener("input", () => listed.forEach((radio) => { if (other.value) radio.checked = false; }));
listed.forEach((radio) => radio.addEventListener("change", () => { other.value = ""; }));
