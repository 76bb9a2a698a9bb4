// The probability of a seizure, below the traces.

/** The area between lowest and highest probability, with the thresholds of a detection. */
function drawProbability(context, layout, view, palette, tracks, thresholds) {
  const height = layout.floor - layout.ceiling;
  const y = (probability) => layout.floor - clamp(probability, 0, 1) * height;
  drawScale(context, layout, palette, y, thresholds);
  const perPixel = view.span / layout.plotWidth;
  context.fillStyle = palette.ink;
  for (const track of touching(tracks, view.start, view.end)) {
    const from = Math.floor(Math.max(layout.left, xOf(layout, view, track.onset)));
    const n = Math.ceil(Math.min(layout.right, xOf(layout, view, track.end))) - from;
    if (n < 1) continue;
    const low = new Float32Array(n), high = new Float32Array(n);
    track.columns(0, timeOf(layout, view, from), perPixel, n, low, new Float32Array(n));
    track.columns(1, timeOf(layout, view, from), perPixel, n, new Float32Array(n), high);
    for (let x = 0; x < n; x++) {
      if (high[x] < 0) continue; // nothing was predicted
      let top = y(high[x]), bottom = Math.max(y(Math.max(0, low[x])), top + 1.5);
      if (x > 0 && high[x - 1] >= 0) {
        top = Math.min(top, y(Math.max(0, low[x - 1])));
        bottom = Math.max(bottom, y(high[x - 1]));
      }
      context.fillRect(from + x, top, 1, bottom - top);
    }
  }
}

function drawScale(context, layout, palette, y, thresholds) {
  context.lineWidth = 1;
  context.strokeStyle = palette.line;
  context.strokeRect(layout.left + 0.5, layout.ceiling + 0.5, layout.plotWidth - 1,
    layout.floor - layout.ceiling - 1);
  context.fillStyle = palette.quiet;
  context.textAlign = "right";
  context.textBaseline = "middle";
  context.fillText("1", layout.left - 5, layout.ceiling + 4);
  context.fillText("0", layout.left - 5, layout.floor - 4);
  if (layout.left > 60)
    context.fillText("probability", layout.left - 14, (layout.ceiling + layout.floor) / 2);
  context.setLineDash([2, 3]);
  context.strokeStyle = palette.detected;
  for (const threshold of thresholds) {
    const place = Math.round(y(threshold)) + 0.5;
    context.beginPath();
    context.moveTo(layout.left, place);
    context.lineTo(layout.right, place);
    context.stroke();
  }
  context.setLineDash([]);
}
