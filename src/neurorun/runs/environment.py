"""In which surroundings a run was made: machine, Python, packages, threads."""

import os
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

ENVIRONMENT_VARIABLES = (
    "BGB_FORCE_MANIFEST_REBUILD",
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "PYTORCH_CUDA_ALLOC_CONF",
    "RANK",
    "SLURM_JOB_ID",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "WORLD_SIZE",
)
"""The only variables that are recorded; others may hold secrets."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One graphics processor, as PyTorch sees it."""

    name: str
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """PyTorch as it was loaded, None of it guessed.

    Parameters
    ----------
    cuda : version that it was built for, None for a build without
    threads : used inside one operation
    deterministic : whether algorithms without a fixed result were refused
    """

    version: str
    cuda: str | None
    threads: int
    deterministic: bool
    gpus: tuple[Gpu, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """Machine, interpreter and packages.

    Parameters
    ----------
    cpu : model name
    cpus : logical processors of the machine
    cpus_usable : those that this process may use
    memory_bytes : of the machine, None where the system does not tell
    torch : None if this process had not imported it
    packages : every installed distribution and its version
    variables : those of `ENVIRONMENT_VARIABLES` that were set
    """

    python: str
    implementation: str
    os: str
    machine: str
    cpu: str
    cpus: int | None
    cpus_usable: int | None
    memory_bytes: int | None
    torch: TorchBuild | None
    packages: dict[str, str]
    variables: dict[str, str]


def environment_now() -> Environment:
    """Describe the surroundings of this process; nothing is imported for it."""
    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        os=platform.platform(),
        machine=platform.machine(),
        cpu=_cpu_name(Path("/proc/cpuinfo")),
        cpus=os.cpu_count(),
        cpus_usable=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        memory_bytes=_memory_bytes(),
        torch=_torch_build(),
        packages=_packages(),
        variables={k: os.environ[k] for k in ENVIRONMENT_VARIABLES if k in os.environ},
    )


def _packages() -> dict[str, str]:
    found = {d.metadata["Name"]: d.version for d in distributions() if d.metadata["Name"]}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _cpu_name(cpuinfo: Path) -> str:
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    if not hasattr(os, "sysconf"):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _torch_build() -> TorchBuild | None:
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    gpus = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return TorchBuild(
        version=str(torch.__version__),
        cuda=torch.version.cuda,
        threads=torch.get_num_threads(),
        deterministic=torch.are_deterministic_algorithms_enabled(),
        gpus=tuple(Gpu(gpu.name, gpu.total_memory) for gpu in gpus),
    )
