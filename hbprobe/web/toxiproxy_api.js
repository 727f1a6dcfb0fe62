// How the page of boxes asks Toxiproxy's API, as hbprobe toxiproxy serves it.
import { call } from "/page.js";

export const title = "hbprobe toxiproxy";
export const ending = "Reset";

export async function all() {
  const proxies = Object.values(await call("GET", "/proxies"));
  const boxes = proxies.map((proxy) => ({
    path: `/proxies/${encodeURIComponent(proxy.name)}`,
    name: proxy.name,
    heading: `${proxy.name}: ${proxy.listen} to ${proxy.upstream}`,
    says: proxy.enabled ? "takes connections" : "disabled",
    enabled: proxy.enabled,
    timers: {},
  }));
  return { says: boxes.length === 1 ? "1 proxy" : `${boxes.length} proxies`, boxes };
}

export async function connections(box) {
  return (await call("GET", `${box.path}/connections`)).connections;
}

export function end(box, number) {
  return call("POST", `${box.path}/toxics`, { type: "reset_peer", connection: number });
}

export function buttons(box) {
  const done = box.enabled ? "disabled, and its connections are closed" : "enabled";
  return [
    {
      label: box.enabled ? "Disable" : "Enable",
      run: () => call("PATCH", box.path, { enabled: !box.enabled }),
      done,
    },
  ];
}

export const common = [];
