// The page of a running watch: reads the whole state once, and then follows what happens. All text goes in as text.
import { call, copy, duration, put } from "/page.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 1000;
const HEIGHT = 160;
const MOST_SAID = 50;
const state = document.getElementById("state");
const targets = new Map(); // by name: {told, row, section, rows by the number of the measurement, search, since}
let about = { version: "", interval_s: 0, stores: true };
let feed = null;

function seconds(value) {
  return value === null || value === undefined ? "-" : `${Number(value.toFixed(3))} s`;
}

function counted(number, noun) {
  return number === 1 ? `1 ${noun}` : `${number} ${noun}s`;
}

function time(iso) {
  return iso ? iso.replace("T", " ").replace("Z", "") : "-";
}

function age(iso) {
  return (Date.now() - Date.parse(iso)) / 1000;
}

function limitOf(one) {
  if (one.state === "running") return "has not ended yet";
  if (one.state !== "done") return `${one.state === "failed" ? "could not measure" : "given up"}: ${one.reason}`;
  if (one.cut === null) return one.survived === null ? "unknown: no trial told anything" : `survives ${seconds(one.survived)}; nothing longer was tried`;
  return one.survived === null ? `cut at ${seconds(one.cut)}; nothing shorter was tried` : `survives ${seconds(one.survived)}, cut at ${seconds(one.cut)}`;
}

function items(list, lines) {
  const same = list.children.length === lines.length && lines.every((line, place) => list.children[place].textContent === line);
  if (same) return;
  list.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
}

function known(name) {
  if (targets.has(name)) return targets.get(name);
  const number = targets.size;
  const [row, section] = [copy("row"), copy("detail")];
  const link = row.querySelector("a");
  const heading = section.querySelector("h2");
  heading.id = `target-${number}`;
  heading.textContent = link.textContent = name;
  link.href = `#target-${number}`;
  section.setAttribute("aria-labelledby", heading.id);
  section.querySelector(".scroll").setAttribute("aria-label", `measurements of ${name}`);
  document.getElementById("targets").append(row);
  document.getElementById("details").append(section);
  const one = { row, section, rows: new Map(), told: null, search: null, heard: 0 };
  targets.set(name, one);
  return one;
}

function lastOf(told) {
  return told.measurements.findLast((one) => one.state === "done");
}

function show(told) {
  const one = known(told.target);
  one.told = told;
  const { section } = one;
  put(section.querySelector(".where"), `${told.url}, method ${told.method}`);
  const answer = section.querySelector(".answer");
  const words = told.answer.length ? told.answer : [["limit", "nothing was measured yet"]];
  answer.replaceChildren(...words.flatMap(([name, text]) => {
    const said = Object.assign(document.createElement("dd"), { textContent: text });
    return name ? [Object.assign(document.createElement("dt"), { textContent: name }), said] : [said];
  }));
  const changes = told.changes.map((change) => change.text);
  section.querySelector(".changes").hidden = changes.length === 0;
  items(section.querySelector(".changes"), changes.reverse());
  measurements(one, told);
  section.querySelector(".chart").replaceChildren(...chart(told));
  search(one, told);
}

function measurements(one, told) {
  const body = one.section.querySelector("tbody");
  const longest = Math.max(0, ...told.measurements.map((each) => each.cut ?? each.survived ?? 0));
  const numbers = new Set(told.measurements.map((each) => each.id));
  for (const [number, row] of one.rows) {
    if (!numbers.has(number)) {
      row.remove();
      one.rows.delete(number);
    }
  }
  for (const each of told.measurements) {
    if (!one.rows.has(each.id)) {
      one.rows.set(each.id, copy("measurement"));
      body.prepend(one.rows.get(each.id)); // the newest first
    }
    const row = one.rows.get(each.id);
    put(row.children[0], String(each.id));
    put(row.children[1], time(each.started_at));
    put(row.children[2], each.ended_at ? duration((Date.parse(each.ended_at) - Date.parse(each.started_at)) / 1000) : "-");
    put(row.querySelector(".text"), limitOf(each));
    row.querySelector(".bar").style.width = `${longest > 0 ? (100 * (each.survived ?? 0)) / longest : 0}%`;
    if (each.state === "done" && !row.children[4].firstChild) {
      const link = Object.assign(document.createElement("a"), { textContent: "report", href: `/measurements/${each.id}` });
      link.setAttribute("aria-label", `report on measurement ${each.id}`);
      row.children[4].append(link);
    }
  }
  const left = told.left_out ? `; ${told.left_out} older ones: hbprobe history` : "";
  put(one.section.querySelector("caption"), `${counted(told.measurements.length, "measurement")}, the newest first${left}`);
}

