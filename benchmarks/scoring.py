"""How fast events are read and scored; one JSON line per figure.

Ratios are against timescoring 0.0.7 (SzCORE), and against the rules of NEDC EEG Eval 6.0.0 carried
out word by word, with the loops of the original and nothing else of it: sets of whole seconds for
every pair of tiles, a search through all tiles for every quarter of a second, the whole table of
edit costs. Its tables, reports and command line come on top and are not counted. Both sides of a
ratio run in turn, and the best of several turns counts; time is that of the processor, so that a
busy machine changes little.

Run it from the root of the repository: `python benchmarks/scoring.py`.
"""

import importlib.util
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np
from timescoring.annotations import Annotation
from timescoring.scoring import EventScoring, SampleScoring

from neurorun.core import Event, Timeline
from neurorun.evaluation import (
    DEFAULT_METHODS,
    METHODS,
    pair_by_name,
    read_pairs,
    score_events,
    score_recordings,
    write_events,
)

DAY_S = 86_400.0
TURNS = 3
NEDC_METHODS = ("taes", "overlap", "epoch", "dp", "ira")


def main() -> None:
    rng = np.random.default_rng(20)
    day = random_timeline(rng, "day", DAY_S, 100), random_timeline(rng, "day", DAY_S, 150)
    for name in METHODS:
        seconds = best_of(lambda name=name: score_events(*day, method=name))[0]
        tell(f"24 h, 100 and 150 events: {name}", 1 / seconds, "pairs per second")
    for figure, ours, theirs in (*against_timescoring(day), *against_nedc(day)):
        seconds, others = best_of(ours, theirs)
        tell(figure, others / seconds, "times as fast")
    corpus(rng)


def tell(figure: str, value: float, unit: str) -> None:
    sys.stdout.write(json.dumps({"figure": figure, "value": float(f"{value:.3g}"), "unit": unit}))
    sys.stdout.write("\n")
    sys.stdout.flush()


def best_of(*functions: Callable[[], object]) -> list[float]:
    """Shortest time of each function in seconds; they take turns."""
    best = [float("inf")] * len(functions)
    for _ in range(TURNS):
        for place, function in enumerate(functions):
            start = time.process_time()
            function()
            best[place] = min(best[place], time.process_time() - start)
    return best


def random_timeline(rng: np.random.Generator, name: str, duration_s: float, n: int) -> Timeline:
    """Events of about a minute with four decimals, apart from each other."""
    cuts = np.sort(rng.choice(int(duration_s * 10_000), 2 * n, replace=False)) / 10_000
    lasting = np.minimum(cuts[1::2], cuts[::2] + np.round(rng.uniform(10, 90, n), 4))
    events = (Event(float(a), float(b)) for a, b in zip(cuts[::2], lasting, strict=True))
    return Timeline(name, duration_s, tuple(events))


def against_timescoring(
    pair: tuple[Timeline, Timeline],
) -> Iterable[tuple[str, Callable[[], object], Callable[[], object]]]:
    bounds = [[(event.onset_s, event.offset_s) for event in side.events] for side in pair]

    def annotations() -> list[Annotation]:
        return [Annotation(side, 1, round(pair[0].duration_s)) for side in bounds]

    yield (
        "24 h, szcore-event against timescoring",
        lambda: score_events(*pair, method="szcore-event"),
        lambda: EventScoring(*annotations()),
    )
    yield (
        "24 h, szcore-sample against timescoring",
        lambda: score_events(*pair, method="szcore-sample"),
        lambda: SampleScoring(*annotations()),
    )


def against_nedc(
    pair: tuple[Timeline, Timeline],
) -> Iterable[tuple[str, Callable[[], object], Callable[[], object]]]:
    rules = literal_rules()
    tiles = [rules.literal_tiling(side, lambda label: label) for side in pair]
    labels = [[tile[2] for tile in side] for side in tiles]

    def taes() -> None:
        for one in ("seiz", "bckg"):
            sides = [[tile for tile in side if tile[2] == one] for side in tiles]
            rules.literal_taes(*sides, rules.literal_neighbours)

    def alignment() -> None:
        rules.literal_alignment(*labels)

    def epochs() -> None:
        sampled_labels(tiles)

    for method, literal in (("taes", taes), ("dp", alignment), ("epoch", epochs)):
        yield (
            f"24 h, {method} against its rules",
            lambda method=method: score_events(*pair, method=method),
            literal,
        )
    yield (
        "24 h, all five methods of NEDC together against their rules",
        lambda: [score_events(*pair, method=method) for method in NEDC_METHODS],
        lambda: (taes(), alignment(), epochs(), epochs()),  # agreement samples once more
    )


def sampled_labels(sides: list[list[tuple[float, float, str]]]) -> list[tuple[str, str]]:
    """Labels of both sides every quarter of a second, each searched for from the first tile on."""
    end_s, sampled, i = sides[0][-1][1], [], 0
    while (time_s := 0.125 + 0.25 * i) <= end_s:
        sampled.append(tuple(label_at(time_s, tiles) for tiles in sides))
        i += 1
    return sampled


def label_at(time_s: float, tiles: list[tuple[float, float, str]]) -> str:
    for onset_s, offset_s, label in tiles:
        if onset_s <= time_s <= offset_s:
            return label
    return tiles[-1][2]


def literal_rules() -> ModuleType:
    """The rules as the tests write them down."""
    path = Path(__file__).parents[1] / "tests" / "evaluation" / "test_scoring_properties.py"
    spec = importlib.util.spec_from_file_location("literal_rules", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def corpus(rng: np.random.Generator) -> None:
    """Read and score 300 recordings of 126 h by every method, and 2000 as in a part of TUSZ."""
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("csv_bi", "tsv"):
            for n, hours in ((300, 126.0), (2000, 478.0)):
                sides = [Path(folder, f"{kind}{n}", side) for side in ("ref", "hyp")]
                for side in sides:
                    write_side(rng, side, kind, n=n, duration_s=3600 * hours / n)
                read_s, scored_s = read_and_score(*sides)
                figure = f"{n} pairs of {kind}, {hours:g} h: "
                tell(f"{figure}read", read_s, "s of processor time")
                tell(f"{figure}read and scored by {len(DEFAULT_METHODS)} methods", scored_s, "s")


def read_and_score(reference: Path, detected: Path) -> tuple[float, float]:
    """Seconds until all files are read, and until all are scored as well; the best of three."""
    best = [float("inf")] * 2
    for _ in range(3):
        start = time.process_time()
        pairs = list(read_pairs(pair_by_name(reference, detected)))
        read = time.process_time()
        score_recordings(pairs, methods=DEFAULT_METHODS)
        best = [min(best[0], read - start), min(best[1], time.process_time() - start)]
    return best[0], best[1]


def write_side(
    rng: np.random.Generator,
    folder: Path,
    kind: Literal["csv_bi", "tsv"],
    *,
    n: int,
    duration_s: float,
) -> None:
    """Write one side of the corpus: files that differ, each under several names."""
    contents = []
    for i in range(100):
        timeline = random_timeline(rng, f"r{i}", duration_s, int(rng.integers(0, 8)))
        write_events(folder / "sample", timeline, format=kind)
        contents.append((folder / "sample").read_bytes())
    (folder / "sample").unlink()
    for i in range(n):
        (folder / f"r{i}.{kind}").write_bytes(contents[i % len(contents)])


if __name__ == "__main__":
    main()
