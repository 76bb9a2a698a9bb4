"""Do the same for many jobs: here, in processes, or on a cluster.

A job that raises stops nothing, and neither does one whose process is killed: what went wrong is
handed back in its place. Results come in the order in which they are done.
"""

import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from types import ModuleType
from typing import Generic, TypeVar

from neurorun.core import require

JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")
Done = tuple[int, ResultT | BaseException]


def run_jobs(
    function: Callable[[JobT], ResultT],
    jobs: Sequence[JobT],
    *,
    n_workers: int = 1,
    cluster: str | None = None,
) -> Iterator[Done[ResultT]]:
    """Call a function for every job.

    Parameters
    ----------
    function : defined at the top of a module, so that it can be sent to other processes
    jobs : its arguments
    n_workers : processes; 1 stays in this one
    cluster : address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``; then its workers are
        used instead. They must see the same files

    Yields
    ------
    Position of the job, and its result or what it raised

    Raises
    ------
    MissingExtraError : ``cluster`` is given, but ``distributed`` is not installed
    """
    if cluster is not None:
        return _on_cluster(function, jobs, cluster)
    if n_workers == 1:
        return _in_executors(lambda: ThreadPoolExecutor(1), function, jobs, n_at_once=1)
    return _in_executors(
        lambda: _processes(n_workers), _Interruptible(function), jobs, n_at_once=n_workers
    )


def _processes(n_workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(n_workers, get_context("spawn"), initializer=_ignore_interrupts)


def _ignore_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class _Interruptible(Generic[JobT, ResultT]):
    """Lets Ctrl-C reach a process while it works, so that it can tidy up, and only then."""

    def __init__(self, function: Callable[[JobT], ResultT]) -> None:
        self._function = function

    def __call__(self, job: JobT) -> ResultT:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return self._function(job)
        finally:
            _ignore_interrupts()


def _in_executors(
    make_executor: Callable[[], Executor],
    function: Callable[[JobT], ResultT],
    jobs: Sequence[JobT],
    *,
    n_at_once: int,
) -> Iterator[Done[ResultT]]:
    """Keep one job per worker under way; after a crash find the culprit and go on without it."""
    waiting = deque(range(len(jobs)))
    while waiting:
        running: dict[Future[ResultT], int] = {}
        with _stopping_early(make_executor()) as executor, suppress(BrokenProcessPool):
            while waiting or running:
                while waiting and len(running) < n_at_once:
                    future = _submit(executor, function, jobs[waiting[0]])
                    running[future] = waiting.popleft()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    error = future.exception()
                    if isinstance(error, BrokenProcessPool):
                        raise error
                    yield running.pop(future), error or future.result()
        for position in sorted(running.values()):
            yield position, _alone(function, jobs[position])


def _submit(
    executor: Executor, function: Callable[[JobT], ResultT], job: JobT
) -> "Future[ResultT]":
    """Hand in a job; processes that this starts do not run the user's script again.

    A new process imports the main module of its parent. Were that a script that calls us without
    asking ``if __name__ == "__main__"``, it would begin anew in every process.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        return executor.submit(function, job)
    finally:
        sys.modules["__main__"] = main


def _alone(function: Callable[[JobT], ResultT], job: JobT) -> ResultT | BaseException:
    """Do a job in a process of its own: it was under way when some process died."""
    with _stopping_early(_processes(1)) as executor:
        future = _submit(executor, function, job)
        return future.exception() or future.result()


@contextmanager
def _stopping_early(executor: Executor) -> Iterator[Executor]:
    try:
        yield executor
    finally:
        executor.shutdown(cancel_futures=True)


def _on_cluster(
    function: Callable[[JobT], ResultT], jobs: Sequence[JobT], address: str
) -> Iterator[Done[ResultT]]:
    distributed = require("distributed", extra="cluster")
    with distributed.Client(address) as client:
        futures = {client.submit(function, job, pure=False): i for i, job in enumerate(jobs)}
        try:
            for future in distributed.as_completed(futures):
                yield futures[future], future.exception() or future.result()
        finally:
            client.cancel(list(futures))
