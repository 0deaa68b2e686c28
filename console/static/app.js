/* Counts the clocks on, and refreshes the live parts of a page when the centre says that something changed.
   Pages are whole without this file; what it writes is what the server would write a moment later. */
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const speed = Number(root.dataset.speed) || 1;
  let told = Number(root.dataset.now), heard = performance.now();

  /** The centre's time now, ms: told by the server, carried on at the story's speed. */
  const now = () => told + (performance.now() - heard) * speed;
  const pad = (n) => String(n).padStart(2, "0");
  /** The twin of Shown.hms. */
  const hms = (seconds) => {
    const s = Math.floor(Math.abs(seconds));
    return `${Math.floor(s / 3600)}:${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
  };
  const units = [[604800, "week"], [86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const writers = Object.fromEntries(units.map(([, unit]) => [unit, new Intl.NumberFormat(root.lang, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: 0 })]));
  /** The twin of Shown.age, with Babel's threshold. */
  const age = (seconds) => {
    const s = Math.round(Math.max(0, seconds));
    const [size, unit] = units.find(([size]) => s / size >= 0.85) || units.at(-1);
    return writers[unit].format(Math.round(s / size));
  };
  window.roundsman = { now, hms, age };
  const put = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  const tick = () => {
    const at = now();
    for (const hands of document.querySelectorAll("[data-due]")) {
      put(hands, hms((Number(hands.dataset.due) - at) / 1000));
    }
    for (const clock of document.querySelectorAll("[data-clock]")) {
      const late = at > Number(clock.dataset.end), near = !late && "warn" in clock.dataset && at >= Number(clock.dataset.warn);
      clock.classList.toggle("late", late);
      clock.classList.toggle("c-broken", late);
      clock.classList.toggle("c-danger", near);
      clock.classList.toggle("c-running", !late && !near);
    }
    for (const hands of document.querySelectorAll("[data-since]")) put(hands, hms((at - Number(hands.dataset.since)) / 1000));
    for (const time of document.querySelectorAll("[data-age]")) put(time, age((at - Number(time.dataset.age)) / 1000));
  };
  tick();
  setInterval(tick, 250);

  for (const select of document.querySelectorAll("select[data-go]")) select.addEventListener("change", () => select.form.requestSubmit());

  // A double click is one act.
  for (const form of document.querySelectorAll("form[method=post]")) form.addEventListener("submit", (event) => { if (form.dataset.sent) event.preventDefault(); form.dataset.sent = "1"; });

  const feed = document.getElementById("feed");
  if (!feed || !document.body.dataset.events || !window.EventSource) return;
  const state = document.getElementById("feed-state");
  let pending = new Set(), busy = false;

  /** Ask for the page once more and take over the parts that show what changed. */
  const refresh = () => {
    if (busy || !pending.size || !window.htmx || document.hidden) return;
    const parts = [...document.querySelectorAll("[data-live]")].filter((part) => part.dataset.live.split(" ").some((kind) => pending.has(kind)));
    pending = new Set();
    if (!parts.length) return;
    busy = true;
    feed.setAttribute("hx-select-oob", parts.map((part) => `#${part.id}`).join(","));
    window.htmx.trigger(feed, "changed");
  };
  // Replacing a part that is the same, or that the reader works in, would only take the focus away.
  document.body.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    const fresh = fragment.firstElementChild;
    if (target.contains(document.activeElement) || (fresh && fresh.innerHTML === target.innerHTML)) event.detail.shouldSwap = false;
  });
  for (const name of ["htmx:afterRequest", "htmx:sendError"]) document.body.addEventListener(name, () => { busy = false; tick(); setTimeout(refresh, 0); });

  const connect = () => {
    const source = new EventSource(document.body.dataset.events);
    let first = true;
    source.addEventListener("changed", (event) => {
      const news = JSON.parse(event.data);
      told = news.now;
      heard = performance.now();
      state.dataset.on = "1";
      news.kinds.forEach((kind) => pending.add(kind));
      if (first) ["ticket", "incident", "alert", "readings"].forEach((kind) => pending.add(kind));
      if (first || news.kinds.includes("readings")) document.dispatchEvent(new Event("roundsman:readings"));
      first = false;
      refresh();
    });
    source.addEventListener("error", () => {
      state.dataset.on = "0";
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5000);
      else first = true;
    });
    window.addEventListener("pagehide", () => source.close(), { once: true });
  };
  connect();
  window.addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
  document.addEventListener("visibilitychange", refresh);
})();
