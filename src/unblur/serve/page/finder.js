// The PSF estimated from the photograph alone.

import { sentence, time, Work } from "./follow.js";

const $ = (id) => document.getElementById(id);
const FOUND = { disk: "Out of focus, radius", motion: "Motion, length and angle" };

export class Finder extends EventTarget {
  constructor() {
    super();
    this.base = null;
    this.seen = () => null; // the part of the photograph that is on the screen
    this.work = new Work($("finding"));
    $("find-kind").addEventListener("change", () => { $("anyway-row").hidden = $("find-kind").value !== "shake"; });
    $("find").addEventListener("click", () => this.#find());
    $("find-cancel").addEventListener("click", () => this.#cancel());
    $("find-size").addEventListener("change", () => { // odd, and within its bounds
      const field = $("find-size");
      field.value = Math.min(Number(field.max), Math.max(Number(field.min), Math.round(Number(field.value)) || 31)) | 1;
    });
  }

  open(base) {
    this.base = base;
    this.work.stop();
    $("find").disabled = false;
    $("find-facts").replaceChildren();
  }

  async #find() {
    const of = this.base;
    const words = { kind: $("find-kind").value, size: Number($("find-size").value) };
    const transfer = document.querySelector("input[name=transfer]:checked").value;
    if (transfer) words.transfer = transfer;
    if ($("find-here").checked) words.box = this.seen();
    if ($("find-anyway").checked && !$("anyway-row").hidden) words.anyway = true;
    $("find").disabled = true;
    $("find-facts").replaceChildren();
    this.dispatchEvent(new Event("begun"));
    try {
      const told = await this.work.done(`${of}/estimation`, words);
      if (told && of === this.base) this.#done(told);
    } catch (error) {
      if (of === this.base) this.#say([[sentence(error.message), "warning"]]);
    } finally {
      if (of === this.base) this.#ready();
    }
  }

  async #cancel() {
    this.#ready();
    try {
      await this.work.cancel();
    } catch (error) {
      this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  #ready() {
    const waited = document.activeElement === $("find-cancel") || document.activeElement === document.body;
    $("find").disabled = false;
    if (waited && !$("search").hidden) $("find").focus({ preventScroll: true });
  }

  #done({ outcome, psf }) {
    const { shape, agreement, seconds, warnings, box } = outcome;
    const lines = [[`Found in ${time(seconds)}, from ${box[2] - box[0]} × ${box[3] - box[1]} px of the photograph.`]];
    const [family, numbers] = (shape ?? "").split(":");
    if (FOUND[family]) lines.push([`${FOUND[family]} ${numbers.replace(",", " px, ")}${family === "motion" ? "°" : " px"}.`]);
    if (agreement !== null) lines.push([`Two estimates of it agree to ${Math.round(100 * agreement)} %.`]);
    this.#say([...lines, ...warnings.map((text) => [sentence(text), "warning"])]);
    this.dispatchEvent(new CustomEvent("found", { detail: { ...psf, shape: FOUND[family] ? shape : null } }));
  }

  #say(lines) {
    $("find-facts").replaceChildren(...lines.map(([text, kind]) => {
      const line = document.createElement("li");
      line.textContent = text;
      if (kind) line.className = kind;
      return line;
    }));
  }
}
