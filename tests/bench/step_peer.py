"""The training step that bench_step is measured against: the same networks, batch and losses in
Python. On the CPU the teacher is in evaluation mode but its gradients are on, as the reference
system runs it. On a GPU the peer is the best that Python does step by step: autocast to bfloat16,
channels_last, no gradients for the teacher, AdamW over all parameters at once.

Usage: step_peer.py STEPS BATCH SIZE THREADS [DEVICE]   (prints seconds per step, the first left out;
on a GPU means of ten steps)
Needs torch and torchvision (Debian: python3-torch, python3-torchvision).
"""
import sys
import time

import torch
import torch.nn.functional as F
import torchvision


def main():
    steps, batch, size, threads = (int(value) for value in sys.argv[1:5])
    device = torch.device(sys.argv[5] if len(sys.argv) > 5 else "cpu")
    on_gpu = device.type == "cuda"
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    classes, temperature, weight = 100, 4.0, 0.7 / 0.3
    layout = torch.channels_last if on_gpu else torch.contiguous_format
    teacher = torchvision.models.resnet50(num_classes=classes).eval().to(device, memory_format=layout)
    student = torchvision.models.mobilenet_v2(num_classes=classes).train().to(
        device, memory_format=layout)
    teacher.requires_grad_(not on_gpu)
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-4, weight_decay=5e-4)
    images = torch.randn(batch, 3, size, size).to(device, memory_format=layout)
    labels = (torch.arange(batch) % classes).to(device)
    seconds = []
    group = 10 if on_gpu else 1
    for _ in range(0, steps + 1, group):
        start = time.perf_counter()
        for _ in range(group):
            with torch.autocast(device.type, torch.bfloat16, enabled=on_gpu):
                taught = teacher(images)
                logits = student(images)
            taught, logits = taught.float(), logits.float()
            task = F.cross_entropy(logits, labels, label_smoothing=0.1)
            soft = F.kl_div(F.log_softmax(logits / temperature, 1),
                            F.softmax(taught / temperature, 1),
                            reduction="batchmean") * temperature ** 2
            (task + weight * soft).backward()
            optimizer.step()
            optimizer.zero_grad()
        if on_gpu:
            torch.cuda.synchronize()
        seconds.append((time.perf_counter() - start) / group)
    print(" ".join(f"{value:.5f}" for value in seconds[1:]))


main()
