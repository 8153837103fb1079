"use strict";
/* The waiting page: follows the start by the hub's event stream, until the workspace is ready or the
   start has failed. Texts from the hub are shown as text, never as markup. */

(() => {
  const find = (id) => document.getElementById(id);
  const page = find("st-waiting");
  const steps = find("st-steps");
  const bar = find("st-bar");
  const elapsed = find("st-elapsed");
  const failure = find("st-failure");
  const away = find("st-away");
  const began = Date.now() - 1000 * Number(page.dataset.elapsed);
  let firstStep = null;
  let over = false;

  // -- how far it is ----------------------------------------------------------------------------

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

  // When a step began, counted from the first one, as 1:05: both times are the hub's, whose clock
  // need not agree with the browser's.
  function moment(at) {
    firstStep ??= Date.parse(at);
    const seconds = Math.max(0, Math.round((Date.parse(at) - firstStep) / 1000));
    const time = document.createElement("time");
    time.dateTime = at;
    time.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    return time;
  }

  function tell(told) {
    const message = told.message === "Server requested" ? steps.dataset.first : told.message;
    // A step that goes on is told again with its new time ("for 20 seconds now"): the same line,
    // brought up to date. A screen reader hears a new line, not every second of an old one.
    const gist = told.step ?? message;
    const last = steps.lastElementChild;
    if (last && last.dataset.gist === gist) {
      last.firstElementChild.textContent = message;
      return;
    }
    const line = document.createElement("li");
    const words = document.createElement("span");
    words.textContent = message;
    line.append(words, ...(told.at ? [moment(told.at)] : []));
    line.dataset.gist = gist;
    line.dataset.kind = told.kind ?? "story";
    steps.append(line);
    if (line.dataset.kind === "cause") {
      lookForOffers();
    }
  }

  // -- the end ----------------------------------------------------------------------------------

  const theEnd = () => {
    over = true;
    stream?.close();
  };

  // Why it failed is asked of the page and not of the stream, which tells any error as it stands:
  // the page tells it in words that are meant for people.
  async function fail() {
    theEnd();
    bar.classList.add("st-bar-failed");
    steps.classList.add("st-steps-over");
    const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
    const told = new DOMParser().parseFromString(await answer.text(), "text/html");
    const reason = told.getElementById("st-failure-text");
    if (!reason || answer.redirected) {
      window.location.reload();
      return;
    }
    find("st-failure-text").replaceWith(document.adoptNode(reason));
    find("st-heading").textContent = failure.dataset.heading;
    for (const id of ["st-going", "st-hint", "st-offers"]) {
      find(id).hidden = true;
    }
    failure.hidden = false;
    failure.focus();
    notify(find("st-notify").dataset.failed);
  }

  function ready() {
    theEnd();
    notify(find("st-notify").dataset.ready);
    window.location.reload();
  }

  // -- the stream, which comes back after a break -----------------------------------------------

  let stream = null;

  function follow() {
    stream = new EventSource(page.dataset.stream);
    // After a break the hub tells everything from the beginning.
    stream.onopen = () => {
      away.hidden = true;
      steps.replaceChildren();
    };
    stream.onmessage = (event) => {
      const told = JSON.parse(event.data);
      if (typeof told.progress === "number" && !told.failed) {
        advance(told.progress);
      }
      if (told.ready) {
        ready();
      } else if (told.failed) {
        fail().catch(() => window.location.reload());
      } else if (told.message) {
        tell(told);
      }
    };
    stream.onerror = () => {
      if (!over && stream.readyState === EventSource.CLOSED) {
        setTimeout(comeBack, 2000);
      } else if (!over) {
        away.hidden = false;
      }
    };
  }

  // The stream was refused: the hub is away, or has just begun, or the start is over.
  async function comeBack() {
    if (over) {
      return;
    }
    try {
      const answer = await fetch(window.location.href, { headers: { Accept: "text/html" } });
      const text = answer.status < 502 ? await answer.text() : "";
      if (text && !text.includes('id="st-waiting"')) {
        window.location.reload();
        return;
      }
      away.hidden = Boolean(text);
    } catch {
      away.hidden = false;
    }
    follow();
  }

  // -- what could be had instead ----------------------------------------------------------------

  const offers = find("st-offers");
  let looking = null;

  function offerLine(offer) {
    const list = offers.querySelector("ul");
    const line = document.createElement("li");
    const words = document.createElement("div");
    const name = document.createElement("strong");
    name.textContent = offer.display_name;
    words.append(name, document.createElement("br"), offer.text);
    const form = document.createElement("form");
    form.method = "post";
    form.action = list.dataset.address;
    for (const [field, value] of [["_xsrf", list.dataset.token], ["profile", offer.profile]]) {
      const input = document.createElement("input");
      Object.assign(input, { type: "hidden", name: field, value });
      form.append(input);
    }
    const button = document.createElement("button");
    button.className = "btn st-button-quiet";
    button.textContent = list.dataset.take;
    button.dataset.busy = list.dataset.busy;
    button.setAttribute("aria-label", `${list.dataset.take}: ${offer.display_name}`);
    form.append(button);
    line.append(words, form);
    return line;
  }

  async function lookForOffers() {
    clearTimeout(looking);
    if (over) {
      return;
    }
    try {
      const answer = await fetch(page.dataset.offers, { headers: { Accept: "application/json" } });
      const told = answer.ok ? (await answer.json()).offers : [];
      const list = offers.querySelector("ul");
      const said = JSON.stringify(told);
      if (!over && list.dataset.said !== said && !list.contains(document.activeElement)) {
        list.dataset.said = said;
        list.replaceChildren(...told.map(offerLine));
        offers.hidden = told.length === 0;
      }
    } catch {
      // The hub is away; the stream says so.
    }
    looking = setTimeout(lookForOffers, 10000);
  }

  // -- to be told by the browser ----------------------------------------------------------------

  const bell = find("st-notify");
  let wanted = false;

  function notify(text) {
    if (wanted && document.hidden) {
      new Notification(text, { body: page.dataset.title, tag: window.location.pathname });
    }
  }

  // The permission is asked for at the click that needs it, and never before.
  if ("Notification" in window && window.isSecureContext) {
    bell.hidden = false;
    bell.addEventListener("click", async () => {
      wanted = (await Notification.requestPermission()) === "granted";
      find("st-notify-told").textContent = wanted ? bell.dataset.granted : bell.dataset.denied;
      bell.hidden = wanted;
    });
  }

  // -- details ----------------------------------------------------------------------------------

  const details = find("st-details");
  const raw = find("st-raw");
  let reading = null;

  async function readDetails() {
    clearTimeout(reading);
    if (!details.open) {
      return;
    }
    try {
      const answer = await fetch(page.dataset.log, { headers: { Accept: "application/json" } });
      const { attempts } = await answer.json();
      const told = attempts.flatMap((attempt) => [
        attempt.image,
        ...(attempt.events.length ? [`${raw.dataset.events}:`, ...attempt.events] : []),
        ...(attempt.log ? [`${raw.dataset.written}:`, attempt.log] : []),
        "",
      ]);
      raw.textContent = told.join("\n").trim() || raw.dataset.nothing;
    } catch {
      raw.textContent = raw.dataset.away;
    }
    if (!over) {
      reading = setTimeout(readDetails, 5000);
    }
  }
  details.addEventListener("toggle", readDetails);

  // The cancelled start ends the stream, too, and would load this page anew before the form's answer
  // has taken the person home. Taking an offer cancels it as well.
  document.addEventListener("submit", theEnd);

  follow();
  tick();
  const clock = setInterval(() => (over ? clearInterval(clock) : tick()), 1000);
})();
