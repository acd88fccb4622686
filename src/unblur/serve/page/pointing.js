// Pointing at something in the photograph that shows its blur: a light, or an edge.

const $ = (id) => document.getElementById(id);
const WAYS = {
  light: {
    button: "point",
    words: "Point at a light",
    banner: ["Point at a light.", "With keys: move the photograph with the arrows, then Enter."],
  },
  edge: {
    button: "edge",
    words: "Draw across an edge",
    banner: ["Draw a line straight across an edge.", "With keys: arrows, Enter, arrows, Enter."],
  },
};

export class Pointing {
  constructor(view, blur, { calm, trouble }) {
    this.view = view;
    this.blur = blur;
    this.trouble = trouble;
    this.calm = calm;
    for (const [what, { button }] of Object.entries(WAYS)) {
      $(button).addEventListener("click", () => this.#set(view.pointing === what ? "" : what));
    }
    addEventListener("keydown", (event) => { if (event.key === "Escape" && view.pointing) this.#set(""); });
    view.addEventListener("point", ({ detail: { x, y } }) => this.#measured(() => blur.pointAt(x, y)));
    view.addEventListener("line", ({ detail: box }) => this.#measured(() => blur.edgeIn(box)));
  }

  stop() { if (this.view.pointing) this.#set(""); }

  async #measured(question) {
    const what = this.view.pointing, of = this.blur.base;
    this.calm();
    banner(["Measuring …", ""]);
    try {
      await question();
      if (of === this.blur.base) this.stop();
    } catch (error) {
      if (of !== this.blur.base || this.view.pointing !== what) return;
      this.#set(what);
      this.trouble(error);
    }
  }

  #set(what) {
    this.view.setPointing(what);
    for (const [name, { button, words }] of Object.entries(WAYS)) {
      $(button).setAttribute("aria-pressed", String(name === what));
      $(button).textContent = name === what ? "Stop" : words;
    }
    $("banner").hidden = !what;
    banner(what ? WAYS[what].banner : ["", ""]);
    if (what) $("view").focus({ preventScroll: true });
  }
}

function banner(words) {
  [...$("banner").children].forEach((part, k) => { part.textContent = words[k]; });
}
