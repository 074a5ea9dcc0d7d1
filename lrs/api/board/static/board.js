// Keeps a page fresh: fetches it again and replaces the parts marked data-live. Without this file the page works as it is.
"use strict";
(() => {
  const body = document.body;
  const seconds = Number(body.dataset.refresh);
  if (!seconds) return;
  const whole = "whole" in body.dataset;
  const state = document.getElementById("live-state");
  const button = document.getElementById("live-button");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  // An empty page has no numbers that could move; it waits for the first.
  let paused = still.matches && !whole;
  let timer = 0;

  const tell = (words) => {
    if (state && state.textContent !== words) state.textContent = words;
  };

  const show = () => {
    tell(paused ? body.dataset.paused : body.dataset.on);
    if (!button) return;
    button.hidden = false;
    button.textContent = paused ? body.dataset.resume : body.dataset.pause;
  };

  const parts = (page) => [...page.querySelectorAll("[data-live]")].map((part) => part.id).join();

  // A reader who has the focus inside a part keeps it as it is until they leave.
  const replace = (fresh) => {
    for (const part of document.querySelectorAll("[data-live]")) {
      const next = fresh.getElementById(part.id);
      if (!next || part.contains(document.activeElement) || part.innerHTML === next.innerHTML) continue;
      part.replaceWith(document.importNode(next, true));
    }
  };

  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (whole !== "whole" in fresh.body.dataset) return location.reload();
      if (parts(fresh) !== parts(document)) return location.reload();
      replace(fresh);
      if (!paused) tell(body.dataset.on);
    } catch {
      tell(body.dataset.failed);
    }
  };

  const tick = async () => {
    if (!paused && !document.hidden) await refresh();
    timer = setTimeout(tick, seconds * 1000);
  };

  const set = (value) => {
    paused = value;
    show();
    clearTimeout(timer);
    if (!paused) tick();
  };

  if (button) button.addEventListener("click", () => set(!paused));
  still.addEventListener("change", () => set(still.matches && !whole));
  show();
  timer = setTimeout(tick, seconds * 1000);
})();
