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

export class Blur extends EventTarget {
  constructor() {
    super();
    this.base = null; // address of the photograph
    this.kept = { drawn: null, light: null, file: null }; // what the server keeps, by kind
    this.pad = new Pad($("pad"));
    this.chosen = null; // the file
    this.asked = 0;
    this.#listen();
  }

  open(base) {
    this.base = base;
    this.kept = { drawn: null, light: null, file: null };
    this.place = null; // of the light
    $("light-facts").textContent = "A star, a far lamp or a glint that should be a point. Its shape is the blur.";
    this.#switch();
    if (this.pad.path.length) this.#redraw();
    if (this.chosen) this.#sendFile();
  }

  get kind() { return document.querySelector("input[name=kind]:checked").value; }

  get shape() {
    return SHAPES[this.kind]?.((name) => Number(this.#fields(name)[0].value)) ?? null;
  }

  get words() {
    if (this.shape) return { shape: this.shape };
    const kept = this.kept[this.kind];
    return kept ? { kept: kept.kept } : null;
  }

  get missing() {
    return { drawn: "Draw the path of the light.", light: "Point at a light.", file: "Choose a PSF." }[this.kind] ?? "";
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
    for (const id of ["recentre", "flip"]) $(id).addEventListener("change", () => this.chosen && this.#sendFile());
  }

  #switch() {
    for (const part of document.querySelectorAll("#controls [data-kind]")) part.hidden = part.dataset.kind !== this.kind;
    $("sketch").hidden = this.kind !== "drawn";
    if (this.kind === "drawn") this.pad.draw();
    this.dispatchEvent(new Event("kind"));
    if (this.shape) this.#changed();
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
    $("psf-size").textContent = told ? `${told.width} × ${told.height} px` : "";
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
