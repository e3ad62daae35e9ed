// The label, the warnings, the bars and the facts about the device.

const OLD_PICTURE_MS = 2000;
const MOST_BARS = 8;
const REORDER_MS = 2000;

const element = (id) => document.getElementById(id);
const percent = (value) => (value === null ? "–" : `${Math.round(100 * value)} %`);
// A threshold of 99.5 % that is shown as 100 % looks as if no picture could reach it.
const thresholdPercent = (value) => (value > 0.99 && value < 1 ? `${Math.floor(1000 * value) / 10} %` : percent(value));
const number = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));
const seconds = (ms) => (ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`);

let shownClasses = "";
let orderedAt = -Infinity;
let announced = "";

/**
 * What the page says of a moment.
 * link: "live", "paused" or "offline"; ageMs: how old the shown picture is by now.
 */
export function judge(moment, link, ageMs, lostMs) {
  const signs = [];
  if (link === "offline") {
    return {
      state: "offline", pill: "NO CONNECTION", label: "No connection", signs,
      banner: { title: "NO CONNECTION", text: `The device has not answered for ${seconds(lostMs)}. The picture is old.` },
    };
  }
  if (!moment || moment.state === "waiting") {
    return { state: "waiting", pill: "WAITING", label: "No picture yet", signs, banner: null };
  }
  if (moment.state === "lost") {
    signs.push({ kind: "lost", text: moment.reason });
    return {
      state: "lost", pill: "CAMERA LOST", label: "No picture", signs,
      banner: { title: "CAMERA LOST", text: `For ${seconds(lostMs)}. Looking for it.` },
    };
  }
  if (moment.unfamiliar) {
    signs.push({ kind: "doubt", text: "Unlike the training images: do not rely on the label." });
  }
  if (moment.uncertain) {
    const entry = moment.classes.find(({ name }) => name === moment.shown_label);
    signs.push({ kind: "doubt", text: `Below its operating point (${thresholdPercent(entry?.threshold ?? null)}).` });
  }
  const old = ageMs > OLD_PICTURE_MS;
  if (old && link === "live") signs.push({ kind: "doubt", text: "The picture is old." });
  if (moment.map?.old) {
    signs.push({ kind: "doubt", text: `The map is ${seconds(moment.map.older_ms)} older than the picture.` });
  }
  if (moment.map?.no_signal) {
    signs.push({ kind: "doubt", text: `No map: ${moment.map.no_signal}.` });
  }
  const doubt = signs.length > 0;
  let banner = null;
  if (link === "paused") banner = { title: "PAUSED", text: `This picture is ${seconds(ageMs)} old.`, small: true };
  else if (old) banner = { title: "OLD PICTURE", text: `It is ${seconds(ageMs)} old.`, small: true, doubt };
  else if (moment.unfamiliar) banner = { title: "UNLIKE THE TRAINING IMAGES", text: "", small: true, doubt };
  const unreliable = moment.unfamiliar || moment.uncertain;
  return {
    state: link === "paused" ? "paused" : doubt ? "doubt" : "live",
    pill: link === "paused" ? "PAUSED" : "LIVE",
    label: unreliable ? `${moment.shown_label} ?` : moment.shown_label,
    probability: percent(moment.shown_probability) + otherClass(moment),
    signs,
    banner,
  };
}

/** Which class the map explains, where that is not the one that is shown: the label is calmer. */
function otherClass({ map, shown_label: shown }) {
  return map && !map.no_signal && map.label !== shown ? `, map of ${map.label}` : "";
}

/** Shows the label, the warnings and the banner; called often, changes little. */
export function showVerdict(verdict, moment) {
  document.body.dataset.state = verdict.state;
  setText(element("pill-text"), verdict.pill);
  setText(element("label"), verdict.label);
  setText(element("probability"), verdict.probability ?? "");
  showSigns(verdict.signs);
  showBanner(verdict.banner);
  const described = verdict.probability ? `Camera picture, ${verdict.label}` : verdict.label;
  if (element("layers").getAttribute("aria-label") !== described) {
    element("layers").setAttribute("aria-label", described);
  }
  announce([verdict.pill, verdict.label, ...verdict.signs.map(({ text }) => text.replace(/\d[\d.]* s/, "")) ].join(". "));
  document.title = `${verdict.label} · saliedge${moment?.bundle ? ` · ${moment.bundle}` : ""}`;
}

/**
 * Shows the bars; the order of many classes changes seldom, so that they can be read.
 * stale: they are not of what is before the camera now, and are left empty.
 */
export function showClasses(moment, now, stale) {
  if (!moment.classes) return;
  let classes = moment.classes;
  if (classes.length > MOST_BARS) {
    if (now - orderedAt < REORDER_MS) {
      const kept = shownClasses.split("\n");
      classes = kept.map((name) => classes.find((entry) => entry.name === name)).filter(Boolean);
    } else {
      orderedAt = now;
      classes = [...classes].sort((a, b) => b.probability - a.probability).slice(0, MOST_BARS);
    }
  }
  const names = classes.map(({ name }) => name).join("\n");
  if (names !== shownClasses) {
    shownClasses = names;
    element("classes").replaceChildren(...classes.map(makeBar));
  }
  classes.forEach((entry, index) => {
    const bar = element("classes").children[index];
    if (stale) fillBar(bar, { ...entry, probability: null }, {});
    else fillBar(bar, entry, moment);
  });
}

/** Shows the facts about picture and device. */
export function showFacts(moment, ageMs) {
  const stages = Object.entries(moment.timings_ms ?? {}).map(([name, ms]) => `${name} ${number(ms, 1)}`);
  const rows = [
    ["Picture age", moment.age_ms === undefined ? "–" : seconds(ageMs)],
    ["Rate", `${number(moment.fps, 1)} FPS, ${moment.dropped} dropped`],
    ["Stages, ms", stages.join(" · ") || "–"],
    ["Map of", moment.map ? moment.map.label : "no map"],
    ["Distance", distance(moment)],
    ["Temperature", moment.temperature_c === null ? "not known" : `${number(moment.temperature_c, 0)} °C`],
    ["Camera", `${moment.source ?? "–"}${moment.losses ? `, lost ${moment.losses} times` : ""}`],
    ["Engine", moment.engine ?? "–"],
    ["Bundle", moment.bundle ? `${moment.bundle} ${moment.bundle_sha256.slice(0, 12)}` : "–"],
    ["Intended use", moment.intended_use || "–"],
    ["Version", moment.version],
  ];
  const list = element("facts");
  if (list.children.length !== rows.length) {
    list.replaceChildren(...rows.map(() => {
      const row = document.createElement("div");
      row.append(document.createElement("dt"), document.createElement("dd"));
      return row;
    }));
  }
  rows.forEach(([name, value], index) => {
    setText(list.children[index].children[0], name);
    setText(list.children[index].children[1], value);
  });
}

function distance(moment) {
  if (moment.distance === null || moment.distance === undefined) return "not measured";
  if (moment.distance_limit === null) return `${number(moment.distance, 1)}, no limit known`;
  return `${number(moment.distance, 1)} of at most ${number(moment.distance_limit, 1)}`;
}

function showSigns(signs) {
  const list = element("signs");
  while (list.children.length > signs.length) list.lastElementChild.remove();
  signs.forEach(({ kind, text }, index) => {
    const item = list.children[index] ?? list.appendChild(document.createElement("li"));
    item.className = kind;
    setText(item, text);
  });
}

function showBanner(banner) {
  const box = element("banner");
  box.hidden = !banner;
  if (!banner) return;
  box.classList.toggle("small", Boolean(banner.small));
  box.classList.toggle("doubt", Boolean(banner.doubt));
  setText(element("banner-title"), banner.title);
  setText(element("banner-text"), banner.text);
}

function makeBar({ name, threshold }) {
  const item = document.createElement("li");
  const parts = ["name", "value", "meter"].map((kind) => {
    const part = document.createElement(kind === "meter" ? "div" : "span");
    part.className = kind;
    return part;
  });
  const [label, , meter] = parts;
  label.textContent = name;
  label.title = name;
  meter.setAttribute("role", "meter");
  meter.setAttribute("aria-label", name);
  meter.setAttribute("aria-valuemin", "0");
  meter.setAttribute("aria-valuemax", "100");
  const fill = document.createElement("div");
  fill.className = "fill";
  meter.append(fill);
  if (threshold !== null) {
    const tick = document.createElement("div");
    tick.className = "tick";
    tick.style.left = `calc(${100 * threshold}% - 1px)`;
    meter.append(tick);
  }
  item.append(...parts);
  return item;
}

function fillBar(item, entry, moment) {
  item.classList.toggle("shown", entry.name === moment.shown_label);
  setText(item.children[1], percent(entry.probability));
  const meter = item.children[2];
  meter.setAttribute("aria-valuenow", String(Math.round(100 * (entry.probability ?? 0))));
  meter.firstElementChild.style.transform = `scaleX(${entry.probability ?? 0})`;
}

function announce(text) {
  if (text === announced) return;
  announced = text;
  element("announce").textContent = text;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
