// What is drawn over the photograph: frames, a cross, the line across an edge. Places are on the canvas.

export function frame(ink, [x, y], [w, h]) {
  ink.lineWidth = 1;
  ink.strokeStyle = "#0009";
  ink.strokeRect(x - 1.5, y - 1.5, w + 3, h + 3);
  ink.strokeStyle = "#fffc";
  ink.strokeRect(x - 0.5, y - 0.5, w + 1, h + 1);
}

export function cross(ink, x, y) {
  twice(ink, () => {
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      ink.moveTo(x + 5 * dx, y + 5 * dy);
      ink.lineTo(x + 18 * dx, y + 18 * dy);
    }
  });
}

export function line(ink, from, to) {
  twice(ink, () => {
    ink.moveTo(...from);
    ink.lineTo(...to);
    for (const [x, y] of [from, to]) {
      ink.moveTo(x + 4, y);
      ink.arc(x, y, 4, 0, 7);
    }
  });
}

function twice(ink, path) {
  for (const [colour, width] of [["#000a", 4], ["#f2a51f", 2]]) {
    ink.strokeStyle = colour;
    ink.lineWidth = width;
    ink.beginPath();
    path();
    ink.stroke();
  }
}

// The box around a line across an edge, left, top, width, height in whole pixels of the photograph: at least half as
// high as wide and as wide as high, so that it holds a piece of the edge that can be measured.
export function around([[x0, y0], [x1, y1]], [width, height]) {
  const longer = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0));
  const span = (a, b, side) => {
    const half = Math.max(Math.abs(b - a), longer / 2) / 2, middle = (a + b) / 2;
    const first = Math.min(side - 1, Math.max(0, Math.floor(middle - half)));
    return [first, Math.max(1, Math.min(side, Math.ceil(middle + half)) - first)];
  };
  const [left, wide] = span(x0, x1, width), [top, tall] = span(y0, y1, height);
  return [left, top, wide, tall];
}
