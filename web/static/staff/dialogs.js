// Dialogs that ask something and send it: open, wait, say what went wrong, give the focus back.

import { Problem } from "./api.js";

/** Wires every close button once. */
export function prepare_dialogs() {
  for (const dialog of document.querySelectorAll("dialog")) {
    dialog.addEventListener("click", (event) => {
      // A click on the backdrop is a click on the dialog itself.
      if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    });
  }
}

/**
 * Opens a dialog with a form. `send(fields)` is called once a press; what it throws is shown
 * in the dialog, and a dialog whose sending succeeded is closed.
 */
export function ask(id, { fill, send, about = "" }) {
  const dialog = document.getElementById(id);
  const form = dialog.querySelector("form");
  const error = form.querySelector(".form-error");
  const button = form.querySelector("[type=submit]");
  form.reset();
  error.hidden = true;
  const line = form.querySelector("[data-about]");
  if (line) line.textContent = about;
  fill?.(form);
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    error.hidden = true;
    try {
      await send(new FormData(form));
      dialog.close();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      error.textContent = problem.words;
      error.hidden = false;
    } finally {
      button.disabled = false;
    }
  };
  dialog.showModal();
  // Not on the cross in the corner, where the browser would put it.
  form.querySelector("input:checked, textarea, input:not([type=hidden]), select").focus();
  return dialog;
}
