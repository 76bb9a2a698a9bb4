// Mouse, pen and fingers: drag to move, wheel or pinch to zoom, click the strip to go there.

/** Move and zoom by dragging, pinching and the wheel over the main picture. */
function listenToPicture(canvas, view, layoutNow, changed) {
  const fingers = new Map();
  const width = () => layoutNow().plotWidth;
  const xs = () => [...fingers.values()];

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button > 0) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event.offsetX);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = xs();
    fingers.set(event.pointerId, event.offsetX);
    const now = xs();
    if (now.length === 1) {
      view.pan(((before[0] - now[0]) / width()) * view.span);
    } else {
      const middle = (before[0] + before[1]) / 2;
      const apart = Math.max(20, Math.abs(before[0] - before[1]));
      const nowApart = Math.max(20, Math.abs(now[0] - now[1]));
      view.zoom(apart / nowApart, timeOf(layoutNow(), view, middle));
      view.pan(((middle - (now[0] + now[1]) / 2) / width()) * view.span);
    }
    changed();
  });
  for (const end of ["pointerup", "pointercancel"])
    canvas.addEventListener(end, (event) => fingers.delete(event.pointerId));

  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode ? 30 : 1;
      const aside = event.shiftKey ? event.deltaY || event.deltaX : event.deltaX;
      if (Math.abs(aside) > Math.abs(event.deltaY) || event.shiftKey) {
        view.pan(((aside * unit) / width()) * view.span);
      } else {
        const around = timeOf(layoutNow(), view, clamp(event.offsetX, layoutNow().left, Infinity));
        view.zoom(1.0015 ** (event.deltaY * unit), around);
      }
      changed();
    },
    { passive: false },
  );
}

/** Centre the view where the strip is pressed or dragged to. */
function listenToOverview(overview, view, changed) {
  const go = (event) => {
    view.show(overview.timeAt(event.offsetX) - view.span / 2);
    changed();
  };
  overview.canvas.addEventListener("pointerdown", (event) => {
    overview.canvas.setPointerCapture(event.pointerId);
    go(event);
  });
  overview.canvas.addEventListener("pointermove", (event) => {
    if (event.buttons) go(event);
  });
}
