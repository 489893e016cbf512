// Runs before the page is drawn, so that a chosen theme never flashes the other one.
(() => {
  try {
    const chosen = localStorage.getItem("verbatim-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch { /* storage may be switched off; the system's theme holds */ }
})();
