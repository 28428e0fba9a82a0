"""The training step that bench_step is measured against: the same networks, batch and losses in
Python, with the teacher in evaluation mode but its gradients on, as the reference system runs it.

Usage: step_peer.py STEPS BATCH SIZE THREADS   (prints seconds per step, the first step left out)
Needs torch and torchvision (Debian: python3-torch, python3-torchvision).
"""
import sys
import time

import torch
import torch.nn.functional as F
import torchvision


def main():
    steps, batch, size, threads = (int(value) for value in sys.argv[1:5])
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    classes, temperature, weight = 100, 4.0, 0.7 / 0.3
    teacher = torchvision.models.resnet50(num_classes=classes).eval()
    student = torchvision.models.mobilenet_v2(num_classes=classes).train()
    optimizer = torch.optim.AdamW(student.parameters(), lr=1e-4, weight_decay=5e-4)
    images = torch.randn(batch, 3, size, size)
    labels = torch.arange(batch) % classes
    seconds = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        taught = teacher(images)
        logits = student(images)
        task = F.cross_entropy(logits, labels, label_smoothing=0.1)
        soft = F.kl_div(F.log_softmax(logits / temperature, 1), F.softmax(taught / temperature, 1),
                        reduction="batchmean") * temperature ** 2
        (task + weight * soft).backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.perf_counter() - start)
    print(" ".join(f"{value:.4f}" for value in seconds[1:]))


main()
