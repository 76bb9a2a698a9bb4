// The page: read what is embedded, draw it, and answer the reader.

const element = (id) => document.getElementById(id);
const facts = JSON.parse(element("facts").textContent);
const view = new View(facts.duration_s);
const traces = new Traces(facts.channels ?? []);
const probability = [];
const overview = new Overview(element("overview"), facts);
const picture = element("eeg");
const look = { amplitude: 0, negativeUp: true };
let layout = null, palette = null, loading = "", asked = false;

const list = new MomentList(element("moments"), facts.moments, (moment) => {
  view.jump(moment.onset_s);
  changed();
});

/** Draw before the next frame, however often it is asked for. */
function changed() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    draw();
  });
}

const onPaper = () => document.documentElement.classList.contains("on-paper");

/** Take the size and the colours of the page as they are now. */
function measure() {
  const ratio = Math.min(2, window.devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = picture;
  if (!width || !height || onPaper()) return;
  picture.width = Math.round(width * ratio);
  picture.height = Math.round(height * ratio);
  layout = layoutOf(width, height, traces.channels.length, 1 / ratio);
  palette = paletteOf(document.documentElement, ratio);
  picture.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
  look.amplitude ||= fittingAmplitude(facts.typical_uv ?? 50, layout);
  overview.prepare(palette, ratio, probability, traces.detail);
  changed();
}

function draw() {
  if (!layout) return;
  const drawn = { ...look, amplitude: drawnAmplitude(look.amplitude, view.span) };
  const context = picture.getContext("2d");
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.clearRect(0, 0, layout.width, layout.height);
  drawAnnotatedTime(context, layout, view, palette, facts.reference);
  drawTimeAxis(context, layout, view, palette);
  drawGaps(context, layout, view, palette, facts.gaps);
  traces.draw(context, layout, view, palette, drawn);
  drawCoarse(context);
  drawDetectedEdges(context, layout, view, palette, facts.detected);
  traces.drawNames(context, layout, palette, drawn);
  drawLanes(context, layout, view, palette, facts);
  drawProbability(context, layout, view, palette, probability, facts.thresholds);
  overview.draw(view);
  tell(drawn.amplitude);
}

/** Say over the traces where only the envelope is known, and what is not there yet or at all. */
function drawCoarse(context) {
  context.textBaseline = "top";
  context.textAlign = "left";
  for (const [onset, offset] of traces.coarseParts(layout, view)) {
    const reach = reachOf(layout, view, onset, offset);
    context.fillStyle = palette.quiet;
    context.fillRect(reach.x, layout.top, reach.width, 2);
    if (reach.width < 200) continue;
    context.fillStyle = palette.paper;
    context.fillRect(reach.x + 4, layout.top + 4, 184, 17);
    context.fillStyle = palette.ink;
    context.fillText("only the envelope is in this page", reach.x + 8, layout.top + 7, 176);
  }
  const words = loading || (facts.channels ? "" : "The EEG is not in this page.");
  context.textAlign = "center";
  context.fillStyle = palette.quiet;
  const middle = (layout.left + layout.right) / 2;
  context.fillText(words, middle, (layout.top + layout.bottom) / 2, layout.plotWidth);
}

/** Write what is shown; the page says it aloud once it has not changed for a while. */
function tell(amplitude) {
  const words = `${clock(view.start)}\u2013${clock(view.end)} of ${clock(facts.duration_s)}`;
  element("shown").textContent = words;
  element("span").textContent = lengthInWords(view.span);
  element("amplitude").textContent = `${amplitude} \u00b5V/mm`;
  element("polarity").setAttribute("aria-pressed", String(look.negativeUp));
  clearTimeout(tell.later);
  tell.later = setTimeout(() => {
    const near = [...facts.reference, ...facts.detected].filter(
      (event) => event.onset_s < view.end && event.offset_s > view.start,
    );
    const events = near.slice(0, 5).map((event) => `${event.kind} at ${clock(event.onset_s)}`);
    element("said").textContent = [`Shown: ${words}`, ...events].join("; ");
  }, 400);
}

/** A line at the pointer with the time and the probability there. */
function listenToPointer() {
  const line = element("cursor"), label = element("at");
  picture.addEventListener("pointermove", (event) => {
    const inside = layout && event.offsetX >= layout.left && event.offsetX <= layout.right;
    line.hidden = !inside;
    if (!inside) return;
    line.style.transform = `translateX(${Math.round(event.offsetX)}px)`;
    const time = timeOf(layout, view, event.offsetX);
    const track = probability.find((one) => one.onset <= time && time < one.end);
    const value = track ? track.at(1, time) : NaN;
    const known = value >= 0 ? `, probability ${value.toFixed(2)}` : "";
    label.textContent = `${clock(time, 1)}${known}`;
  });
  picture.addEventListener("pointerleave", () => {
    line.hidden = true;
    label.textContent = "";
  });
}

const amplify = (direction) => {
  const place = AMPLITUDES.indexOf(look.amplitude) + direction;
  look.amplitude = AMPLITUDES[clamp(place, 0, AMPLITUDES.length - 1)];
};

/** Everything that buttons and keys can ask for, each followed by a new picture. */
const actions = Object.fromEntries(
  Object.entries({
    "page-back": () => view.pan(-view.span),
    "page-on": () => view.pan(view.span),
    "little-back": () => view.pan(-view.span / 10),
    "little-on": () => view.pan(view.span / 10),
    start: () => view.show(0),
    end: () => view.show(view.duration),
    "zoom-in": () => view.step(-1),
    "zoom-out": () => view.step(1),
    "ten-seconds": () => view.zoom(PAGE_S / view.span),
    whole: () => view.show(0, view.duration),
    larger: () => amplify(-1),
    smaller: () => amplify(1),
    polarity: () => (look.negativeUp = !look.negativeUp),
    "next-event": () => list.next(),
    "previous-event": () => list.previous(),
    help: () => element("help").showModal(),
  }).map(([name, act]) => [name, () => (act(), changed())]),
);

/** `#t=120&span=30` in the address shows that time. */
function goToAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  if (asked.has("t")) view.show(Number(asked.get("t")), Number(asked.get("span") ?? view.span));
  changed();
}

