#!/usr/bin/env python3
"""onnx_test.py WRITE_EXPORTS: every exported network passes ONNX's own checker and gives the logits of
ours in onnxruntime, for any batch. Exit code 77: onnx, onnxruntime or safetensors is not there."""
import os
import pathlib
import subprocess
import sys
import tempfile

from interpreter import use

numpy, onnx, onnxruntime, safetensors_numpy = use("numpy", "onnx", "onnxruntime",
                                                  "safetensors.numpy")


def arguments(folder):
    data = pathlib.Path(os.environ.get("DISTILL_TEST_DATA") or "/nonexistent")
    weights = data / "weights" / "mobilenet_v2-imagenet.safetensors"
    has_data = weights.exists() and (data / "imagenet48").exists()
    return [folder, data / "imagenet48", weights] if has_data else [folder]


def check(path):
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version >= 17
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["class_names"] == '["wren", "r\u00e4ven"]', facts
    expected = safetensors_numpy.load_file(path.with_suffix(".expected.safetensors"))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["images"]
    worst = 0
    for count in (len(expected["images"]), 1):  # any batch
        (logits,) = session.run(["logits"], {"images": expected["images"][:count]})
        assert logits.shape == expected["logits"][:count].shape
        worst = max(worst, numpy.abs(logits - expected["logits"][:count]).max())
    scale = numpy.abs(expected["logits"]).max()
    print(f"{path.stem}: logits up to {scale:.3g}, {worst:.2g} apart")
    assert worst < 1e-4 * min(1, scale), path
    assert numpy.ptp(expected["logits"]) > 1e-3, "logits that are all alike show nothing"


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    subprocess.run([sys.argv[1], *arguments(folder)], check=True)
    files = sorted(folder.glob("*.onnx"))
    assert len(files) >= 7, files
    for file in files:
        check(file)
