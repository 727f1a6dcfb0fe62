// How the page of boxes asks the control API of hbprobe proxy.
import { call, counted, plain } from "/page.js";

export const title = "hbprobe proxy";
export const ending = "Forget";

export async function all() {
  const about = await call("GET", "/");
  const boxes = about.boxes.map((box) => {
    const { opened, closed, reset, expired } = box.counts;
    const deaths = Object.entries(expired).map(([kind, count]) => `${count} by the ${plain(kind)} timer`);
    return {
      path: `/boxes/${box.box}`,
      name: `box ${box.box}`,
      heading: `Box ${box.box}: ${box.profile}, layer ${box.layer}`,
      says: `${counted(opened, "session")} so far; ended: ${closed} closed, ${reset} reset, ${deaths.join(", ") || "none by a timer"}`,
      timers: box.timers_s,
    };
  });
  return { says: `hbprobe ${about.version}${about.draining ? ", which drains: no more sessions are taken" : ""}`, boxes };
}

export async function connections(box) {
  return (await call("GET", `${box.path}/flows`)).flows;
}

export function end(box, number) {
  return call("DELETE", `${box.path}/flows/${number}`);
}

export function buttons(box) {
  return [{ label: "Forget all", run: () => call("DELETE", `${box.path}/flows`), done: "all sessions are forgotten" }];
}

export const common = [{ label: "Drain: take no more sessions", run: () => call("POST", "/drain"), done: "drains" }];
