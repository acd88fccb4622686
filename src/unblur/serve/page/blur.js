// The controls that say how the photograph is blurred. What they say is `words`, ready for the server, or null where
// something is still missing.

import { post, sendFile } from "./api.js";
import { Pad } from "./pad.js";

const $ = (id) => document.getElementById(id);
const SHAPES = {
  disk: (v) => `disk:${v("radius")}`,
  motion: (v) => `motion:${v("length")},${v("angle")}`,
  gauss: (v) => `gauss:${v("sigma")}`,
  polygon: (v) => `polygon:${v("sides")},${v("corner")}`,
};

const KINDS = { disk: ["radius"], gauss: ["sigma"], motion: ["length", "angle"] };
const NAMES = { disk: "Out of focus, radius", gauss: "Soft, width" };
const HINTS = {
  light: "A star, a far lamp or a glint that should be a point. Its shape is the blur.",
  edge: "A straight border between dark and bright, a little slanted: a roof, a sign. Zoom in first.",
};

export class Blur extends EventTarget {
  constructor() {
    super();
    this.base = null; // address of the photograph
    this.kept = {}; // what the server said of the PSF, by kind
    this.pad = new Pad($("pad"));
    this.chosen = null; // the file
    this.asked = 0;
    this.#listen();
  }

  open(base) {
    this.base = base;
    this.kept = {};
    this.place = null; // of the light
    for (const kind of ["light", "edge"]) $(`${kind}-facts`).textContent = HINTS[kind];
    $("edge-adjust").hidden = $("find-adjust").hidden = true;
    this.#switch();
    if (this.pad.path.length) this.#redraw();
    if (this.chosen) this.#sendFile();
  }

  get kind() { return document.querySelector("input[name=kind]:checked").value; }

