"use strict";
/* The page of a workspace that is being stopped: goes on when the hub's stream says that it is over. */

(() => {
  const page = document.getElementById("st-stopping");
  const again = JSON.parse(page.dataset.again);

  function goOn(state) {
    if (again ? state !== "stopping" : state !== "stopping" && state !== undefined) {
      again ? window.location.reload() : window.location.assign(page.dataset.home);
    }
  }

  const stream = new EventSource(page.dataset.stream);
  stream.onmessage = (event) => {
    const told = JSON.parse(event.data).workspaces;
    goOn(told.find((workspace) => workspace.name === page.dataset.name)?.state);
  };
  window.addEventListener("pagehide", () => stream.close());

  // Whoever looks at somebody else's workspace has no stream of it, and a hub may be away.
  setTimeout(() => window.location.reload(), 6000);
})();
