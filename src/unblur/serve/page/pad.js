// A pad on which the path of a light is drawn, in pixels of the PSF, with a mouse, a finger or keys.

export class Pad extends EventTarget {
  constructor(canvas) {
    super();
    this.canvas = canvas;
    this.side = 31; // pixels of the PSF across the pad
    this.width = 1.5; // of the line, in the same
    this.path = [];
    this.pen = null; // where the keys have moved it
    this.down = false;
    this.#listen();
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  clear() {
    this.path = [];
    this.down = false;
    this.draw();
    this.#finished();
  }

  draw() {
    const side = Math.round(this.canvas.clientWidth * (window.devicePixelRatio || 1));
    if (!side) return;
    this.canvas.width = this.canvas.height = side;
    const ink = this.canvas.getContext("2d");
    const scale = side / this.side;
    ink.strokeStyle = "#333";
    ink.lineWidth = 1;
    const every = this.side > 60 ? 10 : 1;
    ink.beginPath();
    for (let k = every; k < this.side; k += every) {
      ink.moveTo(Math.round(k * scale) + 0.5, 0);
      ink.lineTo(Math.round(k * scale) + 0.5, side);
      ink.moveTo(0, Math.round(k * scale) + 0.5);
      ink.lineTo(side, Math.round(k * scale) + 0.5);
    }
    ink.stroke();
    ink.strokeStyle = ink.fillStyle = "#fff";
    ink.lineWidth = Math.max(1, this.width * scale);
    ink.lineCap = ink.lineJoin = "round";
    ink.beginPath();
    this.path.forEach(([x, y], k) => (k ? ink.lineTo(x * scale, y * scale) : ink.moveTo(x * scale, y * scale)));
    if (this.path.length === 1) ink.lineTo(this.path[0][0] * scale, this.path[0][1] * scale);
    ink.stroke();
    if (this.pen) {
      ink.strokeStyle = "#f2a51f";
      ink.lineWidth = 2;
      ink.beginPath();
      ink.arc(this.pen[0] * scale, this.pen[1] * scale, this.down ? 4 : 8, 0, 7);
      ink.stroke();
    }
  }

  #finished() { this.dispatchEvent(new Event("drawn")); }

  #listen() {
    const { canvas } = this;
    let drawing = false;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      const limit = (v) => Math.min(this.side, Math.max(0, v * this.side / box.width));
      return [limit(event.clientX - box.left), limit(event.clientY - box.top)];
    };
    canvas.addEventListener("pointerdown", (event) => {
      drawing = true;
      this.pen = null;
      canvas.setPointerCapture(event.pointerId);
      this.path = [place(event)];
      this.draw();
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!drawing) return;
      const at = place(event), last = this.path[this.path.length - 1];
      if (Math.hypot(at[0] - last[0], at[1] - last[1]) < 0.1 || this.path.length > 4000) return;
      this.path.push(at);
      this.draw();
    });
    const end = () => {
      if (drawing) this.#finished();
      drawing = false;
    };
    canvas.addEventListener("pointerup", end);
    canvas.addEventListener("pointercancel", end);
    canvas.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const move = moves[event.key];
      if (!move && event.key !== " ") return;
      event.preventDefault();
      this.pen ??= [this.side / 2, this.side / 2];
      if (move) {
        this.pen = this.pen.map((v, k) => Math.min(this.side, Math.max(0, v + move[k])));
        if (this.down) this.path.push([...this.pen]);
      } else {
        this.down = !this.down;
        if (this.down) this.path = [[...this.pen]];
      }
      this.draw();
      if (!this.down || move) this.#finished();
    });
    canvas.addEventListener("blur", () => {
      this.pen = null;
      this.down = false;
      this.draw();
    });
  }
}
