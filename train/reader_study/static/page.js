// Shows one reader's cases in the order that was drawn, times them and keeps the answers in this
// browser until they are saved as a file. It knows pictures by names drawn by lot, and nothing else.

const study = JSON.parse(document.getElementById("study").textContent);
const STORE = `saliedge-reader-study/${study.study}`;
const TICK_MS = 500;

const element = (id) => document.getElementById(id);
const scale = (least, most) => Array.from({ length: study.scale }, (_, index) => {
  const word = { 1: least, [study.scale]: most }[index + 1];
  return { value: index + 1, text: word ? `${index + 1}  ${word}` : `${index + 1}` };
});

const QUESTIONS = {
  diagnosis: ["What does the picture show?", study.classes.map((name) => ({ value: name, text: name }))],
  confidence: ["How sure are you?", scale("a guess", "certain")],
  usefulness: ["Was the map of use?", scale("misleading", "very helpful")],
  preferred: ["Which map is more useful?", [
    { value: "left", text: "left" },
    { value: "right", text: "right" },
    { value: "", text: "no difference" },
  ]],
};

let state = null; // what is kept: {reader, session, began, readings, comparisons, draft}
let steps = [];
let runningSince = null;
let paused = false;

function store(key, value) {
  try {
    if (value !== undefined) localStorage.setItem(key, JSON.stringify(value));
    return JSON.parse(localStorage.getItem(key) ?? "null");
  } catch (error) {
    element("warning").hidden = false;
    return null;
  }
}

const keep = () => store(`${STORE}/${state.reader}`, state);
const newDraft = () => ({ answers: {}, seconds: 0, breaks: 0, running: false });
const position = () => state.readings.length + state.comparisons.length;
const elapsed = () => state.draft.seconds + (runningSince === null ? 0 : (performance.now() - runningSince) / 1000);

function begin(reader) {
  const previous = store(`${STORE}/${reader}`);
  state = previous ?? {
    reader,
    session: Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
    began: new Date().toISOString(),
    readings: [],
    comparisons: [],
    draft: newDraft(),
  };
  const order = study.readers[reader - 1];
  steps = [
    ...order.readings.map(([name, map]) => ({ part: "readings", name, map })),
    ...order.comparisons.map(([name, left, right]) => ({ part: "comparisons", name, left, right })),
  ];
  store(`${STORE}/reader`, reader);
  interrupt(); // a browser that died in the middle of a case
  show();
}

function screen(name) {
  document.body.dataset.screen = name;
  for (const id of ["start", "case", "done"]) element(id).hidden = id !== name;
  element("clock").hidden = name !== "case";
}

async function show() {
  const step = steps[position()];
  if (!step) {
    screen("done");
    element("place").textContent = `Reader ${state.reader}`;
    element("done-title").focus();
    return;
  }
  screen("case");
  setPaused(false);
  const [views, questions] = step.part === "readings" ? reading(step) : comparison(step);
  const ofPart = steps.filter(({ part }) => part === step.part);
  const place = `Reader ${state.reader}, part ${step.part === "readings" ? 1 : 2}, picture ${ofPart.indexOf(step) + 1} of ${ofPart.length}`;
  element("place").textContent = place;
  element("announce").textContent = place;
  element("hint").textContent = "";
  element("fields").replaceChildren(...questions.map(fieldset));
  mark();
  const figures = views.map(figure);
  element("views").style.setProperty("--columns", step.part === "readings" ? 2 : 3);
  element("views").replaceChildren(...figures);
  // The clock waits until everything can be seen. A browser may refuse to decode ahead of time (memory,
  // a page in the background), and then shows the picture all the same.
  await Promise.allSettled(figures.map((one) => one.querySelector("img").decode()));
  if (steps[position()] !== step) return;
  start();
  focusOn(firstOpen() ?? fieldsets()[0]);
  document.body.dataset.ready = String(position());
}

const reading = ({ name, map }) => [
  map ? [["picture", name], ["with map", map]] : [["picture", name]],
  map ? ["diagnosis", "confidence", "usefulness"] : ["diagnosis", "confidence"],
];
const comparison = ({ name, left, right }) => [
  [["picture", name], ["left map", left], ["right map", right]],
  ["preferred"],
];

function figure([caption, name]) {
  const made = document.createElement("figure");
  const image = document.createElement("img");
  image.src = study.pictures[name];
  image.alt = caption;
  const text = document.createElement("figcaption");
  text.textContent = caption;
  made.append(image, text);
  return made;
}

function fieldset(question) {
  const [legend, options] = QUESTIONS[question];
  const made = document.createElement("fieldset");
  made.name = question;
  made.append(document.createElement("legend"));
  made.firstChild.textContent = legend;
  options.forEach(({ value, text }, index) => {
    const label = document.createElement("label");
    const input = document.createElement("input");
    Object.assign(input, { type: "radio", name: question, value, checked: state.draft.answers[question] === value });
    input.addEventListener("change", () => answer(question, value));
    label.append(input, text);
    if (index < 9) {
      const key = document.createElement("kbd");
      key.textContent = String(index + 1);
      key.setAttribute("aria-hidden", "true");
      label.append(key);
    }
    made.append(label);
  });
  return made;
}

