// Curves over one stretch of time, with their extremes at every scale.

const RADIX = 4;

/** Put every four extremes into one. */
function coarser(level) {
  const merge = (source, pick) => {
    const merged = new Int16Array(Math.ceil(source.length / RADIX));
    for (let i = 0; i < merged.length; i++) {
      const stop = Math.min(source.length, (i + 1) * RADIX);
      let value = source[i * RADIX];
      for (let k = i * RADIX + 1; k < stop; k++) value = pick(value, source[k]);
      merged[i] = value;
    }
    return merged;
  };
  return {
    step: level.step * RADIX,
    low: level.low.map((row) => merge(row, (a, b) => (b < a ? b : a))),
    high: level.high.map((row) => merge(row, (a, b) => (b > a ? b : a))),
  };
}

class Track {
  /**
   * onset, step: seconds; low, high: rows of Int16Array, the same rows where they are samples;
   * unit: what one whole step of the values is worth
   */
  constructor(onset, step, low, high, unit) {
    this.onset = onset;
    this.unit = unit;
    this.levels = [{ step, low, high }];
    this.end = onset + step * low[0].length;
    while (this.levels.at(-1).low[0].length > 256) this.levels.push(coarser(this.levels.at(-1)));
  }

  get step() {
    return this.levels[0].step;
  }

  /** The coarsest level of which a pixel holds at least one bin, else the finest. */
  level(perPixel) {
    let found = this.levels[0];
    for (const level of this.levels) if (level.step <= perPixel) found = level;
    return found;
  }

  /** Extremes of a row in `n` pixels from a time on, into `low` and `high`, in its unit. */
  columns(row, from, perPixel, n, low, high) {
    const { step, low: lows, high: highs } = this.level(perPixel);
    const below = lows[row], above = highs[row], last = below.length - 1;
    const first = (from - this.onset) / step, each = perPixel / step;
    for (let x = 0; x < n; x++) {
      let bin = Math.min(last, Math.max(0, Math.floor(first + x * each + 1e-6)));
      const stop = Math.min(last + 1, Math.ceil(first + (x + 1) * each - 1e-6));
      let least = below[bin], most = above[bin];
      for (bin++; bin < stop; bin++) {
        if (below[bin] < least) least = below[bin];
        if (above[bin] > most) most = above[bin];
      }
      low[x] = least * this.unit;
      high[x] = most * this.unit;
    }
  }

  /** Highest value of a row at a time; NaN outside of the track. */
  at(row, time) {
    const place = Math.floor((time - this.onset) / this.step);
    const values = this.levels[0].high[row];
    return place >= 0 && place < values.length ? values[place] * this.unit : NaN;
  }
}
