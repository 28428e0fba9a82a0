#!/usr/bin/env python3
"""read_back_test.py WRITER: reads the file that WRITER makes with TensorBoard's own reader. Exit
code 77: its package is not there."""
import os
import pathlib
import subprocess
import sys
import tempfile

chosen = os.environ.get("DISTILL_TENSORBOARD_PYTHON")
if chosen and not os.environ.get("DISTILL_TENSORBOARD_CHOSEN"):
    os.environ["DISTILL_TENSORBOARD_CHOSEN"] = "1"
    os.execv(chosen, [chosen, *sys.argv])
try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("there is no package tensorboard")
    sys.exit(77)


def scalars(folder):
    accumulator = EventAccumulator(str(folder))
    accumulator.Reload()
    return {tag: [(event.step, event.wall_time, event.value) for event in accumulator.Scalars(tag)]
            for tag in accumulator.Tags()["scalars"]}


with tempfile.TemporaryDirectory() as name:
    path = pathlib.Path(name) / "events.out.tfevents.1700000000.test"
    subprocess.run([sys.argv[1], path], check=True)
    found = scalars(name)
    assert set(found) == {"val/loss", "val/accuracy"}, found
    for epoch in range(1, 6):
        for tag, value in (("val/loss", 1 / epoch), ("val/accuracy", epoch / 10)):
            step, wall_time, read = found[tag][epoch - 1]
            assert step == epoch and wall_time == 1_700_000_000 + epoch, found
            assert abs(read - value) < 1e-6, found
    # The reader checks the sums: a changed byte of the last record ends the file before it.
    damaged = bytearray(path.read_bytes())
    damaged[-6] ^= 1
    path.write_bytes(damaged)
    assert sum(len(points) for points in scalars(name).values()) < 10, "no sum was checked"
