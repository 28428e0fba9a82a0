#!/usr/bin/env python3
"""real_run_test.py DISTILLD DISTILLCTL WORKER: the programs train a teacher and its student, and Python's
own readers take the student in each form that distillctl hands out. Exit code 77: torch or safetensors
is not there. What torchvision and onnxruntime would show is left out without them."""
import hashlib
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

from interpreter import use

torch, safetensors, safetensors_torch = use("torch", "safetensors", "safetensors.torch")
distilld, distillctl, worker = sys.argv[1:4]
SIZE = 32


def optional(name):
    try:
        return __import__(name)
    except (ImportError, RuntimeError) as error:
        print(f"without {name}: {error}")
        return None


def write_images(root):
    draw = random.Random(3)
    for label in range(3):
        folder = root / f"bird {label}"
        folder.mkdir(parents=True)
        for index in range(10):
            pixels = bytes(draw.randrange(150) + 100 * (channel == label)
                           for _ in range(SIZE * SIZE) for channel in range(3))
            (folder / f"{index}.ppm").write_bytes(b"P6\n%d %d\n255\n" % (SIZE, SIZE) + pixels)


class Lab:
    """A daemon of its own in a folder."""

    def __init__(self, folder):
        self.folder = folder
        write_images(folder / "images")
        (folder / "weights").mkdir()
        self.log = open(folder / "distilld.log", "wb")
        self.daemon = subprocess.Popen(
            [distilld, "--listen", "127.0.0.1:0", "--state-dir", folder / "state", "--dataset-roots",
             folder, "--weights-roots", folder / "weights", "--weights-dir", folder / "weights",
             "--worker-executable", worker, "--devices", "cpu"],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)
        address = folder / "state" / "distilld.address"
        while not (address.exists() and address.read_text().endswith("\n")):
            assert self.daemon.poll() is None, (folder / "distilld.log").read_text()
            time.sleep(0.05)
        self.address = address.read_text().strip()
        self.ctl("dataset", "add", "tiny", str(folder / "images"), "--val", "0.2", "--test", "0.2")

    def ctl(self, *arguments):
        result = subprocess.run([distillctl, "--server", self.address, *arguments],
                                capture_output=True, text=True)
        assert result.returncode == 0, f"distillctl {' '.join(arguments)}: {result.stderr}"
        return result.stdout

    def train(self, name, model, *more):
        self.ctl("train", "--name", name, "--dataset", "tiny", "--model", model, "--epochs", "1",
                 "--image-size", str(SIZE), "--batch-size", "8", *more, "--wait")

    def get_model(self, job, form):
        path = self.folder / f"{job}.{form}"
        self.ctl("get-model", job, "-o", str(path))
        by_flag = self.folder / f"{job}.by-flag"
        self.ctl("get-model", job, "--format", form, "-o", str(by_flag))
        assert by_flag.read_bytes() == path.read_bytes(), form
        return path

    def stop(self):
        self.daemon.send_signal(signal.SIGTERM)
        self.daemon.wait()
        self.log.close()


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def check_lineage(lab, path):
    with safetensors.safe_open(path, "pt") as file:
        facts = file.metadata()
    assert json.loads(facts["class_names"]) == ["bird 0", "bird 1", "bird 2"], facts
    assert len(json.loads(facts["mean"])) == len(json.loads(facts["std"])) == 3, facts
    assert facts["image_size"] == str(SIZE) and facts["model"] == "mobilenetv2", facts
    assert 0 <= float(facts["val/accuracy"]) <= 1, facts
    assert facts["worker_sha256"] == sha256(worker), facts
    assert facts["teacher_sha256"] == sha256(lab.get_model("teacher", "safetensors")), facts
    assert facts["teacher_model"] == "resnet18", facts
    assert facts["job"] == json.loads(lab.ctl("-o", "json", "show", "student"))["id"], facts
    for key in ("manifest_sha256", "spec_sha256"):
        assert len(facts[key]) == 64, facts
    assert facts["distill_version"] and facts["libtorch_version"], facts


def check_student(lab):
    stored = safetensors_torch.load_file(lab.get_model("student", "safetensors"))
    check_lineage(lab, lab.folder / "student.safetensors")
    state = torch.load(lab.get_model("student", "pth"), weights_only=True)
    assert set(state) == set(stored)
    assert all(torch.equal(state[name], stored[name]) for name in state)
    onnx = lab.get_model("student", "onnx")
    torchvision = optional("torchvision")
    if torchvision is None:
        return
    model = torchvision.models.mobilenet_v2(num_classes=3)
    model.load_state_dict(state, strict=True)
    model.eval()
    onnxruntime = optional("onnxruntime")
    if onnxruntime is None:
        return
    images = torch.rand(4, 3, SIZE, SIZE) * 4 - 2
    with torch.no_grad():
        theirs = model(images)
    session = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    (ours,) = session.run(["logits"], {"images": images.numpy()})
    apart = (theirs - torch.tensor(ours)).abs().max().item()
    print(f"torchvision and onnxruntime are {apart:.2g} apart")
    assert apart < 1e-4


with tempfile.TemporaryDirectory() as name:
    lab = Lab(pathlib.Path(name))
    try:
        lab.train("teacher", "resnet18")
        lab.train("student", "mobilenetv2", "--kd", "soft-target", "--teacher", "teacher")
        check_student(lab)
    finally:
        lab.stop()
