// Narrows the list of images while tasks and tools are ticked. An extra only: without it the same form
// is sent and the hub says what does not fit together.
(() => {
  "use strict";
  const menu = document.getElementById("st-menu");
  const fits = document.getElementById("st-fits");
  if (!menu || !fits) {
    return;
  }
  const options = Array.from(menu.querySelectorAll("#st-images .st-option"));
  const ticked = (field) =>
    Array.from(menu.querySelectorAll(`input[name="${field}"]:checked`), (box) => box.value);
  const has = (option, key, wanted) => {
    const provided = new Set(option.dataset[key].split(" "));
    return wanted.every((name) => provided.has(name));
  };

  const narrow = () => {
    const tasks = ticked("task");
    const tools = ticked("tool");
    const fitting = options.filter((o) => has(o, "tasks", tasks) && has(o, "tools", tools));
    const none = fitting.length === 0;
    for (const option of options) {
      option.hidden = !none && !fitting.includes(option);
    }
    // What is not seen must not be sent.
    const chosen = options.find((option) => option.querySelector("input").checked);
    if (!none && chosen && chosen.hidden) {
      fitting[0].querySelector("input").checked = true;
    }
    if (tasks.length + tools.length === 0) {
      fits.textContent = "";
    } else if (none) {
      fits.textContent = "No image provides all of this. Untick something.";
    } else {
      fits.textContent = `${fitting.length} of ${options.length} images fit.`;
    }
  };

  menu.addEventListener("change", (event) => {
    if (event.target.name === "task" || event.target.name === "tool") {
      narrow();
    }
  });
  narrow();
})();
