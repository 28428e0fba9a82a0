#!/usr/bin/env python3
"""state_dict_test.py WRITE_EXPORTS: torch.load(weights_only=True) reads every exported .pth, bit by bit
what the .safetensors file holds; torchvision's networks take them with strict=True and give our logits.
Exit code 77: torch or safetensors is not there. Without torchvision its part is left out."""
import pathlib
import subprocess
import sys
import tempfile
import zipfile

from interpreter import use

torch, safetensors, safetensors_torch = use("torch", "safetensors", "safetensors.torch")
try:
    import torchvision
except (ImportError, RuntimeError) as error:
    print(f"without torchvision: {error}")
    torchvision = None

# Our name and torchvision's.
THEIRS = {"mobilenetv2": "mobilenet_v2", "resnet18": "resnet18", "resnet34": "resnet34", "resnet50": "resnet50",
          "efficientnet_v2_s": "efficientnet_v2_s", "efficientnet_v2_m": "efficientnet_v2_m"}


def check_archive(path):
    """Entries are stored, whole, and aligned, as torch's own: torch.load(mmap=True) relies on it."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            archive.fp.seek(entry.header_offset + 26)
            lengths = archive.fp.read(4)
            start = entry.header_offset + 30 + lengths[0] + 256 * lengths[1] + lengths[2] + 256 * lengths[3]
            assert start % 64 == 0, entry


def load(path):
    check_archive(path)
    state = torch.load(path, weights_only=True)
    assert type(state).__name__ == "OrderedDict", type(state)
    stored = safetensors_torch.load_file(path.with_suffix(".safetensors"))
    # safetensors returns its own order; that of the file is in its header.
    with safetensors.safe_open(path.with_suffix(".safetensors"), "pt") as file:
        assert file.metadata()["class_names"] == '["wren", "r\u00e4ven"]', file.metadata()
    assert set(state) == set(stored), set(state) ^ set(stored)
    for name, tensor in state.items():
        assert tensor.dtype == stored[name].dtype and torch.equal(tensor, stored[name]), name
    return state


def check_in_torchvision(path, state):
    model = getattr(torchvision.models, THEIRS[path.stem])(num_classes=7)
    model.load_state_dict(state, strict=True)
    model.eval()
    expected = safetensors_torch.load_file(path.with_suffix(".expected.safetensors"))
    with torch.no_grad():
        logits = model(expected["images"])
    apart = (logits - expected["logits"]).abs().max().item()
    scale = expected["logits"].abs().max().item()
    print(f"{path.stem}: logits up to {scale:.3g}, {apart:.2g} apart")
    assert apart < 1e-4 * min(1, scale), path


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    subprocess.run([sys.argv[1], folder], check=True)
    files = sorted(folder.glob("*.pth"))
    assert len(files) >= 7, files
    print(f"torch {torch.__version__}")
    for file in files:
        state = load(file)
        if torchvision is not None and file.stem in THEIRS:
            check_in_torchvision(file, state)
