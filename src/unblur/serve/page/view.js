// The photograph on the screen: zoom, position, and the handle between before and after.
// Places are in pixels of the photograph, x to the right and y downwards from its top left corner.

import { around, cross, frame, line } from "./marks.js";

const LEAST = 8; // pixels of the photograph that a line across an edge is long
const STEPS = ["fit", 0.5, 1, 2];

export class View extends EventTarget {
  constructor(canvas, handle, tags) {
    super();
    this.canvas = canvas;
    this.handle = handle;
    this.tags = tags;
    this.size = null; // of the photograph
    this.zoom = 1; // "fit", or device pixels for one of the photograph's
    this.centre = [0, 0];
    this.split = 0.5;
    this.before = null; // {overview, part: {box, image}}
    this.patch = null; // {box, image}: a restored part
    this.after = null; // the same as before, of the whole restored photograph
    this.pointing = ""; // "light" or "edge" while one is pointed at
    this.cross = false; // whether a cross marks the place that Enter would point at
    this.line = null; // two places: across an edge
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(width, height, overview) {
    this.size = [width, height];
    this.centre = [width / 2, height / 2];
    this.before = { overview, part: null };
    this.patch = this.after = null;
    this.changed();
  }

  get ratio() { return window.devicePixelRatio || 1; }

  // CSS pixels for one pixel of the photograph.
  get scale() {
    if (this.zoom !== "fit") return this.zoom / this.ratio;
    const { clientWidth, clientHeight } = this.canvas;
    return Math.min((clientWidth - 24) / this.size[0], (clientHeight - 24) / this.size[1], 1);
  }

  setZoom(zoom, at = null) {
    const { clientWidth, clientHeight } = this.canvas;
    const [x, y] = at || [clientWidth / 2, clientHeight / 2];
    const held = this.place(x, y);
    this.zoom = zoom;
    this.centre = [held[0] - (x - clientWidth / 2) / this.scale, held[1] - (y - clientHeight / 2) / this.scale];
    this.dispatchEvent(new Event("zoom"));
    this.changed();
  }

  step(direction, at) {
    const next = STEPS[STEPS.indexOf(this.zoom) + direction];
    if (next !== undefined) this.setZoom(next, at);
  }

  // The photograph's place under a point of the canvas.
  place(x, y) {
    const { clientWidth, clientHeight } = this.canvas;
    return [this.centre[0] + (x - clientWidth / 2) / this.scale, this.centre[1] + (y - clientHeight / 2) / this.scale];
  }

  point(x, y) {
    const { clientWidth, clientHeight } = this.canvas;
    return [clientWidth / 2 + (x - this.centre[0]) * this.scale, clientHeight / 2 + (y - this.centre[1]) * this.scale];
  }

  // What of the photograph is on the screen: left, top, width, height in whole pixels.
  visible() {
    const { clientWidth, clientHeight } = this.canvas;
    const [width, height] = this.size;
    const [left, top] = this.place(0, 0).map((v) => Math.max(0, Math.floor(v)));
    const [right, bottom] = this.place(clientWidth, clientHeight);
    const box = [Math.min(left, width - 1), Math.min(top, height - 1), 0, 0];
    box[2] = Math.max(1, Math.min(width, Math.ceil(right)) - box[0]);
    box[3] = Math.max(1, Math.min(height, Math.ceil(bottom)) - box[1]);
    return box;
  }

  // The middle of what is visible, of at most so many pixels.
  middle(most) {
    const [left, top, width, height] = this.visible();
    const share = Math.min(1, Math.sqrt(most / (width * height)));
    const w = Math.max(1, Math.floor(width * share)), h = Math.max(1, Math.floor(height * share));
    return [left + ((width - w) >> 1), top + ((height - h) >> 1), w, h];
  }

  changed() {
    if (!this.size) return;
    const reach = [this.canvas.clientWidth, this.canvas.clientHeight].map((side) => side / this.scale / 2);
    this.centre = this.centre.map((v, k) => {
      const side = this.size[k];
      if (this.pointing) return Math.min(Math.max(v, 0), side - 1); // the cross must reach every pixel
      return side <= 2 * reach[k] ? side / 2 : Math.min(Math.max(v, reach[k]), side - reach[k]);
    });
    this.draw();
    this.dispatchEvent(new Event("move"));
  }

  draw() {
    if (!this.size || !this.canvas.clientWidth) return;
    const { clientWidth: wide, clientHeight: tall } = this.canvas;
    const ratio = this.ratio;
    if (this.canvas.width !== Math.round(wide * ratio) || this.canvas.height !== Math.round(tall * ratio)) {
      this.canvas.width = Math.round(wide * ratio);
      this.canvas.height = Math.round(tall * ratio);
    }
    const ink = this.canvas.getContext("2d");
    ink.setTransform(ratio, 0, 0, ratio, 0, 0);
    ink.clearRect(0, 0, wide, tall);
    ink.imageSmoothingQuality = "high";
    ink.imageSmoothingEnabled = this.scale * ratio <= 1;
    this.#layers(ink, this.before);
    const border = this.split * wide;
    if (this.after || this.patch) {
      ink.save();
      ink.beginPath();
      ink.rect(border, 0, wide - border, tall);
      ink.clip();
      if (this.after) this.#layers(ink, this.after);
      else this.#image(ink, this.patch.image, this.patch.box);
      ink.restore();
    }
    if (this.patch && !this.after) this.#outline(ink, this.patch.box);
    if (this.line) {
      const [left, top, width, height] = around(this.line, this.size);
      frame(ink, this.point(left, top), [width * this.scale, height * this.scale]);
      line(ink, ...this.line.map((end) => this.point(...end)));
    }
    if (this.pointing && this.cross) cross(ink, wide / 2, tall / 2);
    for (const part of [this.handle, this.tags.before, this.tags.after]) part.hidden = !(this.after || this.patch);
    this.handle.style.left = `${border}px`;
    this.tags.before.style.right = `${wide - border + 22}px`;
    this.tags.after.style.left = `${border + 22}px`;
  }

  #layers(ink, { overview, part }) {
    this.#image(ink, overview, [0, 0, ...this.size]);
    if (part) this.#image(ink, part.image, part.box);
  }

