// The stretch of time that is shown.

const PAGE_S = 10;
const SHORTEST_S = 1;
const SPANS_S = [
  1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400,
];

const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

class View {
  constructor(duration) {
    this.duration = duration;
    this.start = 0;
    this.span = Math.min(PAGE_S, duration);
  }

  get end() {
    return this.start + this.span;
  }

  /** Show a stretch, moved and cut so that it lies in the recording. */
  show(start, span = this.span) {
    if (!Number.isFinite(start) || !Number.isFinite(span)) return;
    this.span = clamp(span, Math.min(SHORTEST_S, this.duration), this.duration);
    this.start = clamp(start, 0, this.duration - this.span);
  }

  pan(seconds) {
    this.show(this.start + seconds);
  }

  /** Show `factor` times as much, a time staying where it is. */
  zoom(factor, around = this.start + this.span / 2) {
    const share = (around - this.start) / this.span;
    const span = clamp(this.span * factor, Math.min(SHORTEST_S, this.duration), this.duration);
    this.show(around - share * span, span);
  }

  /** Take the next usual length, longer or shorter. */
  step(direction) {
    const usual = [...SPANS_S.filter((span) => span < this.duration), this.duration];
    const next =
      direction > 0
        ? usual.find((span) => span > this.span * 1.001)
        : usual.findLast((span) => span < this.span * 0.999);
    if (next) this.zoom(next / this.span);
  }

  /** Bring a time to the first third; a long view becomes a page. */
  jump(time) {
    const span = this.span > 60 ? PAGE_S : this.span;
    this.show(time - span * 0.3, span);
  }
}

/** A time in the recording as h:mm:ss, with decimals where asked for. */
function clock(seconds, decimals = 0) {
  const scale = 10 ** decimals;
  const whole = Math.round(seconds * scale);
  const s = Math.floor(whole / scale);
  const two = (n) => String(n).padStart(2, "0");
  const rest = decimals ? `.${String(whole % scale).padStart(decimals, "0")}` : "";
  return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}${rest}`;
}

/** A length of time in words. */
function lengthInWords(seconds) {
  const [size, unit] = seconds < 120 ? [1, "s"] : seconds < 7200 ? [60, "min"] : [3600, "h"];
  return `${Number((seconds / size).toPrecision(3))} ${unit}`;
}
