// Takes parts marked `data-live` anew from this page, or counts what is new.
(() => {
  "use strict";
  const root = document.querySelector("[data-live-folge]");
  if (!root || !window.TextDecoderStream) return;
  const set = root.dataset, said = root.querySelector("[role=status]");
  const REST_MS = 3000;
  let seen = set.liveStand, wait = 1000, timer = 0, last = 0, stop = null, over = false;

  const all = (of, what) => [...of.querySelectorAll(what)];
  const parts = (page) => all(page, "[data-live]");
  const was = new Map(parts(document).map((part) => [part.dataset.live, part.outerHTML]));

  async function look() {
    timer = 0;
    last = Date.now();
    const answer = await fetch(location.pathname + location.search);
    if (!answer.ok || answer.redirected) return end();
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const text = set.liveNeu ? count(page) : take(page);
    if (text !== null && said.textContent !== text) said.textContent = text;
  }

  function count(page) {
    const links = (of) => all(of, "[data-live] th a").map((a) => a.pathname);
    const old = new Set(links(document)), n = links(page).filter((path) => !old.has(path)).length;
    return n === 0 ? "" : n === 1 ? set.liveEine : n + " " + set.liveNeu;
  }

  function take(page) {
    let changed = null;
    for (const part of parts(document)) {
      const name = part.dataset.live, next = parts(page).find((p) => p.dataset.live === name);
      if (!next || next.outerHTML === was.get(name)) continue;
      was.set(name, next.outerHTML);
      swap(part, document.importNode(next, true));
      changed = set.liveGeaendert + " " + document.querySelector("[data-live=stand]").textContent.trim();
    }
    return changed;
  }

  // what is open or ticked, scroll and focus: all stays
  function swap(old, next) {
    const key = (d) => (d.querySelector("[id]") || d.firstElementChild).id;
    const open = new Map(all(old, "details").map((d) => [key(d), d.open]));
    for (const d of all(next, "details")) d.open = open.get(key(d)) ?? d.open;
    all(next, "input").forEach((box, n) => (box.checked = all(old, "input")[n]?.checked));
    const scrolled = all(old, "[tabindex]").map((box) => [box.scrollLeft, box.scrollTop]);
    const at = document.activeElement, inside = old.contains(at), way = [];
    for (let n = at; inside && n !== old; n = n.parentElement) way.unshift([...n.parentElement.children].indexOf(n));
    old.replaceWith(next);
    all(next, "[tabindex]").forEach((box, n) => box.scrollTo(...(scrolled[n] || [0, 0])));
    const same = way.reduce((node, n) => node?.children[n], next) || document.querySelector("main");
    if (inside) same.focus({ preventScroll: true });
  }

  function soon() {
    timer ||= setTimeout(() => look().catch(() => {}), Math.max(0, last + REST_MS - Date.now()));
  }

  function end() {
    over = true;
    stop?.abort();
  }

  async function follow() {
    stop = new AbortController();
    const answer = await fetch(set.liveFolge, { headers: { "last-event-id": seen }, signal: stop.signal });
    if (answer.status === 204 || answer.redirected || /^4/.test(answer.status)) return end();
    if (!answer.ok) throw answer.status;
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let rest = ""; ; ) {
      const { done, value } = await reader.read();
      if (done) return;
      wait = 1000;
      const lines = (rest + value).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        if (line.startsWith("id:")) seen = line.slice(3).trim();
        if (line.startsWith("data:")) soon();
      }
    }
  }

  // a hidden window follows nothing: connections are few
  async function run() {
    while (!over && !document.hidden) {
      await follow().catch(() => (wait = Math.min(wait * 2, 60000)));
      await new Promise((go) => setTimeout(go, wait));
    }
    stop = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop?.abort();
    else if (!stop) run();
  });
  run();
})();
