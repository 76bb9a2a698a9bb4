"""Build a cache with the machines of a SLURM cluster.

Usage: python deploy/slurm/build_cache.py N_WORKERS [options of `neurorun build-cache`]

Starts a Dask cluster of one-core jobs by dask-jobqueue and hands its address to the command. All
machines must see the recordings and the folder of the cache under the same paths.
"""

import subprocess
import sys

from dask_jobqueue import SLURMCluster


def main() -> int:
    """Start workers, build, let the workers go."""
    n_workers, *options = sys.argv[1:]
    with SLURMCluster(cores=1, processes=1, memory="4GB", walltime="06:00:00") as cluster:
        cluster.scale(jobs=int(n_workers))
        address = cluster.scheduler_address
        words = ["neurorun", "build-cache", "--cluster", address, *options]
        done = subprocess.run(words, check=False)  # noqa: S603 - options of who started this
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
