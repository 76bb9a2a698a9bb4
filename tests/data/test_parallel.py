import os
import signal
import threading
from concurrent.futures.process import BrokenProcessPool

import pytest

from neurorun.data.parallel import run_jobs

pytestmark = pytest.mark.unit


def square(number):
    if number < 0:
        raise ValueError(f"{number} is negative")
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return number, number**2


def test_results_come_with_the_position_of_their_job():
    results = dict(run_jobs(square, [5, 6, 7]))
    assert results == {0: (5, 25), 1: (6, 36), 2: (7, 49)}


@pytest.mark.parametrize("n_workers", [1, 2])
def test_a_job_that_raises_stops_nothing(n_workers):
    results = dict(run_jobs(square, [1, -2, 3], n_workers=n_workers))
    assert (results[0], results[2]) == ((1, 1), (3, 9))
    assert str(results[1]) == "-2 is negative"


@pytest.mark.integration
def test_a_process_that_is_killed_stops_nothing():
    results = dict(run_jobs(square, [1, 13, 3, 4], n_workers=2))
    assert isinstance(results.pop(1), BrokenProcessPool)
    assert results == {0: (1, 1), 2: (3, 9), 3: (4, 16)}


def test_no_jobs_give_no_results():
    assert list(run_jobs(square, [], n_workers=2)) == []


def test_jobs_that_have_not_begun_are_dropped_when_the_caller_stops():
    begun = []
    results = run_jobs(begun.append, range(100))
    next(results)
    results.close()
    assert len(begun) < 100
    assert not [t for t in threading.enumerate() if t.name.startswith("ThreadPoolExecutor")]


@pytest.mark.slow
def test_a_cluster_does_the_same():
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as cluster,
    ):
        results = dict(run_jobs(square, [5, -2, 7], cluster=cluster.scheduler_address))
    assert (results[0], results[2]) == ((5, 25), (7, 49))
    assert isinstance(results[1], ValueError)
