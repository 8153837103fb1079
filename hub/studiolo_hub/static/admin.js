"use strict";
/* The administration's pages stay up to date: when the hub says that something has changed, or the
   filter was changed, the page is asked for again and its live part replaced. Everything that is
   shown was made by the server; without this script the pages are complete and stand still. */

(() => {
  const LEAST_MS = 3000; // between two renewals that nobody asked for
  const TYPING_MS = 250;

  const page = document.querySelector("main[data-events]");
  const filter = document.getElementById("st-filter");
  if (!page) {
    return;
  }
  document.documentElement.classList.add("st-live");

  let renewed = Date.now();
  let timer = 0;
  let asking = null;

  function address() {
    const url = new URL(window.location.href);
    if (filter) {
      const fields = new FormData(filter);
      url.search = "";
      for (const [name, value] of fields) {
        if (value && !(name === "state" && value === "active")) {
          url.searchParams.set(name, value);
        }
      }
    }
    return url;
  }

  // What is open stays open, and what had the focus has it again, found by where it stands.
  function placeOf(element, within) {
    const path = [];
    for (let at = element; at && at !== within; at = at.parentElement) {
      path.unshift([...at.parentElement.children].indexOf(at));
    }
    return path;
  }

  function atPlace(path, within) {
    return path.reduce((at, index) => at && at.children[index], within);
  }

  function keyOf(details) {
    const owner = details.closest("[data-image], [data-user]");
    return owner ? JSON.stringify({ ...owner.dataset }) : "";
  }

  function replace(fresh) {
    const live = document.getElementById("st-live");
    if (live.innerHTML === fresh.innerHTML) {
      return;
    }
    const open = new Set([...live.querySelectorAll("details[open]")].map(keyOf));
    const focused = live.contains(document.activeElement) ? document.activeElement : null;
    const path = focused ? placeOf(focused, live) : null;
    live.replaceChildren(...document.adoptNode(fresh).childNodes);
    for (const details of live.querySelectorAll("details")) {
      details.open = open.has(keyOf(details));
    }
    if (path) {
      const again = atPlace(path, live);
      if (again && again.tagName === focused.tagName) {
        again.focus({ preventScroll: true });
      }
    }
  }

  async function renew() {
    asking?.abort();
    asking = new AbortController();
    renewed = Date.now();
    try {
      const answer = await fetch(address(), {
        headers: { Accept: "text/html" },
        signal: asking.signal,
      });
      if (answer.redirected || answer.status === 403) {
        window.location.reload(); // signed out, or no longer an administrator
        return;
      }
      if (answer.ok) {
        const told = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = told.getElementById("st-live");
        if (fresh && !document.querySelector("#st-live button:disabled")) {
          replace(fresh);
        }
      }
    } catch (error) {
      if (error.name !== "AbortError" && !(error instanceof TypeError)) {
        throw error; // a hub that is away is no error: the stream will say when it is back
      }
    }
  }

  function renewSoon(wait) {
    clearTimeout(timer);
    timer = setTimeout(renew, wait);
  }

  function changed() {
    if (document.visibilityState === "visible") {
      renewSoon(Math.max(0, renewed + LEAST_MS - Date.now()));
    }
  }

  let first = true;
  const stream = new EventSource(page.dataset.events);
  stream.onmessage = () => {
    if (first) {
      first = false; // it says how things stand, and the page is fresh
      return;
    }
    changed();
  };
  document.addEventListener("visibilitychange", changed);

  if (filter) {
    const narrowed = () => {
      window.history.replaceState(null, "", address());
      renewSoon(TYPING_MS);
    };
    filter.addEventListener("input", narrowed);
    filter.addEventListener("submit", (event) => {
      event.preventDefault();
      narrowed();
    });
  }
})();
