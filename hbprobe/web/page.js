// What the pages have in common. All text goes in as text.

export function copy(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function plain(word) {
  return word.replaceAll("_", " ").replaceAll("-", " ");
}

export function counted(number, singular) {
  return `${number} ${singular}${number === 1 ? "" : "s"}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "-";
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor(whole / 60) % 60} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole / 3600) % 24} h`;
}

export async function call(method, path, body) {
  const answer = await fetch(path, {
    method,
    headers: { Accept: "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store",
  });
  const text = await answer.text();
  const told = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Error(told.error || `HTTP status ${answer.status}`);
  return told;
}

export function put(element, text) {
  if (element.textContent !== text) element.textContent = text; // a screen reader speaks only what is new
}
