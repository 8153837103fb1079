// Narrows the list of images while one ticks and types, says what is recommended, keeps what is free
// up to date and makes a link to the choice. An extra only: without it the same form is sent, the
// hub narrows and recommends the same (recommend.py), and says what does not fit together.
(() => {
  "use strict";
  const menu = document.getElementById("st-menu");
  if (!menu) {
    return;
  }
  const words = menu.dataset;
  const byId = (id) => document.getElementById(id);
  const fits = byId("st-fits");
  const take = byId("st-take");
  const search = byId("st-search");
  const all = byId("st-all");
  const FIRST = 12;
  let everything = false;

  const say = (text, values) =>
    text.replace(/%\((\w+)\)s/g, (_found, name) => String(values[name] ?? ""));
  const listed = (names) =>
    names.length < 2
      ? names.join("")
      : say(words.and, { first: names.slice(0, -1).join(", "), last: names.at(-1) });
  const split = (text) => (text ?? "").split(" ").filter(Boolean);

  const card = (element) => ({
    element,
    input: element.querySelector("input[type=radio], input[type=hidden]"),
    name: element.querySelector(".st-name").textContent,
    about: element.querySelector(".st-about"),
    tasks: new Set(split(element.dataset.tasks)),
  });
  const images = Array.from(menu.querySelectorAll("#st-images .st-option[data-tools]"), (element) => ({
    ...card(element),
    tools: new Set(split(element.dataset.tools)),
    frameworks: new Map(split(element.dataset.frameworks).map((each) => each.split("/"))),
    cuda: "cuda" in element.dataset,
    lastResort: element.dataset.lastResort,
    text: element.textContent.toLowerCase(),
  }));
  const profiles = Array.from(menu.querySelectorAll("#st-profiles .st-option"), (element) => ({
    ...card(element),
    gpu: "gpu" in element.dataset,
    refusal: element.querySelector(".st-refusal"),
    get refused() {
      return "refused" in element.dataset;
    },
    rank: Number(element.dataset.rank),
    id: element.dataset.profile,
  }));
  const isChosen = (each) => each.input && (each.input.checked || each.input.type === "hidden");
  // Whoever has chosen keeps what they chose as long as it fits.
  let touched = "filled" in words;

  // -- what is asked for

  const ticked = (field) =>
    Array.from(menu.querySelectorAll(`input[name="${field}"]:checked`), (box) => ({
      id: box.value,
      name: box.labels[0].textContent,
    }));
  const wishes = () => ({
    tasks: ticked("task"),
    tools: ticked("tool"),
    frameworks: Array.from(menu.querySelectorAll("select[name=framework]"))
      .filter((select) => select.value)
      .map((select) => ({
        id: select.dataset.id,
        name: select.dataset.name,
        versions: split(select.selectedOptions[0].dataset.versions),
      })),
  });
  const isAsked = ({ tasks, tools, frameworks }) => tasks.length + tools.length + frameworks.length > 0;
  const meets = (image, { tasks, tools, frameworks }) =>
    tasks.every(({ id }) => image.tasks.has(id)) &&
    tools.every(({ id }) => image.tools.has(id)) &&
    frameworks.every(({ id, versions }) => versions.includes(image.frameworks.get(id)));

  // -- what is recommended, and why

  const least = (cards, rank) =>
    cards.reduce((best, each) => (best && rank(best) <= rank(each) ? best : each), undefined);
  const imageToTake = (fitting) =>
    least(fitting, (image) => `${image.lastResort}${digit(image.input.value !== words.defaultImage)}`);
  const imageReason = (image, { tasks, tools, frameworks }) => {
    const byName = [...frameworks].sort((a, b) => (a.id < b.id ? -1 : 1));
    const has = byName.map(({ id, name }) => `${name} ${image.frameworks.get(id)}`);
    const values = {
      has: listed([...has, ...tools.map((tool) => tool.name)]),
      tasks: listed(tasks.map((task) => task.name)),
    };
    if (values.has && values.tasks) {
      return say(words.hasAndSuits, values);
    }
    if (values.has || values.tasks) {
      return say(values.has ? words.has : words.suits, values);
    }
    return words.suggested;
  };
  const digit = (truth) => (truth ? 1 : 0);
  const suits = (profile, tasks) => tasks.every(({ id }) => profile.tasks.has(id));
  const profileToTake = (image, { tasks }, asked) =>
    least(
      profiles.filter((profile) => !profile.refused),
      (profile) =>
        [
          digit(!asked && profile.id !== words.defaultProfile),
          digit(!suits(profile, tasks)),
          digit(profile.gpu !== image.cuda),
          digit(profile.element.dataset.state === "full"),
          String(profile.rank).padStart(6, "0"),
        ].join(""),
    );
  const profileReason = (profile, image, { tasks }, asked) => {
    const values = { image: image.name, tasks: listed(tasks.map((task) => task.name)) };
    let told = words.nearest;
    if (!asked && profile.id === words.defaultProfile) {
      told = words.suggested;
    } else if (tasks.length && suits(profile, tasks)) {
      told = say(words.suits, values);
    } else if (profile.gpu && image.cuda) {
      told = say(words.usesGpu, values);
    } else if (!profile.gpu && !image.cuda) {
      told = say(words.needsNone, values);
    }
    const { state } = profile.element.dataset;
    if (state === "free" || state === "tight") {
      return `${told} ${words.freeNow}`;
    }
    return state === "full" ? `${told} ${words.fullNow}` : told;
  };
  const mark = (cards, best, reason) => {
    for (const each of cards) {
      each.about.querySelector(".st-pick")?.remove();
    }
    if (best) {
      const line = document.createElement("p");
      line.className = "st-pick";
      const badge = document.createElement("strong");
      badge.className = "st-badge st-badge-good";
      badge.textContent = words.recommended;
      const why = document.createElement("span");
      why.textContent = reason;
      line.append(badge, " ", why);
      best.about.prepend(line);
    }
  };
  const choose = (each) => {
    if (each?.input?.type === "radio" && !each.input.checked) {
      each.input.checked = true;
      each.input.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };

  // -- what is seen

  let best = { image: undefined, profile: undefined };

  const show = (fitting, asked) => {
    const typed = search.value.trim().toLowerCase();
    const found = typed ? fitting.filter((image) => image.text.includes(typed)) : fitting;
    const shown = found.length ? found : fitting;
    const few = everything || shown.length <= FIRST + 3;
    const chosen = images.find(isChosen);
    const seen = new Set(few ? shown : shown.slice(0, FIRST));
    if (shown.includes(best.image)) {
      seen.add(best.image);
    }
    // What would be sent is seen, whatever one looks for.
    if (fitting.includes(chosen)) {
      seen.add(chosen);
    }
    for (const image of images) {
      image.element.hidden = !seen.has(image);
    }
    all.parentElement.hidden = few;
    all.textContent = say(words.more, { count: shown.length });
    if (typed) {
      const counts = { fitting: found.length, all: images.length };
      tell(found.length ? say(words.found, counts) : words.unknown);
    } else if (!asked) {
      tell("");
    }
    return seen;
  };
  const tell = (text) => {
    if (fits && fits.textContent !== text) {
      fits.textContent = text;
    }
  };

  const recommend = (wanted, fitting) => {
    const asked = isAsked(wanted);
    const image = imageToTake(fitting);
    const profile = image && profileToTake(image, wanted, asked);
    best = { image, profile };
    mark(images, image, image && imageReason(image, wanted));
    mark(profiles, profile, profile && profileReason(profile, image, wanted, asked));
    if (!asked) {
      return;
    }
    if (!image) {
      tell(words.none);
      return;
    }
    const counts = say(words.fit, { fitting: fitting.length, all: images.length });
    const names = { image: image.name, profile: profile?.name };
    tell(`${counts} ${say(profile ? words.recommend : words.recommendImage, names)}`);
  };

  const narrow = ({ mayChoose = true } = {}) => {
    const wanted = wishes();
    const asked = isAsked(wanted);
    const meeting = images.filter((image) => meets(image, wanted));
    // When nothing fits everything stays: an empty list helps nobody.
    const fitting = meeting.length ? meeting : images;
    recommend(wanted, meeting);
    for (const image of images) {
      const lacks = image.about.querySelector(".st-lacks");
      if (lacks) {
        lacks.hidden = meets(image, wanted) || meeting.length > 0;
      }
    }
    if (mayChoose && meeting.length && asked) {
      const chosen = images.find(isChosen);
      // What is not seen must not be sent.
      if ((chosen && !fitting.includes(chosen)) || !touched) {
        choose(best.image);
      }
      if (!touched) {
        choose(best.profile);
      }
    }
    show(fitting, asked);
    if (take) {
      const taken = [best.image, best.profile].every((each) => !each || isChosen(each));
      take.hidden = !asked || !best.image || taken;
    }
    settle();
    sum();
    link();
  };

  // -- what a quota does not allow now

  const refuse = (profile, reason) => {
    profile.element.toggleAttribute("data-refused", reason !== undefined);
    profile.refusal.textContent = reason === undefined ? "" : `${words.notNow} ${reason}`;
  };
  // What is chosen stays chosen, and says what the hub would say: nobody's choice changes by itself.
  const settle = () => {
    for (const { element, input, refusal, refused } of profiles) {
      const chosen = isChosen({ input });
      refusal.hidden = !refused;
      element.classList.toggle("st-refused", refused);
      element.hidden = refused && !chosen && "hideRefused" in words;
      if (input?.type === "radio") {
        input.disabled = refused && !chosen;
      }
    }
  };

  // -- what would start, beside the button that starts it

  const sum = () => {
    const line = byId("st-chosen");
    if (!line) {
      return;
    }
    const image = images.find(isChosen);
    const profile = profiles.find(isChosen);
    line.hidden = !image || !profile;
    if (!line.hidden) {
      line.textContent = say(words.chosen, { image: image.name, profile: profile.name });
      line.classList.toggle("st-warn", profile.refused);
      if (profile.refused) {
        line.textContent += `. ${profile.refusal.textContent}`;
      }
    }
  };

  // -- a link to the choice

  const link = () => {
    const anchor = byId("st-link");
    if (!anchor) {
      return;
    }
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(menu.closest("form") ?? undefined)) {
      const isDefault = name === "fallback" && value === "any";
      if (typeof value === "string" && value && !name.startsWith("_") && !isDefault) {
        query.append(`opt-${name}`, value);
      }
    }
    anchor.href = `${words.spawn}?${query}`;
  };

  // -- what is free now: one stream, none while nobody looks, quietly given up where there is none

  const follow = () => {
    let stream;
    let failures = 0;
    let timer;
    const asOf = byId("st-as-of");
    let heard = new Date();

    const apply = ({ profiles: told, quotas, refused }) => {
      for (const profile of profiles) {
        refuse(profile, refused[profile.id]);
        const now = told[profile.id];
        if (now) {
          profile.element.dataset.state = now.state;
          const line = profile.about.querySelector(".st-free");
          line.hidden = !now.text;
          line.querySelector(".st-free-words").textContent = now.text;
        }
      }
      const list = byId("st-quotas");
      list.hidden = quotas.length === 0;
      list.replaceChildren(
        ...quotas.map(({ text }) => {
          const item = document.createElement("li");
          item.textContent = text;
          return item;
        }),
      );
      heard = new Date();
      asOf.hidden = true;
      // A choice never changes because something has become free.
      narrow({ mayChoose: false });
    };
    const close = () => {
      clearTimeout(timer);
      stream?.close();
      stream = undefined;
    };
    const open = () => {
      close();
      stream = new EventSource(words.capacity);
      stream.onmessage = (event) => {
        failures = 0;
        apply(JSON.parse(event.data));
      };
      stream.onerror = () => {
        close();
        failures += 1;
        if (profiles.some((profile) => profile.element.dataset.state !== "unknown")) {
          asOf.textContent = say(words.asOf, { time: heard.toLocaleTimeString() });
          asOf.hidden = false;
        }
        const seconds = Math.min(60, 2 ** failures) * (0.5 + Math.random() / 2);
        timer = setTimeout(open, 1000 * seconds);
      };
    };
    const attend = () => (document.hidden ? close() : open());
    document.addEventListener("visibilitychange", attend);
    window.addEventListener("pagehide", close);
    attend();
  };

  // -- wiring

  search.parentElement.hidden = images.length < 2;
  const button = byId("st-narrow");
  if (button) {
    button.hidden = true;
  }
  menu.addEventListener("change", (event) => {
    const { name } = event.target;
    if (name === "task" || name === "tool" || name === "framework") {
      narrow();
    } else {
      // Only a person's own doing counts, and not what the lines above chose.
      touched = touched || event.isTrusted;
      narrow({ mayChoose: false });
    }
  });
  search.addEventListener("input", () => narrow({ mayChoose: false }));
  search.addEventListener("keydown", (event) => {
    // Enter would start a workspace.
    if (event.key === "Enter") {
      event.preventDefault();
    }
  });
  all.addEventListener("click", () => {
    const seen = images.filter((image) => !image.element.hidden).length;
    everything = true;
    narrow({ mayChoose: false });
    images.filter((image) => !image.element.hidden)[seen]?.input?.focus();
  });
  take?.addEventListener("click", () => {
    const { image, profile } = best;
    choose(image);
    choose(profile);
    touched = true;
    narrow({ mayChoose: false });
    (byId("spawn_form")?.querySelector("button[type=submit]:not([name])") ?? image.input).focus();
  });
  byId("st-link")?.addEventListener("click", (event) => {
    if (!navigator.clipboard || event.metaKey || event.ctrlKey || event.shiftKey) {
      return;
    }
    event.preventDefault();
    navigator.clipboard
      .writeText(event.currentTarget.href)
      .then(() => (byId("st-copied").textContent = words.copied));
  });
  narrow();
  if (words.capacity && window.EventSource) {
    follow();
  }
})();
