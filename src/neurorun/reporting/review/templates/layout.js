// Where the parts of the picture lie, in CSS pixels, from the top down; and its time axis.

const PIXELS_PER_MM = 96 / 25.4;
const LANE = 17;
const TICKS_S = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200,
];

/** Places of a picture of this size; `grain` is the width of a pixel of the screen. */
function layoutOf(width, height, nChannels, grain) {
  const left = width < 600 ? 44 : 78;
  const probability = clamp(height * 0.13, 36, 84);
  const top = 6, floor = height - 22, ceiling = floor - probability;
  const bottom = ceiling - 2 * LANE - 10;
  const rowHeight = (bottom - top) / Math.max(1, nChannels);
  return {
    width, height, grain, left, right: width - 6, plotWidth: width - 6 - left, top, bottom,
    annotatedLane: bottom + 3, detectedLane: bottom + 3 + LANE, ceiling, floor, rowHeight,
    row: (channel) => Math.round(top + (channel + 0.5) * rowHeight) + 0.5,
  };
}

/** Pixel of a time, and time of a pixel. */
const xOf = (layout, view, time) =>
  layout.left + ((time - view.start) / view.span) * layout.plotWidth;
const timeOf = (layout, view, x) =>
  view.start + ((x - layout.left) / layout.plotWidth) * view.span;

/** Left edge and width of a stretch of time within the picture; null if it lies outside. */
function reachOf(layout, view, onset, offset, least = 2) {
  if (offset <= view.start || onset >= view.end) return null;
  const x = clamp(xOf(layout, view, onset), layout.left, layout.right);
  const stop = clamp(xOf(layout, view, offset), layout.left, layout.right);
  return { x: Math.min(x, layout.right - least), width: Math.max(least, stop - x) };
}

/** Lines of time with their clock; every second, too, where a page is short enough to count. */
function drawTimeAxis(context, layout, view, palette) {
  const most = Math.max(2, layout.plotWidth / 84);
  const step = TICKS_S.find((tick) => view.span / tick <= most) ?? view.duration;
  const lines = (every, colour) => {
    context.strokeStyle = colour;
    context.beginPath();
    for (let k = Math.ceil(view.start / every - 1e-9); k * every <= view.end + 1e-9; k++) {
      const x = Math.round(xOf(layout, view, k * every)) + 0.5;
      context.moveTo(x, layout.top);
      context.lineTo(x, layout.floor + 3);
    }
    context.stroke();
  };
  context.lineWidth = 1;
  if (step > 1 && view.span <= 60) lines(1, palette.faint);
  lines(step, palette.line);
  context.fillStyle = palette.quiet;
  context.textBaseline = "top";
  context.textAlign = "center";
  const half = step < 1 ? 30 : 24;
  for (let k = Math.ceil(view.start / step - 1e-9); k * step <= view.end + 1e-9; k++) {
    const x = clamp(xOf(layout, view, k * step), layout.left + half, layout.right - half);
    context.fillText(clock(k * step, step < 1 ? 1 : 0), x, layout.floor + 6);
  }
}

/** Time without EEG. */
function drawGaps(context, layout, view, palette, gaps) {
  for (const [onset, offset] of gaps) {
    const reach = reachOf(layout, view, onset, offset, 1);
    if (!reach) continue;
    context.fillStyle = palette.gapHatch;
    context.fillRect(reach.x, layout.top, reach.width, layout.floor - layout.top);
    if (reach.width < 50) continue;
    context.fillStyle = palette.quiet;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText("no EEG", reach.x + reach.width / 2, (layout.top + layout.bottom) / 2);
  }
}
