// One photograph at a time: open it, say how it is blurred, see a part of it restored, restore the whole.

import { get, picture, post, remove, sendFile } from "./api.js";
import { Blur } from "./blur.js";
import { Finder } from "./finder.js";
import { sentence } from "./follow.js";
import { listMethods, listSettings, orderOf, refuseMethods, tellCommand } from "./order.js";
import { Pointing } from "./pointing.js";
import { View } from "./view.js";
import { Whole } from "./whole.js";

const $ = (id) => document.getElementById(id);
const WANTED = 1.2; // seconds that a preview may take
const [LEAST, MOST] = [50e3, 1.4e6]; // its pixels
const MOST_ESTIMATED = 1e6; // pixels that an estimation looks at
const view = new View($("view"), $("handle"), { before: $("before-tag"), after: $("after-tag") });
const blur = new Blur();
const finder = new Finder();
const pointing = new Pointing(view, blur, { calm, trouble });
const whole = new Whole();
let photo = null; // {id, name, width, height, …}
let base = "";
let pixels = 160e3; // of a preview; follows the speed of the machine
let restoredWith = null; // the order of the whole that is at hand
let asked = new AbortController();
let parted = new AbortController();
let previewTimer = 0, partTimer = 0;

// ---- messages

let passing = false; // whether the next good preview answers what the message says

function trouble(error, passes = false) {
  if (error.name === "AbortError") return;
  passing = passes;
  $("alert").querySelector("span").textContent = sentence(error.message);
  $("alert").hidden = false;
}

function calm() { $("alert").hidden = true; }

function say(text, working = false) {
  $("status").textContent = text;
  $("status").classList.toggle("working", working);
}

// ---- opening

async function open(file) {
  if (!file) return;
  calm();
  pointing.stop();
  $("facts").textContent = `Reading ${file.name} …`;
  try {
    const opened = await sendFile("/photographs", file);
    const overview = await picture(`/photographs/${opened.id}/overview`);
    if (photo) remove(base).catch(() => {});
    photo = opened;
    base = `/photographs/${photo.id}`;
    restoredWith = null;
    $("welcome").hidden = true;
    for (const id of ["stage", "panel", "open"]) $(id).hidden = false;
    document.title = `${photo.name} – unblur`;
    view.show(photo.width, photo.height, overview);
    whole.open(base);
    finder.open(base);
    blur.open(base);
    $("deep-row").hidden = photo.depth !== "8 bits";
  } catch (error) {
    trouble(error);
  }
  facts();
}

function facts() {
  const linear = photo?.encoding === "linear" ? ["linear light"] : [];
  $("facts").textContent = photo
    ? [photo.name, `${photo.width} × ${photo.height}`, photo.depth, ...linear, ...photo.notes].join("  ·  ")
    : "";
}

for (const id of ["open", "choose"]) $(id).addEventListener("click", () => $("file").click());
$("file").addEventListener("change", () => {
  open($("file").files[0]);
  $("file").value = "";
});
$("alert").querySelector("button").addEventListener("click", calm);

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
let over = 0;
addEventListener("dragenter", (event) => { if (hasFiles(event)) $("dropping").hidden = ++over < 1; });
addEventListener("dragleave", (event) => { if (hasFiles(event)) $("dropping").hidden = --over < 1; });
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  over = 0;
  $("dropping").hidden = true;
  open(event.dataTransfer.files[0]);
});
addEventListener("pagehide", (event) => { if (photo && !event.persisted) remove(base, true).catch(() => {}); });

// ---- the order: what is asked of the server

const order = () => (photo ? orderOf(blur.words) : null);

function reordered() {
  if (!photo) return;
  const words = order();
  tellCommand(words, photo.name, blur.shape);
  if (!words) {
    asked.abort();
    view.patch = view.after = null;
    $("doubt").hidden = true;
    view.draw();
    say(blur.missing);
  }
  $("restore").disabled = !words || whole.running;
  if (view.after && JSON.stringify(words) !== restoredWith) view.after = null;
  $("restore").classList.toggle("primary", !view.after);
  previewSoon();
}

