"use strict";
/* A button that was pressed says so and cannot be pressed twice. */

document.addEventListener("submit", (event) => {
  const button = event.submitter;
  if (!button || !button.dataset.busy) {
    return;
  }
  if (button.dataset.confirm && !window.confirm(button.dataset.confirm)) {
    event.preventDefault();
    return;
  }
  button.textContent = button.dataset.busy;
  // Not before the form is sent: a disabled button takes its form with it.
  setTimeout(() => (button.disabled = true), 0);
});

// A page that is shown again from the browser's memory is ready to be used.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    window.location.reload();
  }
});
