// The list of events: misses first, then false alarms, then the rest; one of them is chosen.

class MomentList {
  constructor(element, moments, go) {
    this.moments = moments;
    this.buttons = [...element.querySelectorAll("button[data-moment]")];
    this.chosen = -1;
    this.go = go;
    this.buttons.forEach((button, place) =>
      button.addEventListener("click", () => this.choose(place)),
    );
  }

  /** Show an event; beyond the last comes the first again. */
  choose(place) {
    const n = this.moments.length;
    if (!n) return;
    this.buttons[this.chosen]?.removeAttribute("aria-current");
    this.chosen = (place + n) % n;
    const button = this.buttons[this.chosen];
    button?.setAttribute("aria-current", "true");
    button?.scrollIntoView({ block: "nearest" });
    this.go(this.moments[this.chosen]);
  }

  next() {
    this.choose(this.chosen + 1);
  }

  previous() {
    this.choose(this.chosen < 0 ? -1 : this.chosen - 1);
  }
}
