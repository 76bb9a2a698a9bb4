"""What the documents say is true.

Every Python block of a page runs, in the order of the page, in one namespace and an empty folder.
Configurations in YAML blocks are checked, commands in console blocks have the options that they are
shown with, links lead somewhere, and every setting that a page names exists.
"""

import doctest
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from neurorun.cli import COMMANDS
from neurorun.core import Config, parse_yaml
from neurorun.experiment import experiment_from, experiment_model, load_experiment, resolved_plan
from neurorun.tasks import TASKS

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("*.md", "docs/*.md", "configs/*.md")
    for path in ROOT.glob(pattern)
)
CONFIGS = sorted(path.name for path in (ROOT / "configs").glob("*.yaml"))
SETTINGS = {task: experiment_model(task) for task in TASKS}
SECTIONS = sorted({section for model in SETTINGS.values() for section in model.model_fields})
FAST: dict[str, dict[str, Any]] = {
    "seizure_detection": {"model": {"preset": "small"}},
    "abnormality": {"preprocessing": {"montage": "referential"}},
}
"""Settings with which a plan is made quickly, by task; the others are quick by default."""

EXAMPLES = {
    "experiment_saver_example.py": "best epoch: 3",
    "own_loop.py": "completed, best epoch 20",
    "read_recording_and_montage.py": "T6-O2",
    "score_files.py": "szcore-event  sensitivity 0.50",
    "train_and_detect.py": "AUROC on validation",
}
"""A part of what each prints."""

WITHOUT_TORCH = sorted(set(EXAMPLES) - {"train_and_detect.py"})


A_RUN = """
import torch
from neurorun.core import Timeline
from neurorun.runs import start_run
config, model, train_loss, val_iou = {"training": {"epochs": 1}}, torch.nn.Linear(1, 1), 0.5, 0.5
with start_run(
    "runs", "local", monitor="val_iou", better="higher", config=config,
    run_name="20250114_093012-local",
) as run:
    run.log_epoch(1, {"val_iou": 0.5})
    run.save_checkpoint("best", lambda stream: torch.save(model.state_dict(), stream))
    run.write_events(Timeline("aaaaaajy_s001_t000", 60.0))
"""
A_HEAD = """
from pathlib import Path
from neurorun.simulation import simulate_source_demo
simulate_source_demo(
    Path(), n_regions=20, n_channels=8, n_clips=4, n_train=200, n_test=8, seed=1
)
Path("anatomy/leadfield.mat").rename("anatomy/leadfield_75_20k.mat")
"""
SITUATIONS = {"docs/runs.md": A_RUN, "docs/source-data.md": A_HEAD}
"""What is there before the first block of a page; most pages make what they need."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the line of the page on which it begins."""

    page: str
    line: int
    language: str
    text: str


def blocks_of(page: str) -> Iterator[Block]:
    language, first, lines = None, 0, []
    for number, line in enumerate((ROOT / page).read_text(encoding="utf-8").splitlines(), start=1):
        if line.startswith("```") and language is None:
            language, first, lines = line[3:].strip(), number + 1, []
        elif line.startswith("```"):
            yield Block(page, first, language, "\n".join(lines) + "\n")
            language = None
        elif language is not None:
            lines.append(line)
    assert language is None, f"{page}: a block is not closed"


def prose_of(page: str) -> str:
    """Text of a page without its blocks."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def named(blocks: list[Block]) -> list[Any]:
    return [pytest.param(block, id=f"{block.page}:{block.line}") for block in blocks]


# configurations


@pytest.mark.unit
@pytest.mark.parametrize("name", CONFIGS)
def test_every_configuration_has_a_plan(name):
    assert resolved_plan(load_experiment(ROOT / "configs" / name))


@pytest.mark.unit
@pytest.mark.parametrize("block", named([b for b in BLOCKS if b.language == "yaml"]))
def test_every_yaml_block_is_a_configuration(block):
    settings = parse_yaml(block.text)
    task = settings.get("task", "seizure_detection")
    assert set(settings) <= set(SETTINGS[task].model_fields)
    for section, fast in FAST.get(task, {}).items():
        settings[section] = {**fast, **settings.get(section, {})}
    experiment_from(settings, source=f"{block.page}, line {block.line}")


@pytest.mark.unit
def test_the_page_of_settings_is_that_of_the_code():
    written = runpy.run_path(str(ROOT / "docs/generate_configuration.py"))["page"]()
    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8") == written, (
        "docs/configuration.md is stale; run: python docs/generate_configuration.py"
    )


def fields_of(model: type[Config], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Places of all settings and sections, the outermost first."""
    for name, field in model.model_fields.items():
        yield (*place, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Config):
            yield from fields_of(field.annotation, (*place, name))


KEYS = {".".join(place) for model in SETTINGS.values() for place in fields_of(model)}
SPELLINGS = {"postprocessing.min_duration", "postprocessing.morphology.kernel_size"}
FOREIGN = {"data.dataset_path"}  # of the crack experiments, whose configurations are read, too
FILES = re.compile(r".*\.(py|log|md|yaml|yml|json|pt|pth|csv|txt|html|safetensors)")