const fieldsets = () => [...element("fields").children];
const firstOpen = () => fieldsets().find(({ name }) => !(name in state.draft.answers));
const active = () => document.activeElement?.closest("#fields fieldset") ?? firstOpen() ?? fieldsets().at(-1);
const mark = () => fieldsets().forEach((one) => one.classList.toggle("active", one === active()));

function focusOn(one) {
  (one?.querySelector("input:checked") ?? one?.querySelector("input"))?.focus();
}

function answer(question, value) {
  state.draft.answers[question] = value;
  element("hint").textContent = "";
  keepDraft();
  mark();
}

function next() {
  if (paused) return;
  const open = firstOpen();
  if (open) {
    element("hint").textContent = "Please answer every question.";
    focusOn(open);
    return;
  }
  const step = steps[position()];
  const { answers, breaks } = state.draft;
  const time = { seconds: Math.round(elapsed() * 1000) / 1000, breaks };
  runningSince = null;
  state[step.part].push(
    step.part === "readings"
      ? { case: step.name, map: step.map, diagnosis: answers.diagnosis, confidence: answers.confidence, usefulness: step.map ? answers.usefulness : null, ...time }
      : { case: step.name, left: step.left, right: step.right, preferred: answers.preferred ? step[answers.preferred] : null, ...time },
  );
  state.draft = newDraft();
  keep();
  show();
}

function start() {
  if (paused || document.hidden || runningSince !== null) return;
  runningSince = performance.now();
  state.draft.running = true;
}

function stop() {
  state.draft.seconds = elapsed();
  runningSince = null;
}

/** Stops the clock in the middle of a case, and counts that once. */
function interrupt() {
  stop();
  if (state.draft.running) state.draft.breaks += 1;
  state.draft.running = false;
  keep();
}

function keepDraft() {
  if (runningSince !== null) {
    state.draft.seconds = elapsed();
    runningSince = performance.now();
  }
  keep();
}

function setPaused(value) {
  if (value) interrupt();
  paused = value;
  document.body.classList.toggle("paused", paused);
  element("pause").setAttribute("aria-pressed", String(paused));
}

function togglePause() {
  setPaused(!paused);
  if (!paused) {
    start();
    focusOn(firstOpen());
  }
}

function save() {
  const { reader, session, began, readings, comparisons } = state;
  const record = {
    format: study.format,
    version: study.version,
    study: study.study,
    reader,
    session,
    began,
    saved: new Date().toISOString(),
    complete: position() === steps.length,
    readings,
    comparisons,
  };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([`${JSON.stringify(record, null, 1)}\n`], { type: "application/json" }));
  link.download = `answers-${study.study}-reader-${reader}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  element("saved").textContent = `Saved as ${link.download}.`;
}

/** Gives the page to another reader; what this one answered stays. */
function leave() {
  if (document.body.dataset.screen === "case") interrupt();
  store(`${STORE}/reader`, null);
  state = null;
  location.reload();
}

function onKey(event) {
  if (document.body.dataset.screen !== "case" || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.key.toLowerCase() === "p") togglePause();
  else if (event.key === "Enter" && event.target.closest?.("button") === null) next();
  else if (/^[1-9]$/.test(event.key) && !paused) answerByNumber(Number(event.key));
  else return;
  event.preventDefault();
}

function answerByNumber(number) {
  const one = active();
  const input = one?.querySelectorAll("input")[number - 1];
  if (!input) return;
  input.checked = true;
  input.dispatchEvent(new Event("change"));
  focusOn(one.nextElementSibling ?? one);
}

study.readers.forEach((_, index) => {
  element("reader").append(new Option(`Reader ${index + 1}`, String(index + 1)));
});
element("second-part").hidden = study.readers[0].comparisons.length === 0;
element("begin").addEventListener("submit", (event) => {
  event.preventDefault();
  begin(Number(element("reader").value));
});
element("questions").addEventListener("submit", (event) => {
  event.preventDefault();
  next();
});
element("fields").addEventListener("focusin", mark);
element("pause").addEventListener("click", togglePause);
for (const button of document.querySelectorAll(".save")) button.addEventListener("click", save);
for (const button of document.querySelectorAll(".leave")) button.addEventListener("click", leave);
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => {
  if (!state || document.body.dataset.screen !== "case") return;
  if (document.hidden) interrupt();
  else start();
});
window.addEventListener("pagehide", () => { if (state && document.body.dataset.screen === "case") interrupt(); });
setInterval(() => {
  if (document.body.dataset.screen !== "case") return;
  const seconds = Math.floor(elapsed());
  element("clock").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (seconds % 5 === 0) keepDraft();
}, TICK_MS);

const earlier = store(`${STORE}/reader`);
if (earlier !== null && study.readers[earlier - 1]) begin(earlier);