  // As PSF grammar, where it can be written so.
  get shape() {
    return SHAPES[this.kind]?.((name) => Number(this.#fields(name)[0].value)) ?? this.kept[this.kind]?.shape ?? null;
  }

  get words() {
    if (this.shape) return { shape: this.shape };
    const kept = this.kept[this.kind];
    return kept ? { kept: kept.kept } : null;
  }

  get missing() {
    const words = { drawn: "Draw the path of the light.", light: "Point at a light.", edge: "Draw a line across an edge." };
    return { ...words, found: "Let the blur be estimated.", file: "Choose a PSF." }[this.kind] ?? "";
  }

  async pointAt(x, y) {
    const words = { x, y, alone: $("light-alone").checked };
    if (Number($("light-size").value)) words.size = Number($("light-size").value) | 1; // odd
    const found = await (await post(`${this.base}/psf/point`, words)).json();
    this.kept.light = found;
    this.place = [x, y];
    const guessed = found.repaired ? ` ${found.repaired} clipped pixels of it were guessed; a fainter light is surer.` : "";
    $("light-facts").textContent = `Light at ${Math.round(found.x)}, ${Math.round(found.y)}.${guessed}`;
    this.#said(found);
  }

  // Measure the edge in a box of the photograph.
  async edgeIn(box) {
    const found = await (await post(`${this.base}/psf/edge`, { box })).json();
    const [best, other] = found.fits.map(({ shape, error }) => {
      const [family, width] = shape.split(":");
      return `${NAMES[family]} ${width} px (misses the edge by ${(100 * error).toFixed(1)} %)`;
    });
    $("edge-facts").textContent = `${best}. Second best: ${other}.`;
    $("edge-adjust").hidden = false;
    this.kept.edge = { ...found, shape: found.fits[0].shape };
    this.#said(this.kept.edge);
  }

  // Take what was estimated; null forgets it.
  take(found) {
    this.kept.found = found;
    $("find-adjust").hidden = !found?.shape;
    if (this.kind === "found") this.#said(found);
  }

  // Put a shape that was measured on the sliders.
  #adjust(shape) {
    const [family, numbers] = shape.split(":");
    numbers.split(",").forEach((value, k) => {
      for (const field of this.#fields(KINDS[family][k])) field.value = value;
    });
    const radio = document.querySelector(`input[name=kind][value=${family}]`);
    radio.checked = true;
    radio.focus({ preventScroll: true });
    this.#switch();
  }

  #fields(name) { return document.querySelectorAll(`#controls input[data-name=${name}]`); }

  #listen() {
    for (const input of document.querySelectorAll("#controls input[data-name]")) {
      input.addEventListener("input", () => {
        if (input.value === "" || !input.validity.valid && input.type === "number") return;
        for (const twin of this.#fields(input.dataset.name)) if (twin !== input) twin.value = input.value;
        this.#changed(input.dataset.name);
      });
    }
    for (const radio of document.querySelectorAll("input[name=kind]")) radio.addEventListener("change", () => this.#switch());
    this.pad.addEventListener("drawn", () => this.#redraw());
    $("clear").addEventListener("click", () => this.pad.clear());
    $("psf-choose").addEventListener("click", () => $("psf-file").click());
    $("psf-file").addEventListener("change", () => {
      [this.chosen] = $("psf-file").files;
      if (this.chosen) this.#sendFile();
    });
    for (const id of ["light-size", "light-alone"]) {
      $(id).addEventListener("change", () => {
        const trouble = (error) => this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
        if (this.place) this.pointAt(...this.place).catch(trouble);
      });
    }
    $("edge-adjust").addEventListener("click", () => this.#adjust(this.kept.edge.shape));
    $("find-adjust").addEventListener("click", () => this.#adjust(this.kept.found.shape));
    for (const id of ["recentre", "flip"]) $(id).addEventListener("change", () => this.chosen && this.#sendFile());
  }

  #switch() {
    for (const part of document.querySelectorAll("#controls [data-kind]")) part.hidden = part.dataset.kind !== this.kind;
    $("sketch").hidden = this.kind !== "drawn";
    $("hint").hidden = !(this.kind in SHAPES);
    $("search").hidden = this.kind !== "found";
    if (this.kind === "drawn") this.pad.draw();
    this.dispatchEvent(new Event("kind"));
    if (this.kind in SHAPES) this.#changed();
    else this.#said(this.kept[this.kind]);
  }

  #changed(name) {
    if (name === "pad" || name === "line") {
      this.pad.side = Number(this.#fields("pad")[0].value);
      this.pad.width = Number(this.#fields("line")[0].value);
      this.pad.path = this.pad.path.filter(([x, y]) => x <= this.pad.side && y <= this.pad.side);
      this.pad.draw();
      this.#redraw();
      return;
    }
    this.dispatchEvent(new Event("change"));
    this.#ask(async () => (await post(`${this.base}/psf`, { shape: this.shape })).json(), (told) => this.#draw(told));
  }

  #redraw() {
    if (!this.pad.path.length) {
      this.kept.drawn = null;
      if (this.kind === "drawn") this.#said(null);
      return;
    }
    const words = { points: this.pad.path, width: this.pad.width };
    this.#ask(async () => (await post(`${this.base}/psf/drawn`, words)).json(), (told) => {
      this.kept.drawn = told;
      if (this.kind === "drawn") this.#said(told);
    });
  }

  #sendFile() {
    const query = { recentre: Number($("recentre").checked), flip: Number($("flip").checked) };
    $("psf-name").textContent = this.chosen.name;
    this.#ask(() => sendFile(`${this.base}/psf/file`, this.chosen, query), (told) => {
      this.kept.file = told;
      if (this.kind === "file") this.#said(told);
    });
  }

  // Only the newest answer counts.
  async #ask(question, then) {
    const mine = ++this.asked;
    try {
      const told = await question();
      if (mine === this.asked) then(told);
    } catch (error) {
      if (mine === this.asked) this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  #said(told) {
    this.#draw(told);
    this.dispatchEvent(new Event("change"));
  }

  #draw(told) {
    const canvas = $("psf"), ink = canvas.getContext("2d");
    ink.clearRect(0, 0, canvas.width, canvas.height);
    $("psf-size").textContent = told ? `${told.width} × ${told.height} px` : "nothing yet";
    this.dispatchEvent(new CustomEvent("refused", { detail: told?.refused ?? {} }));
    if (!told) return;
    const levels = Uint8Array.from(atob(told.levels), (letter) => letter.charCodeAt(0));
    const picture = new ImageData(told.width, told.height);
    levels.forEach((level, k) => picture.data.set([level, level, level, 255], 4 * k));
    const small = new OffscreenCanvas(told.width, told.height);
    small.getContext("2d").putImageData(picture, 0, 0);
    const room = canvas.width - 8, largest = Math.max(told.width, told.height);
    const scale = largest < room ? Math.min(12, Math.floor(room / largest)) : room / largest;
    ink.imageSmoothingEnabled = scale < 1;
    const [w, h] = [told.width * scale, told.height * scale];
    ink.drawImage(small, Math.round((canvas.width - w) / 2), Math.round((canvas.height - h) / 2), w, h);
  }
}
