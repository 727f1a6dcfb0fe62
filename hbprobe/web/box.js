// The page of running boxes: asks the control API once a second, and shows what it says. All text goes in as text.
import { call, copy, duration, put } from "/page.js";

const EVERY_MS = 1000;
const MOST_ROWS = 200;
const LATE = 0.2; // of the longest countdown seen: then the bar changes its colour

const state = document.getElementById("state");
const pause = document.getElementById("pause");
const sections = new Map(); // by the place of the box: {section, rows by the number of the session}
let message = "";

async function act(method, path, body, done) {
  try {
    await call(method, path, body);
    message = done;
  } catch (error) {
    message = error.message;
  }
  await look();
}

function sectionOf(box) {
  if (sections.has(box.box)) return sections.get(box.box);
  const section = copy("box");
  const form = section.querySelector("form");
  section.querySelector("h2").textContent = `Box ${box.box}: ${box.profile}, layer ${box.layer}`;
  section.querySelector(".scroll").setAttribute("aria-label", `sessions of box ${box.box}`);
  for (const [name, seconds] of Object.entries(box.timers_s)) {
    const label = copy("timer");
    const input = label.querySelector("input");
    label.querySelector("span").textContent = `${name.replaceAll("_", " ")} timer`;
    input.name = name;
    input.value = seconds === null ? "off" : `${seconds}s`;
    label.querySelector("button").setAttribute("aria-label", `set the ${name.replaceAll("_", " ")} timer of box ${box.box}`);
    label.querySelector("button").addEventListener("click", (event) => {
      event.preventDefault();
      act("PATCH", `/boxes/${box.box}/timers`, { [name]: input.value }, `box ${box.box}: ${name} is ${input.value} now`);
    });
    form.append(label);
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("boxes").append(section);
  const known = { section, rows: new Map(), longest: 0 };
  sections.set(box.box, known);
  return known;
}

function rowOf(known, box, flow) {
  if (known.rows.has(flow.number)) return known.rows.get(flow.number);
  const row = copy("flow");
  row.children[0].textContent = flow.number;
  row.children[1].textContent = flow.client;
  const button = row.querySelector("button");
  button.setAttribute("aria-label", `forget session ${flow.number} of box ${box.box}`);
  button.addEventListener("click", () =>
    act("DELETE", `/boxes/${box.box}/flows/${flow.number}`, undefined, `box ${box.box}: session ${flow.number} is forgotten`),
  );
  known.rows.set(flow.number, row);
  known.section.querySelector("tbody").append(row);
  return row;
}

function fill(row, flow, longest) {
  row.children[2].textContent = flow.phase.replaceAll("_", " ");
  row.children[3].textContent = duration(flow.age_s);
  row.children[4].textContent = duration(flow.quiet_s);
  row.querySelector(".text").textContent = flow.due_in_s === null ? "no timer runs" : duration(flow.due_in_s);
  const left = flow.due_in_s === null || longest <= 0 ? 0 : Math.min(1, Math.max(0, flow.due_in_s / longest));
  const bar = row.querySelector(".bar");
  bar.style.width = `${100 * left}%`;
  bar.classList.toggle("late", left < LATE);
}

function show(box, flows) {
  const known = sectionOf(box);
  const counts = box.counts;
  const deaths = Object.entries(counts.expired).map(([kind, count]) => `${count} by the ${kind.replaceAll("_", " ")} timer`);
  known.section.querySelector(".counts").textContent =
    `${counts.opened} sessions so far; ended: ${counts.closed} closed, ${counts.reset} reset, ${deaths.join(", ") || "none by a timer"}`;
  known.longest = Math.max(known.longest, ...flows.map((flow) => flow.due_in_s ?? 0));
  const shown = [...flows].sort((a, b) => (a.due_in_s ?? Infinity) - (b.due_in_s ?? Infinity)).slice(0, MOST_ROWS);
  const more = flows.length - shown.length;
  known.section.querySelector("caption").textContent =
    `${flows.length} live sessions` + (more > 0 ? `; those ${shown.length} that are forgotten first are shown` : "");
  const numbers = new Set(shown.map((flow) => flow.number));
  for (const [number, row] of known.rows) {
    if (!numbers.has(number)) {
      row.remove();
      known.rows.delete(number);
    }
  }
  for (const flow of shown) fill(rowOf(known, box, flow), flow, known.longest);
}

async function look() {
  try {
    const about = await call("GET", "/");
    for (const box of about.boxes) show(box, (await call("GET", `/boxes/${box.box}/flows`)).flows);
    const draining = about.draining ? "; drains: no more sessions are taken" : "";
    put(state, `hbprobe ${about.version} runs${draining}${message ? `. Last: ${message}` : ""}`);
  } catch (error) {
    put(state, `no answer from the box: ${error.message}`);
  }
}

async function follow() {
  if (pause.getAttribute("aria-pressed") !== "true" && !document.hidden) await look();
  setTimeout(follow, EVERY_MS);
}

pause.addEventListener("click", () => {
  const pressed = pause.getAttribute("aria-pressed") !== "true";
  pause.setAttribute("aria-pressed", String(pressed));
});
document.getElementById("drain").addEventListener("click", () => act("POST", "/drain", undefined, "drains"));
follow();
