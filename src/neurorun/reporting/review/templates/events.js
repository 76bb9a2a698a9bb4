// Events over the traces and in two lanes: annotated filled, detected hatched and dashed.

/** Tint annotated time; it lies below the traces. */
function drawAnnotatedTime(context, layout, view, palette, reference) {
  context.fillStyle = palette.annotatedTint;
  for (const event of reference) {
    const reach = reachOf(layout, view, event.onset_s, event.offset_s);
    if (reach) context.fillRect(reach.x, layout.top, reach.width, layout.bottom - layout.top);
  }
}

/** Put detected time between dashed lines over the traces, unless they would lie on each other. */
function drawDetectedEdges(context, layout, view, palette, detected) {
  context.strokeStyle = palette.detected;
  context.lineWidth = 1.5;
  context.setLineDash([6, 4]);
  context.beginPath();
  for (const event of detected) {
    if (((event.offset_s - event.onset_s) / view.span) * layout.plotWidth < 4) continue;
    for (const time of [event.onset_s, event.offset_s]) {
      if (time < view.start || time > view.end) continue;
      const x = Math.round(xOf(layout, view, time)) + 0.5;
      context.moveTo(x, layout.top);
      context.lineTo(x, layout.detectedLane + LANE - 3);
    }
  }
  context.stroke();
  context.setLineDash([]);
}

/** The two lanes with what became of every event, in words where there is room. */
function drawLanes(context, layout, view, palette, facts) {
  context.textBaseline = "middle";
  drawLane(context, layout, view, layout.annotatedLane, facts.reference, {
    name: "annotated", colour: palette.annotated, fill: palette.annotated, ink: palette.paper,
  });
  drawLane(context, layout, view, layout.detectedLane, facts.detected, {
    name: "detected", colour: palette.detected, fill: palette.detectedHatch, ink: palette.ink,
    dashed: true, paper: palette.paper,
  });
}

function drawLane(context, layout, view, top, events, look) {
  const height = LANE - 4, middle = top + height / 2 + 0.5;
  context.fillStyle = look.colour;
  context.textAlign = "right";
  context.fillText(look.name, layout.left - 5, middle, layout.left - 8);
  for (const event of events) {
    const reach = reachOf(layout, view, event.onset_s, event.offset_s);
    if (!reach) continue;
    context.fillStyle = look.fill;
    context.fillRect(reach.x, top, reach.width, height);
    if (look.dashed) outline(context, reach, top, height, look.colour);
    drawWords(context, reach, middle, wordsOf(event), look);
  }
}

function outline(context, reach, top, height, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.setLineDash([5, 3]);
  context.strokeRect(reach.x + 0.75, top + 0.75, Math.max(0.5, reach.width - 1.5), height - 1.5);
  context.setLineDash([]);
}

/** What became of an event, with the label of its file where that says more. */
function wordsOf(event) {
  const confidence = event.confidence === null ? "" : ` (${event.confidence.toFixed(2)})`;
  const label = ["seiz", "sz"].includes(event.label) ? "" : `, ${event.label.slice(0, 24)}`;
  return `${event.kind}${label}${confidence}`;
}

function drawWords(context, reach, middle, words, look) {
  const width = context.measureText(words).width;
  if (width + 8 > reach.width) return;
  context.textAlign = "left";
  if (look.paper) {
    context.fillStyle = look.paper;
    context.fillRect(reach.x + 3, middle - 5.5, width + 4, 11);
  }
  context.fillStyle = look.ink;
  context.fillText(words, reach.x + 5, middle);
}
