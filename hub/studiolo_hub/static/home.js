"use strict";
/* The home page's cards follow what happens: the hub's stream sends the cards anew, and only what
   differs is replaced, so that nobody loses their place, their focus or what they are typing. */

(() => {
  const cards = document.getElementById("st-workspaces");
  const away = document.getElementById("st-stream-away");
  const language = document.documentElement.lang || undefined;

  // -- times in the reader's own words and hours ------------------------------------------------

  function elapsed(moment) {
    const minutes = Math.max(0, Math.floor((Date.now() - moment.getTime()) / 60000));
    const parts = [
      [Math.floor(minutes / 1440), "day"],
      [Math.floor(minutes / 60) % 24, "hour"],
      [minutes % 60, "minute"],
    ].filter(([value]) => value > 0);
    const told = parts.slice(0, 2).map(([value, unit]) =>
      new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(value),
    );
    return told.join(" ");
  }

  function tellTimes() {
    for (const time of cards.querySelectorAll("time[data-ago]")) {
      // Less than a minute is left in the server's words.
      const told = elapsed(new Date(time.dateTime));
      if (told && time.textContent !== told) {
        time.textContent = told;
      }
    }
    for (const time of cards.querySelectorAll("time[data-clock]")) {
      const moment = new Date(time.dateTime);
      const today = moment.toDateString() === new Date().toDateString();
      const form = today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" };
      time.textContent = new Intl.DateTimeFormat(language, form).format(moment);
    }
  }

  // -- cards ------------------------------------------------------------------------------------

  const partsOf = (card) => [...card.querySelectorAll(":scope > [data-part]")];

  // What a part says, apart from times in words: those change by themselves, here.
  const saying = (part) => part.outerHTML.replace(/(<time\b[^>]*>)[^<]*/g, "$1");

  const remember = (card) => partsOf(card).forEach((part) => (part.said = saying(part)));

  function busy(part) {
    return part.matches("details[open]") || part.contains(document.activeElement);
  }

  function focusOf(part) {
    const active = document.activeElement;
    return part.contains(active) ? active.textContent.trim() : null;
  }

  function bringUpToDate(old, fresh) {
    const state = fresh.dataset.state;
    const changed = old.dataset.state !== state;
    old.dataset.state = state;
    partsOf(fresh).forEach((part, index) => {
      const before = partsOf(old)[index];
      const said = saying(part);
      if (before.said === said || (before.matches("details") && busy(before) && !changed)) {
        return;
      }
      const focused = focusOf(before);
      if (before.matches("details[open]")) {
        part.open = true;
      }
      part.said = said;
      before.replaceWith(part);
      if (focused !== null) {
        const again = [...part.querySelectorAll("a, button, summary, input")];
        (again.find((each) => each.textContent.trim() === focused) || again[0])?.focus();
      }
    });
  }

  function show(html) {
    const fresh = document.createElement("template");
    // The hub's own template made it, which escapes every text that is not its own.
    fresh.innerHTML = html;
    for (const field of fresh.content.querySelectorAll("input[name=_xsrf]")) {
      field.value = cards.dataset.token;
    }
    const shown = new Map([...cards.children].map((card) => [card.dataset.name, card]));
    let last = null;
    for (const card of [...fresh.content.children]) {
      const old = shown.get(card.dataset.name);
      shown.delete(card.dataset.name);
      if (old) {
        bringUpToDate(old, card);
        last = old;
      } else {
        remember(card);
        last ? last.after(card) : cards.prepend(card);
        last = card;
      }
    }
    shown.forEach((card) => card.remove());
    tellTimes();
  }

  // -- the stream -------------------------------------------------------------------------------

  let stream = null;
  let awaySince = 0;

  function follow() {
    stream = new EventSource(cards.dataset.stream);
    stream.onopen = () => {
      awaySince = 0;
      away.hidden = true;
    };
    stream.addEventListener("cards", (event) => show(event.data));
    stream.onerror = () => {
      awaySince = awaySince || Date.now();
      // A stream that ends comes back by itself; only a hub that stays away is worth a word.
      away.hidden = Date.now() - awaySince < 4000;
      if (stream.readyState === EventSource.CLOSED) {
        // Refused: perhaps signed out, perhaps the hub has just begun. The page would tell.
        setTimeout(follow, 5000);
      }
    };
  }

  // A page that is only kept in the browser's memory must not hold a stream.
  window.addEventListener("pagehide", () => stream?.close());
  [...cards.children].forEach(remember);
  setInterval(tellTimes, 30000);
  tellTimes();
  follow();
})();
