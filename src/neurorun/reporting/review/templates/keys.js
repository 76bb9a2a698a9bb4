// What can be asked for, by button or by key; `data-do` of a button and a key name the same thing.

const KEYS = {
  ArrowLeft: "page-back", ArrowRight: "page-on", PageUp: "page-back", PageDown: "page-on",
  "Shift+ArrowLeft": "little-back", "Shift+ArrowRight": "little-on",
  Home: "start", End: "end", "+": "zoom-in", "=": "zoom-in", "-": "zoom-out", 1: "ten-seconds",
  0: "whole", ArrowUp: "larger", ArrowDown: "smaller", i: "polarity",
  n: "next-event", p: "previous-event", "?": "help",
};

/** Do what buttons and keys name; keys that a control needs itself are left to it. */
function listenToControls(actions) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (button) actions[button.dataset.do]();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const name = KEYS[event.shiftKey && event.key.startsWith("Arrow") ? `Shift+${key}` : key];
    const scrolls = ["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(key);
    if (!name || (scrolls && event.target.closest?.(".scrolls"))) return;
    event.preventDefault();
    actions[name]();
  });
}
