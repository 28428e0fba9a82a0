#!/usr/bin/env python3
"""Writes the small PyTorch files that tests/unit/core/checkpoint reads: one for each form, dtype,
layout and wrapping that torch.save produces, and those that must be refused.

Usage: make_fixtures.py FOLDER      (needs PyTorch; made with 2.13, those of write_beside with 1.13)

Every tensor's values follow from its name and shape alone: element i of a contiguous copy is
(i * 7 + 3) % 11 - 5, so the tests need no second file of expected numbers.
"""
import argparse
import collections
import datetime
import pathlib
import pickle
import sys
import types
import uuid
import zipfile

import numpy
import torch


def pattern(*shape, dtype=torch.float32):
    count = 1
    for size in shape:
        count *= size
    values = (torch.arange(count) * 7 + 3) % 11 - 5
    if dtype == torch.uint8:
        values = values.abs()
    if dtype == torch.bool:
        values = values > 0
    return values.reshape(shape).to(dtype)


def dtypes():
    kinds = ["float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
             "bool"]
    return collections.OrderedDict((kind, pattern(2, 3, dtype=getattr(torch, kind)))
                                   for kind in kinds)


def layouts():
    """Every entry but 'tied' and 'scalar' reads as pattern(3, 4) once contiguous."""
    want = pattern(3, 4)
    wide = torch.zeros(5, 8)
    wide[1:4, 2:6] = want
    every_other = torch.zeros(3, 8)
    every_other[:, ::2] = want
    shared = pattern(2, 12)
    return {
        "plain": want,
        "transposed": want.t().contiguous().t(),
        "offset": wide[1:4, 2:6],
        "strided": every_other[:, ::2],
        "tied.a": shared[0],
        "tied.b": shared,
        "expanded": pattern(1, 4).expand(3, 4),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 4),
        "parameter": torch.nn.Parameter(want.clone()),
    }


def save(folder, name, value, **options):
    torch.save(value, folder / name, **options)


def write_wrapped(folder):
    state = collections.OrderedDict([("module.fc.weight", pattern(2, 3)),
                                     ("module.fc.bias", pattern(2))])
    checkpoint = {
        "epoch": 7, "best_acc1": 0.5, "arch": "tiny", "seed": 1 << 80,
        "args": argparse.Namespace(lr=0.1, gpus=[0, 1]),
        "state_dict": state,
        "optimizer": {"state": {0: {"momentum_buffer": pattern(2, 3)}},
                      "param_groups": [{"lr": 0.1, "params": [0]}]},
    }
    for legacy in (False, True):
        name = "wrapped.legacy.pth" if legacy else "wrapped.zip.pth"
        save(folder, name, checkpoint, _use_new_zipfile_serialization=not legacy)
    save(folder, "compiled.zip.pth",
         {"model": {"_orig_mod.module." + key[7:]: value for key, value in state.items()}})


def write_beside(folder):
    """What training programs keep beside the weights. The first two as RepDistiller's *_last.pth and
    *_best.pth, whose accuracy is a tensor that nobody made a number of."""
    model = collections.OrderedDict([("fc.weight", pattern(2, 3)), ("fc.bias", pattern(2))])
    opt = argparse.Namespace(learning_rate=0.05, lr_decay_epochs=[150, 180, 210], model_s="resnet8x4",
                             gamma=1, path_t=pathlib.PurePosixPath("save/models"), beta=None)
    optimizer = {"state": {0: {"momentum_buffer": pattern(2, 3)}},
                 "param_groups": [{"lr": 0.05, "nesterov": False, "params": [0, 1]}]}
    belongings = {
        "best_prec1": numpy.float64(71.3), "epoch": numpy.int64(240), "done": numpy.bool_(True),
        "confusion": numpy.arange(6.0).reshape(2, 3), "rng": numpy.random.RandomState(0).get_state(),
        "config": types.SimpleNamespace(depth=8), "began": datetime.datetime(2026, 1, 2),
        "day": datetime.date(2026, 1, 2), "took": datetime.timedelta(hours=3),
        "folder": pathlib.PureWindowsPath("C:/runs"), "seen": {1, 2}, "frozen": frozenset([3]),
        "last": collections.deque([0.5], maxlen=4), "counts": collections.Counter("aab"),
        "hash": b"\x00\xff", "range": range(3), "id": uuid.UUID(int=7), "state_dict": model,
    }
    for legacy in (False, True):
        form = "legacy" if legacy else "zip"
        options = {"_use_new_zipfile_serialization": not legacy}
        save(folder, f"options.{form}.pth", {"opt": opt, "model": model, "optimizer": optimizer},
             **options)
        save(folder, f"accuracy.{form}.pth",
             {"epoch": 240, "model": model, "best_acc": torch.tensor(71.3), "optimizer": optimizer},
             **options)
        save(folder, f"belongings.{form}.pth", belongings, **options)


