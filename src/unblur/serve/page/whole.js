// Restoring the whole photograph: begin, follow, cancel, fetch.

import { get, post, remove } from "./api.js";

const $ = (id) => document.getElementById(id);

export class Whole extends EventTarget {
  constructor() {
    super();
    this.base = null;
    this.running = false;
    this.run = 0;
    $("cancel").addEventListener("click", () => this.#cancel());
  }

  open(base) {
    this.base = base;
    this.#stop();
    $("result").hidden = true;
  }

  async begin(words) {
    const mine = ++this.run;
    this.running = true;
    this.since = performance.now();
    $("result").hidden = true;
    $("restore").disabled = true;
    $("progress").hidden = false;
    $("cancel").focus({ preventScroll: true });
    this.#show({ state: "waiting", share: 0 });
    try {
      let told = await (await post(`${this.base}/restoration`, words)).json();
      while (mine === this.run && (told.state === "waiting" || told.state === "running")) {
        this.#show(told);
        await new Promise((done) => setTimeout(done, 350));
        if (mine === this.run) told = await get(`${this.base}/restoration`);
      }
      if (mine !== this.run) return;
      const waited = document.activeElement === $("cancel");
      this.#stop();
      if (told.state === "done") this.#done(told, waited);
      else if (told.state === "failed") throw new Error(told.error);
    } catch (error) {
      if (mine !== this.run) return;
      this.#stop();
      this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  #stop() {
    this.run += 1;
    this.running = false;
    $("restore").disabled = false;
    $("progress").hidden = true;
  }

  async #cancel() {
    this.#stop();
    $("restore").focus({ preventScroll: true });
    try {
      await remove(`${this.base}/restoration`);
      this.dispatchEvent(new Event("cancelled"));
    } catch (error) {
      this.dispatchEvent(new CustomEvent("trouble", { detail: error }));
    }
  }

  #show({ state, share }) {
    const bar = $("progress").querySelector("progress"), passed = (performance.now() - this.since) / 1000;
    if (share > 0) bar.value = share;
    else bar.removeAttribute("value");
    const left = share > 0.05 && passed > 3 ? `, about ${time(passed / share - passed)} left` : "";
    const words = state === "waiting" ? "Waiting for its turn" : `${share > 0 ? `${Math.round(100 * share)} %` : "Working"}, ${time(passed)}${left}`;
    if ($("progress-text").textContent !== words) $("progress-text").textContent = words;
  }

  #done(told, waited) {
    const { method, seconds, notes, warnings } = told.outcome;
    $("download").href = `${this.base}/restoration/file`;
    $("download").textContent = `Download ${told.name}`;
    const lines = [[`Restored by ${method} in ${time(seconds)}.`], ...notes.map((note) => [note]), ...warnings.map((text) => [text, "warning"])];
    $("notes").replaceChildren(...lines.map(([text, kind]) => {
      const line = document.createElement("li");
      line.textContent = text;
      if (kind) line.className = kind;
      return line;
    }));
    $("result").hidden = false;
    if (waited) $("download").focus({ preventScroll: true });
    this.dispatchEvent(new Event("done"));
  }
}

function time(seconds) {
  return seconds < 60 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
