// Keeps the operator's page up to date: the server sends the parts that changed, and they take the place of the old ones.
// Without this file the page works as it is.
"use strict";
(() => {
  const body = document.body;
  const state = document.getElementById("live-state");
  const button = document.getElementById("live-button");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const waiting = new Map();
  let paused = still.matches;
  let source = null;

  const tell = (words) => {
    if (state.textContent !== words) state.textContent = words;
  };

  // What was opened stays open; a reader who has the focus inside a part keeps it as it is until they leave.
  const replace = (name, html) => {
    const part = document.getElementById(`part-${name}`);
    if (!part) return;
    if (part.contains(document.activeElement)) {
      waiting.set(name, html);
      return;
    }
    waiting.delete(name);
    const open = [...part.querySelectorAll("details[open]")].map((details) => details.id);
    part.innerHTML = html;
    for (const id of open) {
      const details = document.getElementById(id);
      if (details) details.open = true;
    }
  };

  const stop = () => {
    if (source) source.close();
    source = null;
  };

  const start = () => {
    stop();
    source = new EventSource(body.dataset.events);
    source.addEventListener("open", () => tell(body.dataset.on));
    source.addEventListener("error", () => {
      tell(body.dataset.failed);
      // A refused stream is not tried again by the browser.
      if (source && source.readyState === EventSource.CLOSED) setTimeout(show, 5000);
    });
    source.addEventListener("parts", (event) => {
      tell(body.dataset.on);
      for (const [name, html] of Object.entries(JSON.parse(event.data))) replace(name, html);
    });
  };

  const show = () => {
    button.hidden = false;
    button.textContent = paused ? body.dataset.resume : body.dataset.pause;
    if (paused) {
      stop();
      tell(body.dataset.paused);
    } else if (!document.hidden) start();
  };

  button.addEventListener("click", () => {
    paused = !paused;
    show();
  });
  document.addEventListener("focusout", () => {
    setTimeout(() => {
      for (const [name, html] of [...waiting]) replace(name, html);
    });
  });
  // Nobody looks at a hidden page: it takes no connection then.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else if (!paused && !source) start();
  });
  still.addEventListener("change", () => {
    paused = still.matches;
    show();
  });
  addEventListener("pagehide", stop);
  show();
})();
