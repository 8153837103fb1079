// Checks the image that somebody names while they type it. An extra only: without it the reference
// is checked when the form is sent. One request in every pause, the latest one counts.
(() => {
  "use strict";
  const card = document.getElementById("st-custom");
  if (!card) {
    return;
  }
  const PAUSE_MS = 400;
  const words = card.dataset;
  const button = card.querySelector("input[type=radio]");
  const field = document.getElementById("st-custom-image");
  const result = document.getElementById("st-custom-result");
  const form = field.closest("form");
  let timer;
  let running;
  let answered = "";

  const profile = () =>
    form?.querySelector("input[name=profile]:checked, input[name=profile][type=hidden]")?.value;
  const question = () => JSON.stringify({ reference: field.value.trim(), profile: profile() });

  // -- what is shown

  const line = (text, name) => {
    const made = document.createElement("p");
    made.textContent = text;
    if (name) {
      made.className = name;
    }
    return made;
  };
  const show = (...lines) => result.replaceChildren(...lines);
  const tell = (answer) => {
    const box = document.createElement("div");
    box.dataset.decision = answer.decision;
    const good = answer.decision === "accepted";
    box.append(line(good ? words.good : answer.message, "st-strong"));
    if (answer.hint) {
      box.append(line(answer.hint));
    }
    if (answer.facts.length) {
      box.append(line(answer.facts.join(" · "), "st-quiet"));
    }
    if (answer.instead.length) {
      const images = answer.instead.join(", ");
      box.append(line(words.instead.replace("%(images)s", () => images), "st-quiet"));
    }
    show(box);
  };

  // -- asking

  const ask = async () => {
    running?.abort();
    const asked = question();
    if (!words.check || !field.value.trim() || asked === answered) {
      return;
    }
    const mine = new AbortController();
    running = mine;
    show(line(words.checking, "st-quiet"));
    try {
      const response = await fetch(words.check, {
        method: "POST",
        headers: {
          "Content-Type": "application/json",
          Accept: "application/json",
          "X-XSRFToken": form?.querySelector("input[name=_xsrf]")?.value ?? "",
        },
        credentials: "same-origin",
        body: asked,
        signal: mine.signal,
      });
      if (response.status === 429) {
        const seconds = Number(response.headers.get("Retry-After")) || 1;
        later(1000 * Math.min(seconds, 10));
        return;
      }
      if (!response.ok) {
        throw new Error(String(response.status));
      }
      const answer = await response.json();
      if (running === mine) {
        answered = asked;
        tell(answer);
      }
    } catch (error) {
      if (error.name !== "AbortError" && running === mine) {
        show(line(words.away, "st-quiet"));
      }
    }
  };
  const later = (milliseconds) => {
    clearTimeout(timer);
    timer = setTimeout(ask, milliseconds);
  };

  // -- wiring

  const follow = () => {
    field.required = button.checked;
  };
  field.addEventListener("input", () => {
    running?.abort();
    if (answered && question() !== answered) {
      answered = "";
      show();
    }
    if (field.value && !button.checked) {
      button.checked = true;
      button.dispatchEvent(new Event("change", { bubbles: true }));
    }
    if (!field.value.trim()) {
      clearTimeout(timer);
      show();
      return;
    }
    later(PAUSE_MS);
  });
  field.addEventListener("keydown", (event) => {
    // Enter would press the form's first button; here it means: check now.
    if (event.key === "Enter") {
      event.preventDefault();
      later(0);
    }
  });
  form?.addEventListener("change", (event) => {
    follow();
    if (event.target === button && button.checked && !field.value) {
      field.focus();
    } else if (event.target.name === "profile" && button.checked) {
      later(0);
    }
  });
  window.addEventListener("pagehide", () => running?.abort());
  follow();
  if (button.checked) {
    later(0);
  }
})();
