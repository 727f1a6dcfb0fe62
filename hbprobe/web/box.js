// The page of running boxes: hears from the event feed what happens, and asks then. All text goes in as text.
import * as api from "/api.js";
import { call, copy, counted, duration, plain, put } from "/page.js";

const AT_MOST_EVERY_MS = 1000; // however much happens
const AT_LEAST_EVERY_MS = 5000; // bytes that pass set timers back, and no event tells of them
const AGAIN_MS = 2000;
const MOST_ROWS = 200;
const MOST_SAID = 100;
const KINDS = ["enabled", "disabled", "toxic-added", "toxic-changed", "toxic-removed", "timers-changed", "opened", "ended"];
KINDS.push("refused", "hit", "spared", "acted", "revived", "missed");
const LATE = 0.2; // of the longest countdown seen: then the bar changes its colour

const state = document.getElementById("state");
const pause = document.getElementById("pause");
const said = document.getElementById("said");
const sections = new Map(); // by path: {box, section, rows by the number of the connection, toxics, longest}
let about = { says: "" };
let message = "";
let line = "connecting";
let next = null; // {at, timer} of the next look
let asked = 0;

function summary() {
  put(state, [about.says, line, message && `last: ${message}`].filter(Boolean).join("; "));
}

async function act(run, done) {
  try {
    await run();
    message = done;
  } catch (error) {
    message = error.message;
  }
  await look();
}

function button(label, name, run, done) {
  const made = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  if (name) made.setAttribute("aria-label", `${label}: ${name}`);
  made.addEventListener("click", () => act(run, done));
  return made;
}

function sectionOf(box) {
  if (sections.has(box.path)) return Object.assign(sections.get(box.path), { box });
  const section = copy("box");
  const form = section.querySelector("form");
  section.querySelector(".scroll").setAttribute("aria-label", `sessions of ${box.name}`);
  for (const kind of Object.keys(box.timers)) form.append(timer(box, kind));
  form.addEventListener("submit", (event) => event.preventDefault());
  const known = { box, section, rows: new Map(), toxics: [], longest: 0, drawn: "" };
  sections.set(box.path, known);
  return known;
}

function timer(box, kind) {
  const label = copy("timer");
  const input = label.querySelector("input");
  const set = label.querySelector("button");
  label.querySelector("span").textContent = `${plain(kind)} timer`;
  input.name = kind;
  set.setAttribute("aria-label", `Set the ${plain(kind)} timer of ${box.name}`);
  set.addEventListener("click", (event) => {
    event.preventDefault();
    act(() => call("PATCH", `${box.path}/timers`, { [kind]: input.value }), `${box.name}: ${kind} is ${input.value} now`);
  });
  return label;
}

function darkness(known, number) {
  return known.toxics.find((one) => one.type === "blackhole" && one.connection === number);
}

function switchDark(known, number) {
  const { path, name } = known.box;
  const toxic = darkness(known, number);
  const whom = number === undefined ? name : `session ${number} of ${name}`;
  return toxic
    ? act(() => call("DELETE", `${path}/toxics/${encodeURIComponent(toxic.name)}`), `${whom} has healed`)
    : act(() => call("POST", `${path}/toxics`, { type: "blackhole", connection: number }), `${whom} is in a black hole`);
}

function head(known) {
  const { box, section, toxics } = known;
  put(section.querySelector("h2"), box.heading);
  put(section.querySelector(".counts"), box.says);
  for (const input of section.querySelectorAll("input")) {
    const seconds = box.timers[input.name];
    const now = seconds === null || seconds === undefined ? "off" : `${seconds}s`;
    if (input.dataset.told !== now) input.value = input.dataset.told = now; // what is being typed stays
  }
  const drawn = JSON.stringify([box.enabled, toxics]);
  if (known.drawn === drawn) return; // buttons that stay keep the focus
  known.drawn = drawn;
  const focus = document.activeElement?.dataset?.is;
  const buttons = api.buttons(box).map((one) => button(one.label, box.name, one.run, `${box.name}: ${one.done}`));
  const dark = Object.assign(document.createElement("button"), { type: "button" });
  put(dark, darkness(known) ? "Heal" : "Black hole");
  dark.setAttribute("aria-label", `${dark.textContent}: ${box.name}`);
  dark.addEventListener("click", () => switchDark(known));
  section.querySelector(".buttons").replaceChildren(...buttons, dark);
  const items = toxics.map((toxic) => {
    const item = document.createElement("li");
    const settings = Object.entries(toxic.attributes).map(([key, value]) => `${plain(key)} ${value}`);
    const whom = toxic.connection === undefined ? `${100 * toxic.toxicity} % of connections` : `session ${toxic.connection}`;
    item.append(
      `${toxic.name}: ${[toxic.type, toxic.stream, ...settings, whom].join(", ")} `,
      button("Remove", `${toxic.name} of ${box.name}`, () => call("DELETE", `${box.path}/toxics/${encodeURIComponent(toxic.name)}`), `${toxic.name} is removed`),
    );
    return item;
  });
  section.querySelector(".toxics").replaceChildren(...items);
  [...section.querySelectorAll(".buttons button")].forEach((one, place) => {
    one.dataset.is = `${box.path} ${place}`;
    if (one.dataset.is === focus) one.focus();
  });
}

// Rows

