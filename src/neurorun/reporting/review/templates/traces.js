// The traces: lines through samples, or what lies between the extremes of every pixel.

const MOST_SAMPLES_PER_PIXEL = 4;
const CUT_AT_ROWS = 2.5;
const USUAL_AMPLITUDE = 7;
const LONG_S = [25, 120];
const AMPLITUDES = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1000, 2000,
];

/** The usual microvolts per millimetre, or more if a typical second would not fit into a row. */
function fittingAmplitude(typical, layout) {
  const wanted = Math.max(USUAL_AMPLITUDE, typical / (layout.rowHeight / PIXELS_PER_MM));
  return AMPLITUDES.find((one) => one >= wanted) ?? AMPLITUDES.at(-1);
}

/**
 * Microvolts per millimetre as they are drawn: the more time, the less height, since the envelope
 * of many waves is wider than a wave.
 */
function drawnAmplitude(chosen, span) {
  const place = AMPLITUDES.indexOf(chosen) + 2 * LONG_S.filter((long) => span >= long).length;
  return AMPLITUDES[Math.min(place, AMPLITUDES.length - 1)];
}

/** Parts of the view that no detailed track covers. */
function uncovered(view, tracks) {
  const parts = [];
  let from = view.start;
  for (const track of tracks) {
    if (track.onset > from) parts.push([from, Math.min(track.onset, view.end)]);
    from = Math.max(from, track.end);
  }
  if (from < view.end) parts.push([from, view.end]);
  return parts.filter(([onset, offset]) => offset > onset);
}

const touching = (tracks, onset, offset) =>
  tracks.filter((track) => track.onset < offset && track.end > onset);

class Traces {
  constructor(channels) {
    this.channels = channels;
    this.detail = [];
    this.envelope = [];
    this.low = new Float32Array(0);
    this.high = new Float32Array(0);
  }

  /** Whether the extremes alone say all that a picture of this scale can show. */
  #envelopeSuffices(perPixel) {
    return this.envelope.length > 0 && perPixel >= this.envelope[0].step;
  }

  /** Parts of the view of which only the envelope is in the page, too coarse for this scale. */
  coarseParts(layout, view) {
    if (!this.envelope.length || this.#envelopeSuffices(view.span / layout.plotWidth)) return [];
    return uncovered(view, touching(this.detail, view.start, view.end)).filter(
      ([onset, offset]) => touching(this.envelope, onset, offset).length,
    );
  }

  draw(context, layout, view, palette, { amplitude, negativeUp }) {
    const perPixel = view.span / layout.plotWidth;
    const scale = ((negativeUp ? 1 : -1) * PIXELS_PER_MM) / amplitude;
    context.save();
    context.beginPath();
    context.rect(layout.left, layout.top, layout.plotWidth, layout.bottom - layout.top);
    context.clip();
    context.lineWidth = 1;
    context.lineJoin = "round";
    context.strokeStyle = context.fillStyle = palette.ink;
    const pen = { context, layout, view, scale, perPixel };
    if (this.#envelopeSuffices(perPixel)) {
      for (const track of touching(this.envelope, view.start, view.end))
        this.#columns(pen, track, view.start, view.end);
    } else {
      const near = touching(this.detail, view.start, view.end);
      for (const track of near) {
        const samplesPerPixel = (perPixel * layout.grain) / track.step;
        if (samplesPerPixel <= MOST_SAMPLES_PER_PIXEL) this.#lines(pen, track);
        else this.#columns(pen, track, view.start, view.end);
      }
      context.globalAlpha = 0.4;
      for (const [onset, offset] of uncovered(view, near))
        for (const track of touching(this.envelope, onset, offset))
          this.#columns(pen, track, onset, offset);
    }
    context.restore();
  }

  /** A line through every sample that is in view. */
  #lines({ context, layout, view, scale }, track) {
    const { step, low } = track.levels[0];
    const first = Math.max(0, Math.floor((view.start - track.onset) / step));
    const stop = Math.min(low[0].length, Math.ceil((view.end - track.onset) / step) + 1);
    const x0 = xOf(layout, view, track.onset), each = (step / view.span) * layout.plotWidth;
    const cut = CUT_AT_ROWS * layout.rowHeight, gain = track.unit * scale;
    for (let row = 0; row < low.length; row++) {
      const values = low[row], zero = layout.row(row);
      context.beginPath();
      for (let i = first; i < stop; i++)
        context.lineTo(x0 + i * each, zero + clamp(values[i] * gain, -cut, cut));
      context.stroke();
    }
  }

  /** The area between lowest and highest value, pixel after pixel, neighbours joined. */
  #columns({ context, layout, view, scale, perPixel }, track, onset, offset) {
    const { grain } = layout;
    const from = Math.floor(xOf(layout, view, Math.max(onset, track.onset)) / grain) * grain;
    const n = Math.ceil((xOf(layout, view, Math.min(offset, track.end)) - from) / grain);
    if (n < 1) return;
    if (this.low.length < n) {
      this.low = new Float32Array(n + 64);
      this.high = new Float32Array(n + 64);
    }
    const { low, high } = this, cut = CUT_AT_ROWS * layout.rowHeight;
    const begin = timeOf(layout, view, from);
    for (let row = 0; row < this.channels.length; row++) {
      track.columns(row, begin, perPixel * grain, n, low, high);
      const zero = layout.row(row);
      const upper = scale > 0 ? low : high, lower = scale > 0 ? high : low;
      for (let x = 0; x < n; x++) {
        upper[x] = zero + clamp(upper[x] * scale, -cut, cut);
        lower[x] = Math.max(upper[x] + grain, zero + clamp(lower[x] * scale, -cut, cut));
      }
      for (let x = 1; x < n; x++) {
        if (upper[x] > lower[x - 1]) upper[x] = lower[x - 1] - grain;
        if (lower[x] < upper[x - 1]) lower[x] = upper[x - 1] + grain;
      }
      for (let x = 0; x < n; x++)
        context.fillRect(from + x * grain, upper[x], grain, lower[x] - upper[x]);
    }
  }

  /** Names at the left, and a bar as long as a round number of microvolts at the right. */
  drawNames(context, layout, palette, { amplitude }) {
    context.textAlign = "right";
    context.textBaseline = "middle";
    context.fillStyle = palette.ink;
    this.channels.forEach((name, row) => {
      const short = name.length > 14 ? `${name.slice(0, 13)}\u2026` : name;
      context.fillText(short, layout.left - 5, layout.row(row), layout.left - 8);
    });
    if (!this.channels.length) return;
    const perPixel = amplitude / PIXELS_PER_MM;
    const round = AMPLITUDES.findLast((uv) => uv / perPixel <= 34) ?? AMPLITUDES[0];
    const x = layout.right - 10, y = layout.bottom - 6;
    const height = round / perPixel, words = `${round} \u00b5V`;
    context.fillStyle = palette.paper;
    const width = context.measureText(words).width;
    context.fillRect(x - width - 10, y - height / 2 - 9, width + 16, 18);
    context.strokeStyle = palette.ink;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x, y - height);
    context.stroke();
    context.fillStyle = palette.ink;
    context.fillText(words, x - 6, y - height / 2);
  }
}
