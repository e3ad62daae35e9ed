// Asks the device for one moment after the other, and shows each whole: its picture, its map and
// what was said of it belong together. The next is asked for when this one is shown, so that a slow
// viewer sees fewer pictures and never old ones.

import { compose, coverWithMap, draw, hasPicture } from "./layers.js";
import { judge, showClasses, showFacts, showVerdict } from "./reading.js";

const ANSWER_MS = 5000;
const SHORTEST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;
const NUMBERS_MS = 250;

const element = (id) => document.getElementById(id);
const viewer = Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16)).join("");

let moment = null;
let receivedAt = 0;
let numbersAt = -Infinity;
let link = "live";
let offlineSince = null;
let paused = false;
let wake = null;

async function ask() {
  const query = new URLSearchParams({
    viewer,
    after: moment?.number ?? 0,
    map: moment?.map?.number ?? 0,
  });
  const response = await fetch(`/live?${query}`, { signal: AbortSignal.timeout(ANSWER_MS) });
  if (response.status === 401) location.reload();
  if (response.status === 503) throw new Error("Too many viewers. Close another page.");
  if (!response.ok) throw new Error(`The device answered ${response.status}.`);
  const data = await response.arrayBuffer();
  const length = new DataView(data).getUint32(0);
  const next = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  const pictureAt = 4 + length;
  const mapAt = pictureAt + next.picture_bytes;
  const jpeg = next.picture_bytes ? new Blob([data.slice(pictureAt, mapAt)], { type: "image/jpeg" }) : null;
  const png = next.map?.bytes ? new Blob([data.slice(mapAt, mapAt + next.map.bytes)], { type: "image/png" }) : null;
  return { next, jpeg, png };
}

async function follow() {
  let retry = SHORTEST_RETRY_MS;
  for (;;) {
    while (paused || document.hidden) await new Promise((resolve) => { wake = resolve; });
    try {
      const { next, jpeg, png } = await ask();
      if (paused) continue; // what came after the pause is not shown
      await draw(next, jpeg, png);
      moment = next;
      receivedAt = performance.now();
      offlineSince = null;
      retry = SHORTEST_RETRY_MS;
      show();
    } catch (error) {
      if (paused) continue;
      offlineSince ??= performance.now();
      show();
      await new Promise((resolve) => { setTimeout(resolve, retry); });
      retry = Math.min(2 * retry, LONGEST_RETRY_MS);
    }
  }
}

function show() {
  const now = performance.now();
  link = paused ? "paused" : offlineSince !== null ? "offline" : "live";
  const since = now - receivedAt;
  const ageMs = (moment?.age_ms ?? 0) + since;
  const lostMs = link === "offline" ? now - offlineSince : (moment?.lost_ms ?? 0) + since;
  const verdict = judge(moment, link, ageMs, lostMs);
  showVerdict(verdict, moment);
  if (moment && now - numbersAt >= NUMBERS_MS) {
    numbersAt = now;
    showClasses(moment, now, verdict.state === "lost" || verdict.state === "offline");
    showFacts(moment, ageMs);
  }
}

function setPaused(value) {
  paused = value;
  element("pause").setAttribute("aria-pressed", String(paused));
  element("pause-text").textContent = paused ? "Go on" : "Pause";
  show();
  wake?.();
}

function saveSnapshot() {
  if (!moment?.shown_label || !hasPicture()) return;
  const ageMs = moment.age_ms + performance.now() - receivedAt;
  const verdict = judge(moment, link, ageMs, 0);
  const taken = new Date(Date.now() - ageMs);
  const lines = [
    [verdict.label, verdict.probability, verdict.pill === "LIVE" ? "" : verdict.pill].filter(Boolean).join("  "),
    ...verdict.signs.map(({ text }) => text),
    `${taken.toISOString()}  ${moment.source}  ${moment.bundle} ${moment.bundle_sha256.slice(0, 12)}`,
    "Research use, not a diagnosis.",
  ];
  compose(lines).toBlob((blob) => {
    const anchor = document.createElement("a");
    anchor.href = URL.createObjectURL(blob);
    anchor.download = `saliedge-${taken.toISOString().replaceAll(":", "-")}.png`;
    anchor.click();
    setTimeout(() => URL.revokeObjectURL(anchor.href), 10_000);
  }, "image/png");
}

function applyMap() {
  const shown = element("show-map").getAttribute("aria-pressed") === "true";
  coverWithMap(shown, element("opacity").value / 100);
}

function toggleMap() {
  const button = element("show-map");
  button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
  applyMap();
}

function changeOpacity(step) {
  element("opacity").value = Number(element("opacity").value) + step;
  applyMap();
}

function toggleFullscreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else document.documentElement.requestFullscreen?.();
}

const keys = {
  " ": () => setPaused(!paused),
  s: saveSnapshot,
  m: toggleMap,
  "[": () => changeOpacity(-5),
  "]": () => changeOpacity(5),
  f: toggleFullscreen,
  "?": () => element("help-dialog").showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || element("help-dialog").open) return;
  if (event.key === " " && event.target instanceof HTMLButtonElement) return; // it presses the button
  const act = keys[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (act) {
    event.preventDefault();
    act();
  }
});

element("pause").addEventListener("click", () => setPaused(!paused));
element("snapshot").addEventListener("click", saveSnapshot);
element("show-map").addEventListener("click", toggleMap);
element("opacity").addEventListener("input", applyMap);
element("fullscreen").addEventListener("click", toggleFullscreen);
element("help").addEventListener("click", keys["?"]);
document.addEventListener("visibilitychange", () => wake?.());
setInterval(show, NUMBERS_MS);
applyMap();
follow();