function shape(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

// A bar from what survived to what was cut for each measurement, over time; what the table says, at a glance.
function chart(told) {
  const seen = told.measurements.filter((each) => each.state === "done" && (each.survived !== null || each.cut !== null));
  if (seen.length < 2) return [];
  const times = seen.map((each) => Date.parse(each.started_at));
  const [first, last] = [times[0], times[times.length - 1]];
  const most = 1.15 * Math.max(...seen.map((each) => each.cut ?? each.survived));
  const x = (at) => (last > first ? ((at - first) / (last - first)) * (WIDTH - 12) : 0);
  const y = (value) => HEIGHT - (value / most) * HEIGHT;
  const svg = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" });
  for (const change of told.changes) {
    const at = x(Date.parse(change.since));
    svg.append(shape("line", { class: "change", x1: at, x2: at, y1: 0, y2: HEIGHT }));
  }
  seen.forEach((each, place) => {
    const [low, high] = [each.survived ?? 0, each.cut ?? each.survived];
    const height = Math.max(4, y(low) - y(high));
    svg.append(shape("rect", { class: each.cut === null ? "uncut" : "limit", x: x(times[place]), y: Math.min(HEIGHT - height, y(high)), width: 10, height }));
  });
  const days = [seen[0], seen[seen.length - 1]].map((each) => each.started_at.slice(0, 10));
  return [ends(duration(most), ""), svg, ends(`0 s, ${days[0]}`, days[1])];
}

function ends(...texts) {
  const line = document.createElement("p");
  line.append(...texts.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
  return line;
}

function search(one, told) {
  one.search = told.search;
  one.next = told.next_at;
  one.heard = Date.now();
  const part = one.section.querySelector(".search");
  part.hidden = told.search === null;
  if (told.search !== null) {
    const { survived, cut, trials, remarks, holds } = told.search;
    const most = Math.max(told.longest_s, cut ?? 0, survived ?? 0, ...holds);
    const [low, high] = [(100 * (survived ?? 0)) / most, (100 * (cut ?? most)) / most];
    part.querySelector(".lives").style.width = `${low}%`;
    part.querySelector(".open").style.width = `${high - low}%`;
    part.querySelector(".dies").style.width = `${100 - high}%`;
    items(part.querySelector(".trials"), [...trials, ...remarks]);
  }
  tick(one);
}

// What changes with time alone.
function tick(one) {
  const { row, told, search: running } = one;
  if (!told) return;
  const last = lastOf(told);
  put(row.children[1], seconds(last?.survived));
  put(row.children[2], last && last.cut === null ? "nothing" : seconds(last?.cut));
  put(row.children[3], told.changes.length ? told.changes[0].since.slice(0, 16).replace("T", " ") : "none");
  put(row.children[4], last ? `${duration(Math.max(0, age(last.ended_at)))} ago` : "never");
  const next = one.next ? `next at ${time(one.next).slice(11)}` : "begins";
  put(row.children[5], running ? `measures; ${left(one)}` : next);
  if (running) put(one.section.querySelector(".text"), `${running.text.replace(/; at most .*/, "")}; ${left(one)}`);
}

function left(one) {
  return `at most ${duration(Math.max(0, Math.ceil(one.search.left_s - (Date.now() - one.heard) / 1000)))} left`;
}

function said(text) {
  const list = document.getElementById("said");
  list.prepend(Object.assign(document.createElement("p"), { textContent: text }));
  while (list.children.length > MOST_SAID) list.lastChild.remove();
}

function summary(words) {
  if (!about.version) {
    put(state, words);
    return;
  }
  const running = [...targets.values()].filter((one) => one.search).length;
  const stores = about.stores ? "" : "; the database cannot be written now, and nothing is lost";
  put(state, `hbprobe ${about.version}: ${counted(targets.size, "target")}, each measured once in ${duration(about.interval_s).replace(/ 0 (s|min|h)$/, "")}; ${running} being measured${stores}; ${words}`);
}

async function everything() {
  about = await call("GET", "/state");
  const names = new Set(about.targets.map((told) => told.target));
  for (const [name, one] of targets) {
    if (!names.has(name)) {
      one.row.remove();
      one.section.remove();
      targets.delete(name);
    }
  }
  document.getElementById("said").replaceChildren();
  about.said.forEach(said);
  about.targets.forEach(show);
  return about.place;
}

async function again(name) {
  const told = await call("GET", `/state?target=${encodeURIComponent(name)}`);
  about.stores = told.stores;
  told.targets.forEach(show);
}

function follow(place) {
  feed?.close();
  feed = new EventSource(`/events?last_event_id=${encodeURIComponent(place)}`);
  const on = (kind, hear) =>
    feed.addEventListener(kind, async (event) => {
      try {
        await hear(JSON.parse(event.data));
        summary("live");
      } catch (error) {
        summary(`no answer: ${error.message}`);
      }
    });
  on("said", (data) => said(data.text));
  on("search", (data) => (targets.has(data.target) ? search(targets.get(data.target), data) : again(data.target)));
  on("measured", (data) => again(data.target));
  on("plan", everything);
  on("missed", begin);
  feed.addEventListener("open", () => summary("live"));
  feed.addEventListener("error", () => {
    summary("no answer from the watch; tries again");
    if (feed.readyState === EventSource.CLOSED) setTimeout(begin, 5000);
  });
}

async function begin() {
  try {
    follow(await everything());
  } catch (error) {
    summary(`no answer from the watch: ${error.message}`);
    setTimeout(begin, 5000);
  }
}

setInterval(() => targets.forEach(tick), 1000);
begin();