def write_refused(folder):
    module = torch.nn.Sequential(torch.nn.Linear(2, 2))
    save(folder, "whole_module.zip.pth", module)
    # The legacy form holds the source text of its classes and their file's path where it can be
    # found: it cannot for a class of a module without a file.
    Tiny.__module__ = "tiny_model"
    sys.modules["tiny_model"] = types.ModuleType("tiny_model")
    sys.modules["tiny_model"].Tiny = Tiny
    save(folder, "whole_module.legacy.pth", Tiny(), _use_new_zipfile_serialization=False)
    torch.jit.save(torch.jit.script(module), str(folder / "torchscript.pt"))
    quantised = torch.quantize_per_tensor(pattern(2, 2), 0.5, 0, torch.qint8)
    save(folder, "quantised.zip.pth", {"weight": quantised})
    save(folder, "sparse.zip.pth", {"weight": pattern(2, 2).to_sparse()})
    save(folder, "complex.zip.pth", {"weight": torch.ones(2, dtype=torch.complex64)})
    save(folder, "tensor_alone.zip.pth", pattern(2, 2))
    save(folder, "no_tensors.zip.pth", {"epoch": 3, "lr": 0.1})
    save(folder, "malicious.zip.pth", {"weight": Malicious()})
    save(folder, "malicious.legacy.pth", {"weight": Malicious()},
         _use_new_zipfile_serialization=False)
    with open(folder / "bare_pickle.pkl", "wb") as file:
        pickle.dump({"weight": [1.0, 2.0]}, file, protocol=4)


class Tiny(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(pattern(2, 2))


class Malicious:
    """Runs a command where a file is unpickled without a restriction."""

    def __reduce__(self):
        import os
        return os.system, ("touch /tmp/distill-unpickled",)


def rezip(folder, source, target, compression, zip64):
    """Packs the entries of a file anew, as other tools do."""
    limit = zipfile.ZIP64_LIMIT
    zipfile.ZIP64_LIMIT = 16 if zip64 else limit
    with zipfile.ZipFile(folder / source) as old, \
            zipfile.ZipFile(folder / target, "w", compression) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info.filename))
    zipfile.ZIP64_LIMIT = limit


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for legacy in (False, True):
        form = "legacy" if legacy else "zip"
        options = {"_use_new_zipfile_serialization": not legacy}
        save(folder, f"dtypes.{form}.pth", dtypes(), **options)
        save(folder, f"layouts.{form}.pth", layouts(), **options)
        save(folder, f"protocol4.{form}.pth", dtypes(), pickle_protocol=4, **options)
    write_wrapped(folder)
    write_beside(folder)
    write_refused(folder)
    rezip(folder, "dtypes.zip.pth", "zip64.zip.pth", zipfile.ZIP_STORED, True)
    rezip(folder, "dtypes.zip.pth", "deflated.zip.pth", zipfile.ZIP_DEFLATED, False)
    torch.serialization.set_crc32_options(False)
    save(folder, "no_crc.zip.pth", dtypes())


if __name__ == "__main__":
    main()
