// Long work on the server: begun, followed, shown, cancelled.

import { get, post, remove } from "./api.js";

const EVERY = 350; // milliseconds between two questions

// One piece of work at a time: it lives at one address and is shown in one block of the page.
export class Work {
  constructor(block) {
    this.block = block; // holds a progress bar, a text and a button that cancels
    this.run = 0;
    this.running = false;
    this.path = "";
    this.asked = Promise.resolve(); // the newest request that begins or cancels: they must arrive in order
  }

  get button() { return this.block.querySelector("button"); }

  // Begin it and wait for its end: what the server told last, or null where it was cancelled here meanwhile.
  async done(path, words) {
    const mine = ++this.run;
    this.path = path;
    this.running = true;
    this.since = performance.now();
    this.block.hidden = false;
    this.button.focus({ preventScroll: true });
    this.#show({ state: "waiting", share: 0 });
    try {
      const begun = this.asked.then(() => (mine === this.run ? post(path, words) : null));
      this.asked = begun.catch(() => {});
      const answer = await begun;
      let told = answer && (await answer.json());
      while (mine === this.run && (told.state === "waiting" || told.state === "running")) {
        this.#show(told);
        await new Promise((passed) => setTimeout(passed, EVERY));
        if (mine === this.run) told = await get(path);
      }
      if (mine !== this.run) return null;
      if (told.state === "failed") throw new Error(told.error);
      return told.state === "done" ? told : null;
    } catch (error) {
      if (mine === this.run) throw error;
      return null;
    } finally {
      if (mine === this.run) this.stop();
    }
  }

  stop() {
    this.run += 1;
    this.running = false;
    this.block.hidden = true;
  }

  async cancel() {
    this.stop();
    const { path } = this;
    const gone = this.asked.then(() => remove(path));
    this.asked = gone.catch(() => {});
    await gone;
  }

  #show({ state, share }) {
    const bar = this.block.querySelector("progress"), text = this.block.querySelector("span");
    const passed = (performance.now() - this.since) / 1000;
    if (share > 0) bar.value = share;
    else bar.removeAttribute("value");
    const left = share > 0.05 && passed > 3 ? `, about ${time(passed / share - passed)} left` : "";
    const words = state === "waiting" ? "Waiting for its turn" : `${share > 0 ? `${Math.round(100 * share)} %` : "Working"}, ${time(passed)}${left}`;
    if (text.textContent !== words) text.textContent = words;
  }
}

export function time(seconds) {
  return seconds < 60 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

// What the server says in lower case, as a sentence; what begins with a file's name stays as it is.
export function sentence(text) {
  const begun = /^[a-z]+ /.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
