// The whole photograph: restore it, and take the result away as a file.

import { post } from "./api.js";
import { sentence, time, Work } from "./follow.js";

const $ = (id) => document.getElementById(id);

export class Whole extends EventTarget {
  constructor() {
    super();
    this.base = null;
    this.work = new Work($("progress"));
    this.wanted = "same"; // the format that was chosen last
    this.writing = 0;
    $("cancel").addEventListener("click", () => this.#cancel());
    $("format").addEventListener("change", () => {
      this.wanted = $("format").value;
      this.#write();
    });
    $("quality").addEventListener("change", () => this.#write());
  }

  get running() { return this.work.running; }

  open(base) {
    this.base = base;
    this.work.stop();
    this.writing += 1;
    $("restore").disabled = false;
    $("result").hidden = true;
  }

  async begin(words) {
    const of = this.base;
    $("result").hidden = true;
    $("restore").disabled = true;
    try {
      const told = await this.work.done(`${of}/restoration`, words);
      if (told && of === this.base) this.#done(told);
    } catch (error) {
      if (of === this.base) this.#trouble(error);
    } finally {
      if (of === this.base && !this.running) $("restore").disabled = false;
    }
  }

  async #cancel() {
    $("restore").disabled = false;
    $("restore").focus({ preventScroll: true });
    try {
      await this.work.cancel();
      this.dispatchEvent(new Event("cancelled"));
    } catch (error) {
      this.#trouble(error);
    }
  }

  #trouble(error) { this.dispatchEvent(new CustomEvent("trouble", { detail: error })); }

  #done({ outcome, formats }) {
    const { method, seconds, warnings } = outcome;
    this.said = [[`Restored by ${method} in ${time(seconds)}.`], ...warnings.map((text) => [sentence(text), "warning"])];
    this.formats = formats;
    $("format").replaceChildren(...formats.map(({ name, title }) => new Option(title, name)));
    const known = formats.some(({ name }) => name === this.wanted);
    $("format").value = known ? this.wanted : "same";
    $("result").hidden = false;
    if (document.activeElement === document.body) $("format").focus({ preventScroll: true }); // it was on Cancel
    this.#write();
    this.dispatchEvent(new Event("done"));
  }

  // Have the file written; then it can be downloaded, and what it could not hold is known. Only the newest counts.
  async #write() {
    const mine = ++this.writing;
    const format = this.formats.find(({ name }) => name === $("format").value);
    $("quality-row").hidden = format.quality === null;
    if (format.quality !== null && !($("quality").value && $("quality").validity.valid)) return;
    const words = { format: format.name };
    if (format.quality !== null) words.quality = Math.round(Number($("quality").value));
    const link = $("download");
    link.removeAttribute("href");
    link.setAttribute("aria-disabled", "true");
    link.textContent = "Writing the file …";
    this.#notes([]);
    try {
      const { name, bytes, notes } = await (await post(`${this.base}/restoration/file`, words)).json();
      if (mine !== this.writing) return;
      link.href = `${this.base}/restoration/file?${new URLSearchParams(words)}`;
      link.removeAttribute("aria-disabled");
      link.textContent = `Download ${name}`;
      this.#notes([[`The file has ${size(bytes)}.`], ...notes.map((note) => [sentence(note)])]);
    } catch (error) {
      if (mine !== this.writing) return;
      link.textContent = "No file";
      this.#trouble(error);
    }
  }

  #notes(more) {
    $("notes").replaceChildren(...[...this.said, ...more].map(([text, kind]) => {
      const line = document.createElement("li");
      line.textContent = text;
      if (kind) line.className = kind;
      return line;
    }));
  }
}

function size(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
