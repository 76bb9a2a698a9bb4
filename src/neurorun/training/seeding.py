"""Randomness as a function of position, so that nothing random has to be stored.

Every optimizer step reseeds the generators from (seed, epoch, batch, process). Dropout in step
1000 is then the same whether the run came there at once, was killed and resumed, or was moved; no
generator state enters a checkpoint, and no process needs another one's.
"""

import os
import random

import numpy as np
import torch


def seed_everything(seed: int, *, deterministic: bool = True) -> None:
    """Seed Python, NumPy and PyTorch; call it before the model is made.

    Parameters
    ----------
    seed : >= 0
    deterministic : also choose deterministic algorithms; an operation that has none warns
    """
    seed_position(seed, on_gpu=torch.cuda.is_available())
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.backends.cudnn.benchmark = False


def seed_position(*position: int, on_gpu: bool = False) -> None:
    """Seed all generators of this process from the numbers that name a place in the training.

    Parameters
    ----------
    position : >= 0 each
    on_gpu : also seed the generators of all CUDA devices

    Examples
    --------
    >>> seed_position(42, 1, 0, 0)
    >>> first = float(torch.rand(()))
    >>> seed_position(42, 1, 0, 0)
    >>> float(torch.rand(())) == first
    True
    """
    words = np.random.SeedSequence(position).generate_state(2, np.uint64)
    seed = int(words[0])
    random.seed(seed)
    np.random.seed(int(words[1]) & 0xFFFFFFFF)  # noqa: NPY002 - models of others may draw from it
    torch.default_generator.manual_seed(seed)
    if on_gpu:
        torch.cuda.manual_seed_all(seed)
