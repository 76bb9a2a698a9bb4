import os
import platform
import sys
from types import SimpleNamespace

import pytest
from pydantic import TypeAdapter

from neurorun.runs import environment
from neurorun.runs.document import read_document, write_document
from neurorun.runs.environment import Environment, Gpu, TorchBuild, environment_now

pytestmark = pytest.mark.unit


def test_surroundings_come_back(tmp_path):
    found = environment_now()
    write_document(tmp_path / "x.json", found)
    assert read_document(tmp_path / "x.json", TypeAdapter(Environment).validate_json) == found


def test_surroundings_name_python_cpu_and_packages():
    found = environment_now()
    assert found.python == platform.python_version()
    assert found.cpu
    assert found.cpus >= found.cpus_usable >= 1
    assert found.memory_bytes > 1e8
    assert {"numpy", "pydantic"} <= set(found.packages)


def test_only_listed_variables_are_kept(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("WANDB_API_KEY", "secret")
    variables = environment_now().variables
    assert variables["OMP_NUM_THREADS"] == "1"
    assert "secret" not in str(variables)


def test_torch_is_described_if_it_was_loaded(monkeypatch):
    gpu = SimpleNamespace(name="H200", total_memory=141)
    torch = SimpleNamespace(
        __version__="2.13.0",
        version=SimpleNamespace(cuda="12.6"),
        cuda=SimpleNamespace(device_count=lambda: 1, get_device_properties=lambda _: gpu),
        get_num_threads=lambda: 2,
        are_deterministic_algorithms_enabled=lambda: True,
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    assert environment_now().torch == TorchBuild("2.13.0", "12.6", 2, True, (Gpu("H200", 141),))
    monkeypatch.delitem(sys.modules, "torch")
    assert environment_now().torch is None


def test_systems_that_tell_less_are_described_with_less(monkeypatch, tmp_path):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.delattr(os, "sysconf", raising=False)
    monkeypatch.setattr(platform, "processor", lambda: "Apple M9")
    found = environment_now()
    assert (found.cpus_usable, found.memory_bytes) == (None, None)
    assert environment._cpu_name(tmp_path / "absent") == "Apple M9"
    (tmp_path / "cpuinfo").write_text("processor: 0\n")
    assert environment._cpu_name(tmp_path / "cpuinfo") == "Apple M9"
