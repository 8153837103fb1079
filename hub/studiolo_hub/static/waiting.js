"use strict";
/* The waiting page: follows the start by the hub's event stream, until the workspace is ready or the
   start has failed. Texts from the stream are shown as text, never as markup. */

(() => {
  const page = document.getElementById("st-waiting");
  const steps = document.getElementById("st-steps");
  const bar = document.getElementById("st-bar");
  const elapsed = document.getElementById("st-elapsed");
  const failure = document.getElementById("st-failure");
  const began = Date.now() - 1000 * Number(page.dataset.elapsed);
  let over = false;

  function tick() {
    const seconds = Math.max(0, Math.round((Date.now() - began) / 1000));
    const minutes = Math.floor(seconds / 60);
    const time = minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
    elapsed.textContent = elapsed.dataset.words.replace("{time}", time);
  }

  function advance(progress) {
    bar.setAttribute("aria-valuenow", String(progress));
    bar.firstElementChild.style.width = `${Math.max(2, progress)}%`;
  }

  function tell(told) {
    const message = told === "Server requested" ? steps.dataset.first : told;
    // A step that goes on is told again with its new time ("for 20 s now"): the same line, brought
    // up to date. A screen reader hears a new line, not every second of an old one.
    const kind = message.replace(/, for [^,.]*? now/, "");
    const last = steps.lastElementChild;
    if (last && last.dataset.kind === kind) {
      last.textContent = message;
      return;
    }
    const line = document.createElement("li");
    line.textContent = message;
    line.dataset.kind = kind;
    steps.append(line);
  }

  // Why it failed is asked of the page and not of the stream, which tells any error as it stands:
  // the page tells it in words that are meant for people.
  async function fail() {
    over = true;
    bar.classList.add("st-bar-failed");
    steps.classList.add("st-steps-over");
    const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    const reason = told.getElementById("st-failure-text");
    if (!reason || answer.redirected) {
      window.location.reload();
      return;
    }
    document.getElementById("st-failure-text").replaceWith(document.adoptNode(reason));
    document.getElementById("st-heading").textContent = failure.dataset.heading;
    document.getElementById("st-going").hidden = true;
    document.getElementById("st-hint").hidden = true;
    failure.hidden = false;
    failure.focus();
  }

  const stream = new EventSource(page.dataset.stream);

  // After a break the hub tells everything from the beginning.
  stream.onopen = () => steps.replaceChildren();

  stream.onmessage = (event) => {
    const told = JSON.parse(event.data);
    if (typeof told.progress === "number" && !told.failed) {
      advance(told.progress);
    }
    if (told.ready) {
      stream.close();
      over = true;
      window.location.reload();
    } else if (told.failed) {
      stream.close();
      fail().catch(() => window.location.reload());
    } else if (told.message) {
      tell(told.message);
    }
  };

  // The cancelled start ends the stream, too, and would load this page anew before the form's answer
  // has taken the person home.
  document.getElementById("st-going").addEventListener("submit", () => {
    stream.close();
    over = true;
  });

  tick();
  const clock = setInterval(() => (over ? clearInterval(clock) : tick()), 1000);
})();
