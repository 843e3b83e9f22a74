// Conveniences over pages that work without them: keys, live progress, comboboxes, the theme.
// Every behaviour finds its elements by a data attribute, so that a swapped fragment keeps it.

const root = document.documentElement;
root.classList.add("scripted");

const $ = (selector, from = document) => from.querySelector(selector);
const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
const isTyping = (el) => el.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
const say = (text) => { const live = $("#announce"); if (live) live.textContent = text; };

// --- theme -----------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("button[name=theme]");
  if (!button) return;
  event.preventDefault();
  const theme = button.value;
  if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
  const age = theme === "auto" ? 0 : 31536000;
  document.cookie = `canvass_theme=${theme}; path=/; max-age=${age}; samesite=lax`;
  for (const other of $$("button[name=theme]")) other.setAttribute("aria-pressed", String(other.value === theme));
});

// --- menus close when something else is used ----------------------------------------------------

document.addEventListener("click", (event) => {
  for (const menu of $$("details.menu[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = event.target.closest?.("details.menu[open]");
  if (menu) { menu.open = false; $("summary", menu).focus(); }
});

// --- keys ----------------------------------------------------------------------------------------

let going = 0;
const rows = () => $$("[data-row]");
function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
  const next = all[Math.min(all.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  next.tabIndex = -1;
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}
const currentRow = () => document.activeElement?.closest?.("[data-row]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target) || $("dialog[open]")) return;
  const key = event.key;
  if (going && Date.now() - going < 1200) {
    going = 0;
    const link = $(`[data-go="${CSS.escape(key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  const row = currentRow();
  const act = {
    "/": () => { const find = $("#find"); find?.focus(); find?.select(); },
    "?": () => $("#keys")?.showModal(),
    g: () => { going = Date.now(); },
    j: () => step(1),
    k: () => step(-1),
    x: () => { const pick = row && $(".pick", row); if (pick) pick.click(); },
    s: () => row && $("select", row)?.focus(),
    n: () => row && $("[data-notes]", row)?.click(),
    Enter: () => row === event.target && $("a", row)?.click(),
    "[": () => $("[rel=prev]")?.click(),
    "]": () => $("[rel=next]")?.click(),
  }[key];
  if (!act || ((key === "s" || key === "x" || key === "n") && !row)) return;
  if (key === "Enter" && row !== event.target) return;
  event.preventDefault();
  act();
});
document.addEventListener("click", (event) => {
  const opener = event.target.closest?.("[data-opens]");
  if (opener) { event.preventDefault(); document.getElementById(opener.dataset.opens)?.showModal(); }
  if (event.target.closest?.("[data-closes]")) event.target.closest("dialog")?.close();
});

// --- picking rows ----------------------------------------------------------------------------------

let lastPick = null;
document.addEventListener("click", (event) => {
  const pick = event.target;
  if (!pick.matches?.(".pick")) return;
  const all = $$(".pick");
  if (event.shiftKey && lastPick && all.includes(lastPick)) {
    const [from, to] = [all.indexOf(lastPick), all.indexOf(pick)].sort((a, b) => a - b);
    for (const other of all.slice(from, to + 1)) other.checked = pick.checked;
  }
  lastPick = pick;
  countPicked();
});
document.addEventListener("change", (event) => {
  if (!event.target.matches?.(".pick-all")) return;
  for (const pick of $$(".pick")) pick.checked = event.target.checked;
  countPicked();
});
function countPicked() {
  const n = $$(".pick:checked").length;
  for (const host of $$("[data-picked]")) host.classList.toggle("picked-any", n > 0);
  for (const out of $$("[data-picked-count]")) out.textContent = String(n);
  const every = $(".pick-all");
  if (every) { every.checked = n > 0 && n === $$(".pick").length; every.indeterminate = n > 0 && !every.checked; }
}

// --- combobox: types ahead over a list, and keeps several values as chips -----------------------

let serial = 0;
function combobox(box) {
  if (box.dataset.ready) return;
  box.dataset.ready = "yes";
  const input = $("input[role=combobox], input[list]", box);
  if (!input) return;
  const chips = $(".chips", box);
  const many = chips && box.dataset.name;
  const options = input.list ? [...input.list.options].map((o) => ({ value: o.value, label: o.label || o.value })) : [];
  input.removeAttribute("list");
  input.autocomplete = "off";
  if (many) input.removeAttribute("name");
  const list = document.createElement("ul");
  list.id = `listbox-${++serial}`;
  list.className = "listbox";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", box.dataset.label || "Suggestions");
  list.hidden = true;
  $(".combobox-input", box).after(list);
  Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })
    .forEach(([name, value]) => input.setAttribute(name, value));
  let active = -1;
  let asked = 0;

  const close = () => { list.hidden = true; active = -1; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); };
  const mark = (n) => {
    const items = $$("[role=option]", list);
    active = items.length ? (n + items.length) % items.length : -1;
    items.forEach((item, i) => item.setAttribute("aria-selected", String(i === active)));
    if (active >= 0) { input.setAttribute("aria-activedescendant", items[active].id); items[active].scrollIntoView({ block: "nearest" }); }
  };
  const taken = () => new Set($$("input[type=checkbox]:checked", box).map((c) => c.value));
  const show = (found) => {
    const have = taken();
    list.replaceChildren(...found.filter((o) => !have.has(o.value)).slice(0, 12).map((o, i) => {
      const item = document.createElement("li");
      item.id = `${list.id}-${i}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.value = o.value;
      item.textContent = o.label;
      return item;
    }));
    if (!list.children.length) return close();
    list.hidden = false;
    active = -1;
    input.setAttribute("aria-expanded", "true");
    say(`${list.children.length} suggestions`);
  };
  const look = async () => {
    const typed = input.value.trim();
    const mine = ++asked;
    if (box.dataset.source && typed) {
      try {
        const answer = await fetch(`${box.dataset.source}&q=${encodeURIComponent(typed)}`, { headers: { accept: "application/json" } });
        if (!answer.ok || mine !== asked) return;
        const values = [...new Set((await answer.json()).items.map((item) => item.value))];
        return show(values.map((value) => ({ value, label: value })));
      } catch { return close(); }
    }
    const low = typed.toLowerCase();
    show(options.filter((o) => !low || o.label.toLowerCase().includes(low) || o.value.toLowerCase() === low));
  };
  const take = (typed) => {
    if (!typed) return;
    // What was typed may be the words of an option, as in "California".
    const value = options.find((o) => o.label.toLowerCase() === typed.toLowerCase())?.value ?? typed;
    if (!many) { input.value = value; close(); input.dispatchEvent(new Event("change", { bubbles: true })); return; }
    const label = options.find((o) => o.value === value)?.label || value;
    if (!taken().has(value)) {
      const chip = $("template", box).content.firstElementChild.cloneNode(true);
      $("input", chip).value = value;
      $(".chip-text", chip).textContent = label;
      chips.append(chip);
      say(`${label} added`);
    }
    input.value = "";
    close();
    box.dispatchEvent(new Event("change", { bubbles: true }));
  };

  input.addEventListener("input", look);
  input.addEventListener("focus", () => { if (options.length && !input.value) look(); });
  input.addEventListener("blur", () => setTimeout(() => { if (!box.contains(document.activeElement)) { if (many) take(input.value.trim()); close(); } }, 150));
  input.addEventListener("change", (event) => { if (many) event.stopPropagation(); });
  input.addEventListener("keydown", (event) => {
    const open = !list.hidden;
    if (event.key === "ArrowDown") { event.preventDefault(); if (open) mark(active + 1); else look(); }
    else if (event.key === "ArrowUp" && open) { event.preventDefault(); mark(active < 0 ? -1 : active - 1); }
    else if (event.key === "Escape" && open) { event.stopPropagation(); close(); }
    else if (event.key === "Enter" && open && active >= 0) { event.preventDefault(); take($$("[role=option]", list)[active].dataset.value); }
    else if (event.key === "Enter" && many && input.value.trim()) { event.preventDefault(); take(input.value.trim()); }
    else if (event.key === "Backspace" && many && !input.value) {
      const last = $$("label.chip", chips).at(-1);
      if (last) { last.remove(); box.dispatchEvent(new Event("change", { bubbles: true })); }
    }
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => { const item = event.target.closest("[role=option]"); if (item) { take(item.dataset.value); input.focus(); } });
}
document.addEventListener("change", (event) => {
  const chip = event.target.closest?.("label.chip");
  if (chip && event.target.type === "checkbox" && !event.target.checked) {
    const box = chip.closest("[data-combobox]");
    chip.remove();
    $("input[role=combobox]", box)?.focus();
  }
}, true);

// --- live progress -----------------------------------------------------------------------------------
// A run tells by events that something moved; what it looks like comes from the server as a fragment.

const lives = new Map();
function live(el) {
  if (lives.has(el.id)) return;
  let source = null;
  let wait = 1000;
  let due = 0;
  let timer = 0;
  let stopped = false;
  const stop = () => { stopped = true; source?.close(); clearTimeout(timer); lives.delete(el.id); };
  lives.set(el.id, stop);
  const refresh = async () => {
    clearTimeout(timer);
    due = Date.now() + 400;
    try {
      const answer = await fetch(el.dataset.fragment, { headers: { "HX-Request": "true", accept: "text/html" } });
      if (answer.status === 401 || answer.headers.has("HX-Redirect")) { stop(); return location.reload(); }
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(el.id);
      const old = document.getElementById(el.id);
      if (!next || !old) return stop();
      const focused = old.contains(document.activeElement) && document.activeElement.id;
      old.replaceWith(next);
      if (focused) document.getElementById(focused)?.focus();
      window.htmx?.process(next);
      prepare(next);
      ring(next.dataset.percent, Boolean(next.dataset.live));
      if (!next.dataset.live) { say(next.dataset.ended || "Finished"); stop(); rest(); }
    } catch { /* the next event or the reconnection asks again */ }
  };
  const soon = () => { if (Date.now() >= due) refresh(); else { clearTimeout(timer); timer = setTimeout(refresh, due - Date.now()); } };
  const connect = () => {
    if (stopped) return;
    source = new EventSource(el.dataset.live);
    source.onopen = () => { wait = 1000; soon(); };
    for (const name of ["message", "progress", "end"]) source.addEventListener(name, soon);
    source.onerror = () => {
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(() => { soon(); connect(); }, wait);
      wait = Math.min(wait * 2, 15000);
    };
  };
  connect();
}
// What a run's page tells when the run is over.
async function rest() {
  const old = document.getElementById("run-rest");
  if (!old) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  const next = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("run-rest");
  if (next) { old.replaceWith(next); prepare(next); }
}
function ring(percent, running) {
  const host = $("#jobs");
  if (!host) return;
  host.hidden = !running;
  if (percent === undefined) return;
  $(".value", host)?.setAttribute("stroke-dasharray", `${percent} 100`);
  const text = $("span", host);
  if (text) text.textContent = `${percent} %`;
}

// --- small things --------------------------------------------------------------------------------------

// Times are stored in UTC; pages write them in the zone of the browser, once they know it.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && /^[\w+/-]+$/.test(zone)) document.cookie = `canvass_zone=${zone}; path=/; max-age=31536000; samesite=lax`;
const timeFormat = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
function localTimes(from) {
  for (const time of $$("time[data-exact]", from)) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.title = timeFormat.format(at);
  }
}
document.addEventListener("click", async (event) => {
  const copy = event.target.closest?.("[data-copy]");
  if (!copy) return;
  try {
    await navigator.clipboard.writeText(copy.dataset.copy);
    say("Copied");
    const was = copy.textContent;
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = was; }, 1500);
  } catch { /* the text stands beside the button and can be selected */ }
});
// A link to a folded part unfolds it.
document.addEventListener("click", (event) => {
  const to = event.target.closest?.("a[href^='#']")?.getAttribute("href").slice(1);
  const part = to && document.getElementById(to);
  if (part?.matches("details")) part.open = true;
});
// What an ellipsis hides is shown on hover.
document.addEventListener("pointerover", (event) => {
  const cell = event.target.closest?.(".fixed td");
  if (!cell || cell.title) return;
  const cut = [cell, ...cell.children].some((el) => el.scrollWidth > el.clientWidth + 1 && el.clientWidth > 0);
  if (cut) cell.title = cell.textContent.trim().replace(/\s+/g, " ");
});
// Without htmx a changed select submits its form.
document.addEventListener("change", (event) => {
  const select = event.target;
  if (window.htmx || !select.matches?.("[data-submits]")) return;
  (select.form ?? select.closest("form"))?.requestSubmit();
});
document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) { event.preventDefault(); event.stopPropagation(); }
}, true);
// A filter that asks for nothing stays out of the address.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "get" || !form.matches("[data-lean]")) return;
  const empty = [...form.elements].filter((el) => el.name && !el.disabled && el.value === "");
  for (const el of empty) el.disabled = true;
  setTimeout(() => { for (const el of empty) el.disabled = false; });
});
document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") return;
  const { parameters } = event.detail;
  for (const name of Object.keys(parameters)) if (parameters[name] === "") delete parameters[name];
});
// How much of a large file was sent. What comes back is small, and told by nothing.
document.addEventListener("htmx:xhr:progress", (event) => {
  const sent = $("[data-sent]", event.target);
  const { lengthComputable, loaded, total } = event.detail;
  if (!sent || !lengthComputable) return;
  const percent = Math.floor((100 * loaded) / total);
  const bar = $("progress", sent);
  bar.value = Math.max(bar.value, percent);
  $("b", sent).textContent = bar.value;
  sent.hidden = false;
});
// An answer that refuses may be the fragment with what is wrong in it; a problem is told beside the
// page, which stays as it is.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { status } = event.detail.xhr;
  if (status === 401) { event.detail.shouldSwap = false; location.reload(); }
  else if ([409, 412, 422].includes(status) && !event.detail.xhr.getResponseHeader("canvass-problem")) { event.detail.shouldSwap = true; event.detail.isError = false; }
});
const toast = (text) => {
  const host = $("#toasts");
  const pattern = $("#toast-pattern");
  if (!host || !pattern) return;
  const note = pattern.content.firstElementChild.cloneNode(true);
  $("p", note).textContent = text;
  host.append(note);
  setTimeout(() => note.remove(), 8000);
};
document.addEventListener("htmx:responseError", (event) => {
  const { status } = event.detail.xhr;
  toast(event.detail.xhr.getResponseHeader("canvass-problem") || `The server answered ${status}. Nothing was changed; try again.`);
});
document.addEventListener("htmx:sendError", () => toast("The server can't be reached. Nothing was changed; try again."));
document.addEventListener("click", (event) => event.target.closest?.("[data-dismiss]")?.closest(".toast, .notice")?.remove());

function prepare(from = document) {
  const within = (selector) => [...(from.matches?.(selector) ? [from] : []), ...$$(selector, from)];
  within("[data-combobox]").forEach(combobox);
  within("[data-live]").forEach(live);
  localTimes(from);
  countPicked();
}
document.addEventListener("htmx:load", (event) => {
  const el = event.detail.elt;
  prepare(el);
  // An edit that closed with its form leaves the focus on its row.
  if (el.matches?.("[data-row]") && document.activeElement === document.body) { el.tabIndex = -1; el.focus({ preventScroll: true }); }
});
prepare();