@pytest.mark.unit
@pytest.mark.parametrize("page", PAGES)
def test_every_setting_that_a_page_names_exists(page):
    prose = prose_of(page)
    if page == "configs/README.md":  # its first column holds the keys of an earlier program
        prose = re.sub(r"^\|[^|]*\|", "|", prose, flags=re.MULTILINE)
    words = re.findall(rf"`((?:{'|'.join(SECTIONS)})\.[\w.*]+)(?::[^`]*)?`", prose)
    words = [word.removesuffix(".*") for word in words if not FILES.fullmatch(word)]
    assert sorted(set(words) - KEYS - SPELLINGS - FOREIGN) == []


# Python


@pytest.mark.integration
@pytest.mark.parametrize(
    "page", list(dict.fromkeys(b.page for b in BLOCKS if b.language == "python"))
)
def test_every_python_block_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    exec(SITUATIONS.get(page, ""), namespace)
    for block in blocks_of(page):
        if block.language == "python":
            run(block, namespace)


def run(block: Block, namespace: dict[str, Any]) -> None:
    if not block.text.startswith(">>>"):
        code = compile("\n" * (block.line - 1) + block.text, str(ROOT / block.page), "exec")
        exec(code, namespace)
        return
    parser, runner, told = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False), []
    test = parser.get_doctest(block.text, namespace, block.page, block.page, block.line - 1)
    result = runner.run(test, out=told.append, clear_globs=False)
    namespace.update(test.globs)
    assert not result.failed, "".join(told)


def output_of(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.integration
@pytest.mark.parametrize(("name", "printed"), EXAMPLES.items())
def test_every_example_runs(name, printed, tmp_path):
    path = ROOT / "examples" / name
    assert printed in output_of(str(path), cwd=tmp_path)
    assert not list(tmp_path.iterdir()), "it leaves something behind where it is started"


@pytest.mark.integration
@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_examples_that_train_nothing_of_ours_need_no_torch(name, tmp_path):
    path = str(ROOT / "examples" / name)
    code = f"import runpy, sys; sys.modules['torch'] = None; runpy.run_path({path!r}, {{}}, "
    assert EXAMPLES[name] in output_of("-c", f"{code}'__main__')", cwd=tmp_path)


@pytest.mark.unit
def test_every_example_is_run_and_short():
    paths = list((ROOT / "examples").glob("*.py"))
    assert sorted(path.name for path in paths) == sorted(EXAMPLES)
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in paths]
    assert max(lengths) < 60


# commands


def command_lines() -> Iterator[tuple[Block, list[str]]]:
    for block in BLOCKS:
        if block.language == "console":
            for line in block.text.replace("\\\n", " ").splitlines():
                words = shlex.split(line.partition(" > ")[0], comments=True)
                if words[:2] == ["$", "neurorun"]:
                    yield block, words[2:]


def command_of(words: list[str]) -> tuple[click.Command, list[str]]:
    command = COMMANDS[words[0]].load(words[0])
    rest = words[1:]
    while isinstance(command, click.Group):
        command, rest = command.commands[rest[0]], rest[1:]
    return command, rest


@pytest.mark.unit
@pytest.mark.parametrize(
    ("block", "words"),
    [pytest.param(b, w, id=f"{b.page}:{b.line}:{' '.join(w)[:40]}") for b, w in command_lines()],
)
def test_every_command_line_can_be_typed(block, words):
    command, rest = command_of(words)
    options = {text for parameter in command.params for text in parameter.opts}
    shown = {word for word in rest if word.startswith("-")}
    assert shown <= options, f"{block.page}, line {block.line}: {shown - options}"
    context = click.Context(command, info_name=words[0])
    try:
        command.parse_args(context, rest)
    except click.BadParameter as error:
        if "does not exist" not in error.message:
            raise


def sections_of_commands() -> dict[str, str]:
    text = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
    pieces = re.split(r"^## `([\w-]+)`$", text, flags=re.MULTILINE)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


@pytest.mark.unit
def test_every_command_has_its_section():
    assert list(sections_of_commands()) == list(COMMANDS)


@pytest.mark.unit
@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_names_every_option_and_shows_the_command(name):
    section = sections_of_commands()[name]
    command = COMMANDS[name].load(name)
    inner = command.commands.values() if isinstance(command, click.Group) else [command]
    options = [
        max(parameter.opts, key=len)
        for one in inner
        for parameter in one.params
        if isinstance(parameter, click.Option)
    ]
    assert [option for option in options if f"`{option}" not in section] == []
    assert f"$ neurorun {name}" in section


# links and language


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.unit
@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    broken = []
    for link in re.findall(r"\[[^\]]*\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = ROOT / page if not name else (ROOT / page).parent / name
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


@pytest.mark.unit
@pytest.mark.parametrize("page", PAGES)
def test_no_page_holds_an_emoji_or_a_path_of_a_machine(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert re.findall(r"[\u2600-\u27bf\U0001f000-\U0001faff]", text) == []
    assert re.findall(r"(?<![\w.])/(?:work|tmp|home|root|Users)/\S*", text) == []