blur.addEventListener("change", reordered);
blur.addEventListener("kind", () => {
  pointing.stop();
  calm();
});
finder.seen = () => view.middle(MOST_ESTIMATED);
finder.addEventListener("begun", () => blur.take(null));
finder.addEventListener("found", ({ detail }) => blur.take(detail));
finder.addEventListener("trouble", ({ detail }) => trouble(detail));
blur.addEventListener("trouble", ({ detail }) => trouble(detail, true));
blur.addEventListener("refused", ({ detail }) => { if (refuseMethods(detail)) reordered(); });
$("method").addEventListener("change", () => { listSettings(); reordered(); });
$("settings").addEventListener("change", reordered);
$("transfers").addEventListener("change", reordered);
$("deep").addEventListener("change", reordered);
$("more").addEventListener("toggle", () => { if ($("more").open) $("more").scrollIntoView({ block: "nearest" }); });

// ---- the preview of what is in the middle of the view

function previewSoon() {
  clearTimeout(previewTimer);
  if (photo && !view.after) previewTimer = setTimeout(preview, 120);
}

async function preview() {
  const words = order();
  if (!words || view.after) return;
  asked.abort();
  asked = new AbortController();
  const { signal } = asked;
  const box = view.middle(pixels), of = base;
  say("Restoring the framed part …", true);
  try {
    const start = performance.now();
    const answer = await post(`${base}/preview`, { ...words, box }, signal);
    const image = await createImageBitmap(await answer.blob());
    if (signal.aborted || of !== base) return;
    if (passing) calm();
    view.patch = { box, image };
    view.draw();
    const seconds = (performance.now() - start) / 1000;
    say(`The framed part: ${answer.headers.get("x-method")}, ${seconds.toFixed(1)} s`);
    doubt(answer.headers.get("x-doubt"));
    const next = pixels * Math.min(3, Math.max(0.4, WANTED / Math.max(seconds, 0.05)));
    if (next > 1.6 * pixels || next < 0.6 * pixels) pixels = Math.min(MOST, Math.max(LEAST, next));
  } catch (error) {
    if (signal.aborted || error.status === 409) return;
    view.patch = null;
    view.draw();
    say("");
    trouble(error, true);
  }
}

function doubt(text) {
  $("doubt").hidden = !text;
  const times = text?.match(/\(([\d.]+) times\)/)?.[1];
  $("doubt").textContent = text
    ? `This blur does not explain the photograph: ${times ?? "several"} times what noise would leave is left over. Try another kind or size.`
    : "";
}

// ---- what the view shows of before and after, sharp at every zoom

function partsSoon() {
  clearTimeout(partTimer);
  partTimer = setTimeout(parts, 180);
}

async function parts() {
  if (!photo || view.before.overview.width >= photo.width) return; // the overview has every pixel
  if (view.scale * view.ratio * photo.width <= view.before.overview.width) return; // and so much is enough here
  parted.abort();
  parted = new AbortController();
  const { signal } = parted;
  const box = view.visible();
  for (const [layers, path] of [[view.before, `${base}/part`], [view.after, `${base}/restoration/part`]]) {
    if (!layers) continue;
    try {
      const image = await picture(`${path}?box=${box}`, signal);
      layers.part = { box, image };
      view.draw();
    } catch (error) {
      if (!signal.aborted) trouble(error);
      return;
    }
  }
}

view.addEventListener("move", () => { previewSoon(); partsSoon(); });
view.addEventListener("zoom", () => {
  for (const radio of document.querySelectorAll("input[name=zoom]")) radio.checked = radio.value === String(view.zoom);
});
$("zooms").addEventListener("change", (event) => view.setZoom(event.target.value === "fit" ? "fit" : Number(event.target.value)));
addEventListener("resize", () => photo && view.changed());

// ---- the whole photograph

$("restore").addEventListener("click", () => {
  calm();
  const words = order();
  if (!words) return;
  restoredWith = JSON.stringify(words);
  whole.begin(words);
});
whole.addEventListener("trouble", ({ detail }) => trouble(detail));
whole.addEventListener("cancelled", () => say("Cancelled."));
whole.addEventListener("done", async () => {
  const of = base;
  try {
    const overview = await picture(`${base}/restoration/overview`);
    if (of !== base || JSON.stringify(order()) !== restoredWith) return;
    asked.abort();
    view.after = { overview, part: null };
    $("restore").classList.remove("primary");
    view.draw();
    say("The whole photograph, restored");
    partsSoon();
  } catch (error) {
    trouble(error);
  }
});

get("/methods").then(listMethods, trouble);