/** Read extremes of stretches, given as lowest rows and then highest rows. */
async function readEnvelopes(payload, entries, rows, unit) {
  const tracks = [];
  for (const { onset_s, bin_s, n, bytes } of entries ?? []) {
    const all = emptyRows(2 * rows, n);
    await payload.read(bytes, 2 * rows, n, all);
    tracks.push(new Track(onset_s, bin_s, all.slice(0, rows), all.slice(rows), unit));
  }
  return tracks;
}

/** Read one run of blocks at full resolution. */
async function readDetail(payload, { onset_s, blocks }) {
  const rows = facts.channels.length;
  const all = emptyRows(rows, blocks.reduce((sum, [n]) => sum + n, 0));
  let offset = 0;
  for (const [n, bytes] of blocks) {
    await payload.read(bytes, rows, n, all, offset);
    offset += n;
  }
  return new Track(onset_s, 1 / facts.rate_hz, all, all, facts.step_uv);
}

/** Read everything, what is needed for a first picture first. */
async function load() {
  const payload = new Payload(element("payload").textContent);
  element("payload").remove();
  const rows = facts.channels?.length ?? 0;
  for (const entry of facts.probability ?? []) {
    const both = emptyRows(2, entry.n);
    await payload.read(entry.bytes, 2, entry.n, both);
    probability.push(new Track(entry.onset_s, entry.bin_s, both, both, facts.probability_step));
  }
  traces.envelope.push(
    ...(await readEnvelopes(payload, facts.envelope, rows, facts.envelope_step_uv)),
  );
  measure();
  let done = 0;
  for (const run of facts.detail ?? []) {
    traces.detail.push(await readDetail(payload, run));
    loading = `loading: ${Math.round((100 * ++done) / facts.detail.length)} %`;
    changed();
  }
  loading = "";
  measure();
}

/** Draw in the colours of paper before the page is printed; the picture keeps its size then. */
function listenToPrinter() {
  const root = document.documentElement;
  window.addEventListener("beforeprint", () => {
    root.classList.add("printed");
    measure();
    draw();
    root.classList.add("on-paper");
  });
  window.addEventListener("afterprint", () => {
    root.classList.remove("printed", "on-paper");
    measure();
  });
}

async function begin() {
  if (!window.DecompressionStream || !Array.prototype.findLast) {
    element("problem").hidden = false;
    return;
  }
  loading = "loading";
  element("amplitude").parentElement.hidden = !facts.channels;
  listenToControls(actions);
  listenToPicture(picture, view, () => layout, changed);
  listenToOverview(overview, view, changed);
  listenToPointer();
  listenToPrinter();
  window.addEventListener("hashchange", goToAddress);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", measure);
  new ResizeObserver(measure).observe(picture);
  goToAddress();
  measure();
  await load();
  document.documentElement.dataset.state = "ready";
}

begin();
