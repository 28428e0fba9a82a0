#!/usr/bin/env python3
"""Writes goldens.h: values that the tests of core/loss and core/train are checked against.

Losses are worked out here in float64 from their formulas, term by term, on closed-form inputs;
gradients come from PyTorch's autograd. Optimiser trajectories are those of torch.optim.
Usage: make_goldens.py > goldens.h   (needs Python 3.9 and PyTorch; written with PyTorch 2.13.0)
"""

import math

import torch

torch.set_default_dtype(torch.float64)


def wave(count, frequency, phase, function):
    return torch.tensor([function(frequency * i + phase) for i in range(count)])


IMAGES, CLASSES = 4, 5
STUDENT = 2 * wave(IMAGES * CLASSES, 0.7, 0.1, math.sin).view(IMAGES, CLASSES)
SECOND = 3 * wave(IMAGES * CLASSES, 0.5, 0.3, math.cos).view(IMAGES, CLASSES)
LABELS = [0, 2, 4, 1]
MIXED_LABELS = [3, 3, 0, 2]
CLASS_WEIGHTS = [0.5 + 0.25 * c for c in range(CLASSES)]
NO_WEIGHTS = [1.0] * CLASSES


def log_probability(logits, n, c):
    return logits[n, c] - torch.log(sum(torch.exp(logits[n, k]) for k in range(CLASSES)))


def cross_entropy(logits, labels, weights, smoothing):
    numerator = 0.0
    for n, y in enumerate(labels):
        numerator = numerator - (1 - smoothing) * weights[y] * log_probability(logits, n, y)
        for c in range(CLASSES):
            numerator = numerator - smoothing / CLASSES * weights[c] * log_probability(logits, n, c)
    return numerator / sum(weights[y] for y in labels)


def poly(logits, labels, weights, smoothing, epsilon):
    extra = sum(1 - torch.exp(log_probability(logits, n, y)) for n, y in enumerate(labels))
    return cross_entropy(logits, labels, weights, smoothing) + epsilon * extra / len(labels)


def focal(logits, labels, weights, smoothing, gamma):
    total = 0.0
    for n, y in enumerate(labels):
        for c in range(CLASSES):
            target = 1 - smoothing if c == y else smoothing / (CLASSES - 1)
            p = torch.exp(log_probability(logits, n, c)) + 1e-7
            total = total - weights[y] * (1 - p) ** gamma * torch.log(p) * target
    return total / len(labels)


def r_drop(first, second):
    total = 0.0
    for n in range(IMAGES):
        for c in range(CLASSES):
            p, q = log_probability(first, n, c), log_probability(second, n, c)
            total = total + 0.5 * (torch.exp(p) * (p - q) + torch.exp(q) * (q - p))
    return total


def features(channels, amplitude, frequency, phase, function):
    return amplitude * wave(4 * channels * 16, frequency, phase, function).view(4, channels, 4, 4)


def similarity_l1(student, teacher):
    def rows(block):
        flat = block.flatten(1)
        gram = flat @ flat.t()
        return gram / gram.abs().sum(1, keepdim=True)

    return ((rows(teacher) - rows(student)) ** 2).sum() / student.shape[0] ** 2


def emit(name, value):
    print(f"inline constexpr double k{name} = {value:.17g};")


def emit_loss(name, inputs, loss):
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    value = loss(*leaves)
    gradients = torch.autograd.grad(value, leaves)
    emit(name, value.item())
    for suffix, gradient in zip(["Gradient", "SecondGradient"], gradients):
        emit(name + suffix, gradient.norm().item())


def emit_losses():
    for suffix, weights in (("", NO_WEIGHTS), ("Weighted", CLASS_WEIGHTS)):
        emit_loss("CrossEntropy" + suffix, [STUDENT],
                  lambda z, w=weights: cross_entropy(z, LABELS, w, 0.1))
        emit_loss("Poly" + suffix, [STUDENT], lambda z, w=weights: poly(z, LABELS, w, 0.1, 2.0))
        emit_loss("Focal" + suffix, [STUDENT], lambda z, w=weights: focal(z, LABELS, w, 0.1, 2.0))
    emit_loss("FocalGammaOneAndHalf", [STUDENT], lambda z: focal(z, LABELS, NO_WEIGHTS, 0.1, 1.5))
    emit_loss("MixedCrossEntropy", [STUDENT],
              lambda z: 0.3 * cross_entropy(z, LABELS, CLASS_WEIGHTS, 0.1)
              + 0.7 * cross_entropy(z, MIXED_LABELS, CLASS_WEIGHTS, 0.1))
    emit_loss("RDropSum", [STUDENT, SECOND], lambda p, q: 0.3 * r_drop(p, q))
    emit_loss("RDropBatchMean", [STUDENT, SECOND], lambda p, q: 0.3 * r_drop(p, q) / IMAGES)
    emit_loss("SimilarityL1", [features(3, 1.5, 0.11, 0.2, math.sin)],
              lambda f: similarity_l1(f, features(6, 2.0, 0.07, 0.4, math.cos)))


NUM_STEPS = 20
SIZES = (6, 3, 2)  # a weight, a bias, a norm's scale


