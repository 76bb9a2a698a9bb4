// Colours and hatchings; two kinds of events differ in pattern, not only in colour.

/** A pattern of parallel lines; `lines` are pairs of points in a tile. */
function hatching(size, colour, lines, ratio) {
  const tile = document.createElement("canvas");
  tile.width = tile.height = size * ratio;
  const context = tile.getContext("2d");
  context.scale(ratio, ratio);
  context.strokeStyle = colour;
  context.beginPath();
  for (const [x1, y1, x2, y2] of lines) {
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
  }
  context.stroke();
  const pattern = context.createPattern(tile, "repeat");
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}

/** Colours of the style sheet as they are now, and the patterns made of them. */
function paletteOf(element, ratio) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  const rising = [[-1, 9, 9, -1], [-5, 5, 5, -5], [3, 13, 13, 3]];
  const falling = [[-1, -1, 9, 9], [-5, 3, 5, 13], [3, -5, 13, 5]];
  const annotated = colour("annotated"), detected = colour("detected"), quiet = colour("quiet");
  return {
    ink: colour("ink"), quiet, paper: colour("paper"),
    line: colour("line"), faint: colour("faint"), accent: colour("accent"), annotated, detected,
    annotatedTint: colour("annotated-tint"),
    detectedHatch: hatching(8, detected, rising, ratio),
    gapHatch: hatching(8, colour("line"), [...rising, ...falling], ratio),
  };
}
