#!/usr/bin/env python3
"""Prints the values of FittedHintTest: the hint of CRD's code (Tian et al. 2020), a convolution that fits
the sizes, batch norm of the batch, ReLU, mean squared error, for inputs of a closed form, in float64.
For each case: the loss and the L2 norm of its gradient on the student's features. Needs torch."""
import torch
from torch import nn

torch.set_default_dtype(torch.float64)


def wave(sizes, amplitude, frequency, phase, function=torch.sin):
    count = torch.Size(sizes).numel()
    return (amplitude * function(torch.arange(count) * frequency + phase)).reshape(sizes)


SMALL = wave([4, 3, 4, 4], 1.5, 0.11, 0.2)
LARGE = wave([4, 3, 8, 8], 1.5, 0.11, 0.2)
TEACHER = wave([4, 6, 4, 4], 2.0, 0.07, 0.4, torch.cos)
LARGE_TEACHER = wave([4, 6, 8, 8], 2.0, 0.05, 0.4, torch.cos)

CASES = [
    ('equal sizes', SMALL, TEACHER, nn.Conv2d(3, 6, 1)),
    ('student twice as large', LARGE, TEACHER, nn.Conv2d(3, 6, 3, 2, 1)),
    ('student half as large', SMALL, LARGE_TEACHER, nn.ConvTranspose2d(3, 6, 4, 2, 1)),
    ('student larger by 2', LARGE[:, :, :6, :6].contiguous(), TEACHER, nn.Conv2d(3, 6, 3)),
]

for name, student, teacher, conv in CASES:
    norm = nn.BatchNorm2d(6)
    with torch.no_grad():
        conv.weight.copy_(wave(conv.weight.shape, 0.1, 0.3, 0.0))
        conv.bias.copy_(wave([6], 0.2, 1.0, 0.0))
        norm.weight.copy_(wave([6], 0.5, 0.7, 1.0))
        norm.bias.copy_(wave([6], 0.3, 0.4, 0.0))
    student = student.clone().requires_grad_()
    loss = nn.functional.mse_loss(torch.relu(norm(conv(student))), teacher)
    loss.backward()
    print(f'{name}: {loss.item():.12f} {student.grad.norm().item():.12f}')