def trajectory(make_optimizer, dtype):
    parameters, offset = [], 0
    for size in SIZES:
        start = wave(size, 0.9, 0.2 + offset, math.sin).to(dtype)
        parameters.append(torch.nn.Parameter(start))
        offset += size
    optimizer = make_optimizer([{"params": parameters[:1], "weight_decay": 0.05},
                                {"params": parameters[1:], "weight_decay": 0.0}])
    for step in range(1, NUM_STEPS + 1):
        offset = 0
        for parameter in parameters:
            force = [math.sin(0.7 * (offset + i) + 0.3 * step) for i in range(parameter.numel())]
            parameter.grad = torch.tensor(force, dtype=dtype) + 0.5 * parameter.detach()
            offset += parameter.numel()
        for group in optimizer.param_groups:
            group["lr"] = 0.02 / (1 + 0.1 * step)
        optimizer.step()
    return [value for parameter in parameters for value in parameter.detach().double().tolist()]


def emit_trajectories():
    makers = {
        "AdamW": lambda groups: torch.optim.AdamW(groups, betas=(0.9, 0.999), eps=1e-8),
        "Sgd": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9, nesterov=True),
        "RmsProp": lambda groups: torch.optim.RMSprop(groups, momentum=0.9, alpha=0.99, eps=1e-8),
    }
    for name, maker in makers.items():
        for suffix, dtype in (("Float64", torch.float64), ("Float32", torch.float32)):
            values = ", ".join(f"{value:.17g}" for value in trajectory(maker, dtype))
            print(f"inline constexpr std::array<double, {sum(SIZES)}> k{name}{suffix} = {{{values}}};")


CRD_IMAGES, CRD_WIDTH, CRD_NEGATIVES = 10, 128, 6


def crd_direction(memory, anchor, contrast, z):
    """One direction of CRD's noise contrast; returns its loss and Z (that of the first batch)."""
    scores = [[torch.exp(torch.dot(memory[j], anchor[i]) / 0.07) for j in row]
              for i, row in enumerate(contrast)]
    if z is None:
        z = sum(float(score) for row in scores for score in row)
        z = z / sum(len(row) for row in contrast) * CRD_IMAGES
    noise = CRD_NEGATIVES / CRD_IMAGES
    total = 0.0
    for row in scores:
        total = total - torch.log(row[0] / z / (row[0] / z + noise + 1e-7))
        for score in row[1:]:
            total = total - torch.log(noise / (score / z + noise + 1e-7))
    return total / len(contrast), z


def emit_crd():
    """Two batches of the same images: the second sees what the first has left in the memories."""
    student = wave(4 * 6, 0.7, 0.1, math.sin).view(4, 6).requires_grad_()
    teacher = wave(4 * 5, 0.5, 0.3, math.cos).view(4, 5)
    weights = {"student": 0.3 * wave(CRD_WIDTH * 6, 0.11, 0.2, math.sin).view(CRD_WIDTH, 6),
               "teacher": 0.3 * wave(CRD_WIDTH * 5, 0.13, 0.5, math.cos).view(CRD_WIDTH, 5)}
    biases = {"student": 0.1 * wave(CRD_WIDTH, 0.3, 0.0, math.sin),
              "teacher": 0.1 * wave(CRD_WIDTH, 0.4, 0.0, math.cos)}
    memories = {"student": 0.15 * wave(CRD_IMAGES * CRD_WIDTH, 0.17, 0.1, math.sin),
                "teacher": 0.15 * wave(CRD_IMAGES * CRD_WIDTH, 0.19, 0.2, math.cos)}
    memories = {name: memory.view(CRD_IMAGES, CRD_WIDTH) for name, memory in memories.items()}
    own = [2, 5, 7, 0]
    contrast = [[y] + [(y + 1 + (i + j) % 9) % CRD_IMAGES for j in range(CRD_NEGATIVES)]
                for i, y in enumerate(own)]
    normalizers = {"student": None, "teacher": None}
    results = []
    for _ in range(2):
        values = {}
        for name, embedding in (("student", student), ("teacher", teacher)):
            mapped = embedding @ weights[name].t() + biases[name]
            values[name] = torch.stack([row / torch.sqrt((row * row).sum()) for row in mapped])
        loss = 0.0
        for anchor, memory in (("student", "teacher"), ("teacher", "student")):
            part, normalizers[anchor] = crd_direction(memories[memory], values[anchor], contrast,
                                                      normalizers[anchor])
            loss = loss + part
        gradient, = torch.autograd.grad(loss, student)
        results.append((float(loss), float(gradient.norm())))
        for name in memories:
            memory = memories[name].clone()
            for i, y in enumerate(own):
                row = 0.5 * memory[y] + 0.5 * values[name][i].detach()
                memory[y] = row / torch.sqrt((row * row).sum())
            memories[name] = memory
    for number, (loss, norm) in zip(("First", "Second"), results):
        print(f"inline constexpr double kCrd{number} = {loss:.17g};")
        print(f"inline constexpr double kCrd{number}GradientNorm = {norm:.17g};")


print("#pragma once\n")
print("// Written by make_goldens.py, which says how.")
print("// clang-format off\n")
print("#include <array>\n")
print("namespace distill::core::goldens {\n")
emit_losses()
print()
emit_crd()
print()
emit_trajectories()
print("\n}  // namespace distill::core::goldens")