  #image(ink, image, [left, top, width, height]) {
    const [x, y] = this.point(left, top).map((v) => Math.round(v * this.ratio) / this.ratio);
    ink.drawImage(image, x, y, width * this.scale, height * this.scale);
  }

  #outline(ink, box) {
    const [x, y] = this.point(box[0], box[1]);
    const [w, h] = [box[2] * this.scale, box[3] * this.scale];
    if (x <= 0 && y <= 0 && x + w >= this.canvas.clientWidth && y + h >= this.canvas.clientHeight) return;
    if (box[2] === this.size[0] && box[3] === this.size[1]) return;
    frame(ink, [x, y], [w, h]);
  }

  setPointing(what) {
    this.pointing = what;
    this.cross = false;
    this.line = null;
    this.canvas.classList.toggle("pointing", what !== "");
    this.changed();
  }

  setSplit(share) {
    this.split = Math.min(1, Math.max(0, share));
    this.handle.setAttribute("aria-valuenow", Math.round(100 * this.split));
    this.draw();
  }

  #pointed(x, y) {
    const detail = { x: Math.floor(x), y: Math.floor(y) };
    if (detail.x < 0 || detail.y < 0 || detail.x >= this.size[0] || detail.y >= this.size[1]) return;
    this.dispatchEvent(new CustomEvent("point", { detail }));
  }

  // The line is drawn: long enough, it is told; too short, it was a slip.
  #drawn() {
    const [[x0, y0], [x1, y1]] = this.line;
    if (Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0)) < LEAST) this.line = null;
    else this.dispatchEvent(new CustomEvent("line", { detail: around(this.line, this.size) }));
    this.draw();
  }

  // Enter: where the cross is a light is pointed at, or a line begins or ends.
  #entered() {
    if (this.pointing === "light") this.#pointed(...this.centre);
    else if (this.line && this.ending) {
      this.ending = false;
      this.#drawn();
    } else {
      this.line = [[...this.centre], [...this.centre]];
      this.ending = true; // its other end goes with the cross
      this.draw();
    }
  }

  #listen() {
    const { canvas, handle } = this;
    const within = (event) => {
      const box = canvas.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    let from = null;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || !this.size) return;
      from = { at: within(event), centre: [...this.centre], moved: false };
      this.ending = false;
      if (this.pointing === "edge") this.line = [this.place(...from.at), this.place(...from.at)];
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      const at = within(event);
      const by = [at[0] - from.at[0], at[1] - from.at[1]];
      if (Math.hypot(...by) > 3) from.moved = true;
      if (!from.moved) return;
      if (this.pointing === "edge") {
        this.line[1] = this.place(...at);
        this.draw();
        return;
      }
      this.centre = [from.centre[0] - by[0] / this.scale, from.centre[1] - by[1] / this.scale];
      this.changed();
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from && this.pointing === "edge" && this.line) this.#drawn();
      else if (from && !from.moved && this.pointing === "light") this.#pointed(...this.place(...within(event)));
      from = null;
    });
    canvas.addEventListener("pointercancel", () => { from = null; });
    canvas.addEventListener("dblclick", (event) => {
      if (this.size && !this.pointing) this.setZoom(this.zoom === 1 ? 2 : 1, within(event));
    });
    let wheeled = 0;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (!this.size || event.timeStamp - wheeled < 220) return; // a touch pad sends dozens
      wheeled = event.timeStamp;
      this.step(event.deltaY < 0 ? 1 : -1, within(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));

    handle.addEventListener("pointerdown", (event) => {
      handle.setPointerCapture(event.pointerId);
      const move = (moved) => this.setSplit(within(moved)[0] / canvas.clientWidth);
      handle.addEventListener("pointermove", move);
      const end = () => handle.removeEventListener("pointermove", move);
      handle.addEventListener("pointerup", end, { once: true });
      handle.addEventListener("pointercancel", end, { once: true });
    });
    handle.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -0.05, ArrowDown: -0.05, ArrowRight: 0.05, ArrowUp: 0.05, Home: -1, End: 1 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      this.setSplit(this.split + steps[event.key]);
    });
  }

  #key(event) {
    if (!this.size || event.ctrlKey || event.metaKey || event.altKey) return;
    const far = (event.shiftKey ? 4 : 40) / this.scale;
    const moves = { ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far] };
    if (event.key in moves) {
      this.cross = true;
      this.centre = this.centre.map((v, k) => v + moves[event.key][k]);
      this.changed();
      if (this.line && this.ending) {
        this.line[1] = [...this.centre];
        this.draw();
      }
    } else if (event.key === "+" || event.key === "=") this.step(1);
    else if (event.key === "-") this.step(-1);
    else if (event.key === "0") this.setZoom("fit");
    else if (event.key === "Enter" && this.pointing && this.cross) this.#entered();
    else return;
    event.preventDefault();
  }
}
