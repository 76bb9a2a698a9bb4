"""What a reader meets: pages opened in Chromium, driven over its debugging pipe."""

import base64
import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurorun.core import Event
from neurorun.reporting import write_review, write_review_index
from neurorun.reporting.review.codec import encode
from neurorun.reporting.review.page import SCRIPTS
from neurorun.runs import open_run

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium"),
    pytest.mark.skipif(sys.platform != "linux", reason="its debugging pipe is opened as on Linux"),
]

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--hide-scrollbars", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--remote-debugging-pipe",
)  # fmt: skip
LIMIT_S = 30.0
HOSTILE = "</script><script>window.harmed = true</script><img src=x onerror='window.harmed = true'>"


class Browser:
    """One tab; what it complains of and what it asks for is remembered."""

    def __init__(self, profile: Path) -> None:
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 20) for end in (theirs_in, theirs_out)]
        with (profile / "log").open("wb") as log:
            self._process = os.posix_spawn(
                CHROMIUM,
                [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
                os.environ,
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, ends[0], 3),
                    (os.POSIX_SPAWN_DUP2, ends[1], 4),
                    (os.POSIX_SPAWN_DUP2, log.fileno(), 2),
                ],
            )
        for end in (theirs_in, theirs_out, *ends):
            os.close(end)
        self._number, self._rest, self._session = 0, b"", None
        self.told: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = self.ask("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command of the DevTools protocol and wait for its answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._number:
            self.told.append(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._in, 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)

    def value(self, script: str) -> Any:
        """Run a script in the tab, not in the page: the policy of the page stays in force."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def open(self, page: Path, address: str = "", *, width: int = 1200, scale: int = 1) -> None:
        """Open a page from the disk and wait until it has read its data."""
        self.told.clear()
        phone = {"width": width, "height": 800, "deviceScaleFactor": scale, "mobile": scale > 1}
        self.ask("Emulation.setDeviceMetricsOverride", **phone)
        self.go(page.as_uri() + address)
        self.wait("document.documentElement.dataset.state === 'ready'")
        self.settle()

    def go(self, address: str) -> None:
        """Leave the page for another, even for the same under another address."""
        for url in ("about:blank", address):
            self.ask("Page.navigate", url=url)
            self.wait(f"location.href === {url!r} && document.readyState === 'complete'")

    def wait(self, condition: str) -> None:
        end = time.monotonic() + LIMIT_S
        while not self.value(f"Boolean(document.documentElement && ({condition}))"):
            assert time.monotonic() < end, f"never: {condition}; {self.complaints}"
            time.sleep(0.02)

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def press(self, key: str, *, shift: bool = False) -> None:
        typed = {"text": key} if len(key) == 1 else {}
        held = {"modifiers": 8} if shift else {}
        self.ask("Input.dispatchKeyEvent", type="keyDown", key=key, **typed, **held)
        self.ask("Input.dispatchKeyEvent", type="keyUp", key=key, **held)
        self.settle()

    def mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        pressed = {"button": "left", "buttons": 1, "clickCount": 1}
        self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **(pressed | more))

    def shown(self) -> str:
        return self.text("#shown").replace("\u2013", "-")

    def text(self, selector: str) -> str:
        return self.value(f"document.querySelector({selector!r}).textContent")

    def place(self, selector: str) -> tuple[float, float, float, float]:
        box = f"document.querySelector({selector!r}).getBoundingClientRect()"
        return tuple(self.value(f"(b => [b.x, b.y, b.width, b.height])({box})"))

    @property
    def complaints(self) -> list[Any]:
        kinds = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [one for one in self.told if one.get("method") in kinds]

    @property
    def requests(self) -> list[str]:
        asked = [one for one in self.told if one.get("method") == "Network.requestWillBeSent"]
        return [one["params"]["request"]["url"] for one in asked]

    def close(self) -> None:
        self.ask("Browser.close")
        os.waitpid(self._process, 0)
        os.close(self._in)
        os.close(self._out)


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    opened = Browser(tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def run(finished_once):
    return open_run(finished_once)


@pytest.fixture(scope="module")
def page(run, material_of, tmp_path_factory) -> Path:
    """A minute of EEG, whole."""
    return write_review(run, material_of(), tmp_path_factory.mktemp("pages") / "night_review.html")


@pytest.fixture(scope="module")
def long_page(run, material_of, tmp_path_factory) -> Path:
    """Half an hour in a small page: an envelope, and detail around events."""
    target = tmp_path_factory.mktemp("pages") / "long_review.html"
    return write_review(run, material_of(seconds=1800), target, largest_bytes=300_000)


def test_a_page_opens_from_the_disk_without_a_complaint_or_a_request(browser, page):
    browser.open(page)
    assert browser.shown() == "0:00:00-0:00:10 of 0:01:00"
    assert browser.complaints == []
    assert browser.requests == [page.as_uri()]
    assert browser.value("document.getElementById('problem').hidden")


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["ArrowRight"], "0:00:10-0:00:20"),
        (["ArrowRight", "ArrowRight", "ArrowLeft"], "0:00:10-0:00:20"),
        (["ArrowLeft"], "0:00:00-0:00:10"),
        (["PageDown"], "0:00:10-0:00:20"),
        (["End"], "0:00:50-0:01:00"),
        (["End", "Home"], "0:00:00-0:00:10"),
        (["0"], "0:00:00-0:01:00"),
        (["0", "1"], "0:00:25-0:00:35"),
        (["-"], "0:00:00-0:00:15"),
        (["ArrowRight", "+"], "0:00:13-0:00:18"),
        (["n"], "0:00:27-0:00:37"),
        (["n", "n"], "0:00:47-0:00:57"),
        (["n", "n", "p"], "0:00:27-0:00:37"),
        (["p"], "0:00:02-0:00:12"),
        (["n", "n", "n", "n"], "0:00:27-0:00:37"),
    ],
)
def test_keys_move_through_the_recording(browser, page, keys, shown):
    browser.open(page)
    for key in keys:
        browser.press(key)
    assert browser.shown() == f"{shown} of 0:01:00"
    assert browser.complaints == []


def test_zooming_in_ends_at_a_second(browser, page):
    browser.open(page)
    for _ in range(8):
        browser.press("+")
    assert browser.text("#span") == "1 s"


def test_a_small_step_is_a_tenth_of_a_page(browser, page):
    browser.open(page)
    browser.press("ArrowRight", shift=True)
    assert browser.shown().startswith("0:00:01-0:00:11")


def test_waves_grow_and_shrink_and_turn_over(browser, page):
    browser.open(page)
    start = browser.text("#amplitude")
    browser.press("ArrowUp")
    assert browser.text("#amplitude") != start
    browser.press("ArrowDown")
    assert browser.text("#amplitude") == start
    pressed = "document.getElementById('polarity').getAttribute('aria-pressed')"
    assert browser.value(pressed) == "true"
    picture = "document.getElementById('eeg').toDataURL()"
    negative_up = browser.value(picture)
    browser.press("i")
    assert browser.value(pressed) == "false"
    assert browser.value(picture) != negative_up


def test_buttons_and_the_list_do_what_they_say(browser, page):
    browser.open(page)
    browser.value("document.querySelector('[data-do=\"page-on\"]').click()")
    browser.settle()
    assert browser.shown().startswith("0:00:10")
    browser.value("document.querySelector('[data-moment=\"1\"]').click()")
    browser.settle()
    assert browser.shown().startswith("0:00:47")
    assert browser.value("document.querySelector('[aria-current]').dataset.moment") == "1"
    unnamed = "[...document.querySelectorAll('button')].filter(b => !b.textContent.trim()).length"
    assert browser.value(unnamed) == 0


def test_dragging_moves_and_the_wheel_zooms_around_the_pointer(browser, page):
    browser.open(page, "#t=20&span=10")
    x, y, width, _ = browser.place("#eeg")
    middle = x + 78 + (width - 84) / 2
    browser.mouse("mousePressed", middle, y + 90)
    browser.mouse("mouseMoved", middle - (width - 84) / 2, y + 90)
    browser.mouse("mouseReleased", middle - (width - 84) / 2, y + 90, buttons=0)
    browser.settle()
    assert browser.shown().startswith("0:00:25-0:00:35")
    browser.mouse("mouseWheel", middle, y + 90, deltaX=0, deltaY=-462.1, buttons=0, button="none")
    browser.wait("document.getElementById('span').textContent === '5 s'")
    assert browser.shown().startswith(("0:00:27-0:00:32", "0:00:28-0:00:33"))


def test_one_finger_moves_and_two_zoom(browser, page):
    browser.open(page, "#t=20&span=10")
    x, y, width, _ = browser.place("#eeg")
    left, plot = x + 78, width - 84

    def touch(kind: str, *shares: float) -> None:
        points = [
            {"x": left + share * plot, "y": y + 90, "id": n} for n, share in enumerate(shares)
        ]
        browser.ask("Input.dispatchTouchEvent", type=kind, touchPoints=points)

    touch("touchStart", 0.75)
    for share in (0.7, 0.5, 0.25):
        touch("touchMove", share)
    touch("touchEnd")
    browser.wait("document.getElementById('shown').textContent.startsWith('0:00:25')")
    touch("touchStart", 0.4, 0.6)
    for apart in (0.1, 0.15, 0.2):
        touch("touchMove", 0.5 - apart, 0.5 + apart)
    touch("touchEnd")
    browser.wait("document.getElementById('span').textContent === '5 s'")
    assert browser.shown()[:7] in ("0:00:27", "0:00:28")


def test_pressing_the_strip_goes_there(browser, page):
    browser.open(page)
    x, y, width, _ = browser.place("#overview")
    browser.mouse("mousePressed", x + width / 2, y + 20)
    browser.mouse("mouseReleased", x + width / 2, y + 20, buttons=0)
    browser.settle()
    assert browser.shown().startswith("0:00:25-0:00:35")


def test_the_pointer_tells_time_and_probability(browser, page):
    browser.open(page, "#t=30&span=10")
    x, y, width, _ = browser.place("#eeg")
    browser.mouse("mouseMoved", x + 78 + (width - 84) / 2, y + 60, button="none", buttons=0)
    browser.wait("document.getElementById('at').textContent !== ''")
    assert browser.text("#at") == "0:00:35.0, probability 0.58"


def test_help_opens_and_closes(browser, page):
    browser.open(page)
    browser.press("?")
    assert browser.value("document.getElementById('help').open")
    browser.press("n")
    assert browser.shown().startswith("0:00:00")
    browser.ask("Input.dispatchKeyEvent", type="keyDown", key="Escape", windowsVirtualKeyCode=27)
    browser.wait("!document.getElementById('help').open")


def test_what_is_shown_is_said_aloud(browser, page):
    browser.open(page)
    browser.press("n")
    browser.wait("document.getElementById('said').textContent.includes('missed at 0:00:30')")


def test_an_address_with_a_time_shows_it(browser, long_page):
    browser.open(long_page, "#t=1200&span=60")
    assert browser.shown() == "0:20:00-0:21:00 of 0:30:05"


def test_an_envelope_shows_something_everywhere(browser, long_page):
    """Every trace has ink in every part of the recording, at every scale."""
    browser.open(long_page)
    ink = """(() => {
      const canvas = document.getElementById("eeg"), context = canvas.getContext("2d");
      const height = Math.floor(canvas.height * 0.7), width = canvas.width - 90;
      const { data } = context.getImageData(84, 0, width, height);
      let empty = 0;
      for (let x = 0; x < width; x++) {
        let dark = false;
        for (let y = 0; y < height && !dark; y++)
          dark = data[4 * (y * width + x) + 3] > 100 && data[4 * (y * width + x)] < 90;
        empty += !dark;
      }
      return empty / width;
    })()"""
    for address in ("t=1500&span=10", "t=900&span=60", "t=600&span=600"):
        browser.value(f"location.hash = '{address}'")
        browser.settle()
        assert browser.complaints == []
        assert browser.value(ink) < 0.02
        browser.told.clear()  # Chromium wonders that a picture is read


def test_a_phone_shows_the_page_without_scrolling_aside(browser, page):
    browser.open(page, width=390, scale=2)
    assert browser.value("document.documentElement.scrollWidth") == 390
    assert browser.complaints == []


def test_dark_and_light_pages_differ(browser, page):
    paper = "getComputedStyle(document.body).backgroundColor"
    colours = []
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.ask("Emulation.setEmulatedMedia", features=features)
        browser.open(page)
        colours.append(browser.value(paper))
    browser.ask("Emulation.setEmulatedMedia", features=[])
    assert colours[0] != colours[1]


def test_hostile_names_harm_nothing(browser, run, material_of, tmp_path):
    events = (Event(5, 15, HOSTILE),)
    material = material_of(
        recording_id=HOSTILE, patient=HOSTILE, channels=(HOSTILE, "Cz"), reference=events,
        missing=(HOSTILE,),
    )  # fmt: skip
    page = write_review(run, material, tmp_path / "h_review.html")
    browser.open(page)
    browser.press("n")
    assert browser.value("window.harmed") is None
    assert browser.value("document.images.length") == 0
    assert browser.text("h1") == HOSTILE
    assert browser.complaints == []
    browser.told.clear()
    browser.go(write_review_index(run, tmp_path).as_uri())
    assert browser.text("tbody a") == HOSTILE
    assert browser.value("document.scripts.length") == 0
    assert browser.complaints == []


def test_the_policy_forbids_every_other_script(browser, page):
    browser.open(page)
    browser.value(
        "document.body.append(Object.assign(document.createElement('script'), "
        "{textContent: 'window.harmed = true'}))"
    )
    assert browser.value("window.harmed") is None
    assert "Content Security Policy" in str(browser.complaints)


def test_a_page_without_eeg_still_shows_the_rest(browser, run, material_of, tmp_path):
    material = material_of(signal=None, reference=None, missing=("It is elsewhere.",))
    browser.open(write_review(run, material, tmp_path / "bare_review.html"))
    browser.press("n")
    assert browser.shown().startswith("0:00:05")
    assert browser.complaints == []


def test_an_old_browser_is_told_what_it_lacks(browser, page):
    browser.go("about:blank")
    added = browser.ask(
        "Page.addScriptToEvaluateOnNewDocument", source="delete window.DecompressionStream"
    )
    browser.go(page.as_uri())
    browser.wait("document.getElementById('problem')?.hidden === false")
    browser.ask("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


def scripts(*names: str) -> str:
    folder = Path(sys.modules["neurorun.reporting.review"].__file__).parent / "templates"
    assert set(names) <= set(SCRIPTS)
    return "\n".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in names)


def test_the_browser_reads_what_python_wrote(browser):
    values = np.random.default_rng(0).integers(-32_768, 32_768, size=(3, 500)).astype(np.int16)
    payload = base64.b64encode(encode(values)).decode()
    browser.go("about:blank")
    read = browser.value(
        f"(async () => {{ {scripts('codec')}\n"
        f"const rows = emptyRows(3, 500), payload = new Payload('{payload}');\n"
        "await payload.read(payload.bytes.length, 3, 500, rows);\n"
        "return rows.map((row) => [...row]); })()"
    )
    np.testing.assert_array_equal(np.array(read), values)


@pytest.mark.parametrize("n_samples", [1, 5, 256, 1000, 4097])
def test_what_a_pixel_shows_is_the_extremes_of_its_samples(browser, n_samples):
    values = np.random.default_rng(n_samples).integers(-999, 999, size=n_samples)
    browser.go("about:blank")
    low, high = browser.value(
        f"(() => {{ {scripts('track')}\n"
        f"const rows = [Int16Array.from({values.tolist()})];\n"
        "const track = new Track(0, 1, rows, rows, 1), n = Math.ceil(rows[0].length / 64);\n"
        "const low = new Float32Array(n), high = new Float32Array(n);\n"
        "track.columns(0, 0, 64, n, low, high);\n"
        "return [[...low], [...high]]; })()"
    )
    pixels = [values[i : i + 64] for i in range(0, n_samples, 64)]
    assert low == [int(pixel.min()) for pixel in pixels]
    assert high == [int(pixel.max()) for pixel in pixels]
