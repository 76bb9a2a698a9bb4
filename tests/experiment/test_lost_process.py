import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.xdist_group("experiment")]


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
@pytest.mark.parametrize("lost", [0, 1])
def test_a_process_that_loses_another_says_so_in_one_line(config, tmp_path, strategy, lost):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    chosen = {
        "training.devices": 2, "training.strategy": strategy, "training.epochs": 500,
        "training.early_stopping.patience": "null", "experiment.output_dir": tmp_path,
        "data.batch_size": 4,
    }  # fmt: skip
    command = [sys.executable, "-m", "neurorun", "train", str(config)]
    command += [word for key, value in chosen.items() for word in ("--set", f"{key}={value}")]
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    command, env=environment(rank, port), stderr=subprocess.PIPE, text=True
                )
            )
            for rank in (0, 1)
        ]
        for process in processes:
            stack.callback(process.kill)
        wait_for_an_epoch(tmp_path, processes)
        processes[lost].kill()
        _, printed = processes[1 - lost].communicate(timeout=120)
    assert processes[1 - lost].returncode == 2
    assert "Traceback" not in printed
    told = [line for line in printed.splitlines() if line.startswith("neurorun: ")]
    assert len(told) == 1
    assert f"Process {1 - lost} (of 2, the first is 0) lost another one" in told[0]
    assert told[0].endswith("then go on with 'neurorun train --resume RUN'.")


def environment(rank, port):
    """What torchrun tells its processes."""
    return {
        **os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "NODE_RANK": "0",
        "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip


def wait_for_an_epoch(folder, processes):
    while not any(folder.glob("*/metrics/metrics.jsonl")):
        assert all(process.poll() is None for process in processes)
        time.sleep(0.1)