function rowOf(known, number) {
  if (known.rows.has(number)) return known.rows.get(number);
  const row = copy("flow");
  const [ends, dark] = row.querySelectorAll("button");
  const whom = `session ${number} of ${known.box.name}`;
  ends.textContent = api.ending;
  ends.setAttribute("aria-label", `${api.ending} ${whom}`);
  ends.addEventListener("click", () => act(() => api.end(known.box, number), `${whom}: ${api.ending.toLowerCase()}`));
  dark.addEventListener("click", () => switchDark(known, number));
  const made = { row, dark, cells: row.children, bar: row.querySelector(".bar"), text: row.querySelector(".text"), whom };
  put(made.cells[0], String(number));
  known.rows.set(number, made);
  known.section.querySelector("tbody").append(row);
  return made;
}

function fill(known, made, flow) {
  Object.assign(made, { flow, heard: performance.now() });
  put(made.cells[6], flow.client);
  put(made.cells[7], plain(flow.phase));
  put(made.cells[5], (flow.toxics || []).join(", "));
  put(made.dark, darkness(known, flow.number) ? "Heal" : "Black hole");
  made.dark.setAttribute("aria-label", `${made.dark.textContent}: ${made.whom}`);
  tick(known, made);
}

function tick(known, { flow, heard, cells, bar, text }) {
  const since = (performance.now() - heard) / 1000;
  const left = flow.due_in_s === null ? null : Math.max(0, flow.due_in_s - since);
  put(cells[3], duration(flow.quiet_s + since));
  put(cells[4], duration(flow.age_s + since));
  put(text, left === null ? "no timer runs" : duration(left));
  const share = left === null || known.longest <= 0 ? 0 : Math.min(1, left / known.longest);
  bar.style.width = `${100 * share}%`;
  bar.classList.toggle("late", share < LATE);
}

function show(known, flows) {
  known.longest = flows.reduce((longest, flow) => Math.max(longest, flow.due_in_s ?? 0), known.longest);
  const shown = [...flows].sort((a, b) => (a.due_in_s ?? Infinity) - (b.due_in_s ?? Infinity)).slice(0, MOST_ROWS);
  const more = flows.length - shown.length;
  put(
    known.section.querySelector("caption"),
    counted(flows.length, "live session") + (more > 0 ? `; those ${shown.length} that are forgotten first are shown` : ""),
  );
  const numbers = new Set(shown.map((flow) => flow.number));
  for (const [number, { row }] of known.rows) {
    if (!numbers.has(number)) {
      row.remove();
      known.rows.delete(number);
    }
  }
  for (const flow of shown) fill(known, rowOf(known, flow.number), flow);
}

// What happens

async function look() {
  clearTimeout(next?.timer);
  next = null;
  asked = performance.now();
  try {
    about = await api.all();
    const paths = new Set(about.boxes.map((box) => box.path));
    for (const [path, { section }] of sections) {
      if (!paths.has(path)) {
        section.remove();
        sections.delete(path);
      }
    }
    for (const box of about.boxes) {
      const known = sectionOf(box);
      known.toxics = await call("GET", `${box.path}/toxics`);
      head(known);
      if (!known.section.isConnected) document.getElementById("boxes").append(known.section);
      show(known, await api.connections(box));
    }
    summary();
  } catch (error) {
    put(state, `no answer: ${error.message}`);
  }
  soon(AT_LEAST_EVERY_MS);
}

function isPaused() {
  return pause.getAttribute("aria-pressed") === "true" || document.hidden;
}

function soon(wait) {
  const at = asked + wait;
  if (next !== null && next.at <= at) return;
  clearTimeout(next?.timer);
  next = { at, timer: setTimeout(lookUnlessPaused, Math.max(0, at - performance.now())) };
}

function lookUnlessPaused() {
  if (!isPaused()) return look();
  next = null;
  asked = performance.now();
  soon(AT_LEAST_EVERY_MS);
}

function words(told) {
  const { id, at, event, box, proxy, toxic, ...more } = told;
  const whose = proxy ?? (box === undefined ? "" : `box ${box}`);
  const name = toxic?.name ?? toxic;
  const rest = Object.entries(more).map(([key, value]) => `${plain(key)} ${typeof value === "object" ? JSON.stringify(value) : value}`);
  return [at?.slice(11, 23), whose, plain(event), name && `toxic ${name}`, ...rest].filter(Boolean).join(", ");
}

function hear(event) {
  const told = JSON.parse(event.data);
  if (!isPaused()) {
    said.prepend(Object.assign(document.createElement("p"), { textContent: words(told) }));
    while (said.children.length > MOST_SAID) said.lastChild.remove();
  }
  soon(AT_MOST_EVERY_MS);
}

function follow() {
  const feed = new EventSource("/events?last_event_id=now");
  for (const kind of KINDS) feed.addEventListener(kind, hear);
  feed.addEventListener("open", () => {
    line = "live";
    look();
  });
  feed.addEventListener("error", () => {
    line = "no answer; tries again";
    summary();
    if (feed.readyState === EventSource.CLOSED) setTimeout(follow, AGAIN_MS);
  });
}

document.title = api.title;
document.querySelector("h1").textContent = api.title;
for (const one of api.common) document.getElementById("common").append(" ", button(one.label, "", one.run, one.done));
pause.addEventListener("click", () => pause.setAttribute("aria-pressed", String(pause.getAttribute("aria-pressed") !== "true")));
setInterval(() => {
  if (!isPaused()) for (const known of sections.values()) for (const made of known.rows.values()) tick(known, made);
}, 1000);
look();
follow();
