// The whole recording in a strip: probability, events, where full resolution is, what is shown.

class Overview {
  constructor(canvas, facts) {
    this.canvas = canvas;
    this.facts = facts;
    this.picture = document.createElement("canvas");
  }

  /** Draw what stays the same while the view moves. */
  prepare(palette, ratio, probability, detail) {
    const width = this.canvas.clientWidth, height = this.canvas.clientHeight;
    for (const one of [this.canvas, this.picture]) {
      one.width = Math.round(width * ratio);
      one.height = Math.round(height * ratio);
    }
    this.palette = palette;
    this.ratio = ratio;
    const whole = { start: 0, span: this.facts.duration_s, end: this.facts.duration_s };
    const layout = { left: 0, right: width, plotWidth: width, top: 0 };
    this.layout = layout;
    this.whole = whole;
    const context = this.picture.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const bars = (events, top, tall, fill) => {
      context.fillStyle = fill;
      for (const [onset, offset] of events) {
        const reach = reachOf(layout, whole, onset, offset);
        if (reach) context.fillRect(reach.x, top, reach.width, tall);
      }
    };
    const times = (events) => events.map((event) => [event.onset_s, event.offset_s]);
    bars(this.facts.gaps, 0, height, palette.gapHatch);
    const curve = { ...layout, ceiling: 12, floor: height - 14 };
    drawProbability(context, curve, whole, palette, probability, this.facts.thresholds);
    bars(times(this.facts.reference), 1, 9, palette.annotated);
    bars(times(this.facts.detected), height - 12, 8, palette.paper);
    bars(times(this.facts.detected), height - 12, 8, palette.detectedHatch);
    context.strokeStyle = palette.detected;
    for (const [onset, offset] of times(this.facts.detected)) {
      const reach = reachOf(layout, whole, onset, offset);
      if (reach) context.strokeRect(reach.x + 0.5, height - 11.5, Math.max(1, reach.width - 1), 7);
    }
    if (this.facts.envelope)
      bars(detail.map((track) => [track.onset, track.end]), height - 2, 2, palette.ink);
  }

  /** Draw the strip and a frame around what is shown. */
  draw(view) {
    const context = this.canvas.getContext("2d");
    const { width, height } = this.canvas;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.drawImage(this.picture, 0, 0);
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    const reach = reachOf(this.layout, this.whole, view.start, view.end, 7);
    const tall = height / this.ratio;
    context.fillStyle = this.palette.annotatedTint;
    context.fillRect(reach.x, 0, reach.width, tall);
    context.strokeStyle = this.palette.accent;
    context.lineWidth = 2;
    context.strokeRect(reach.x + 1, 1, reach.width - 2, tall - 2);
  }

  timeAt(x) {
    return (x / this.canvas.clientWidth) * this.facts.duration_s;
  }
}
