#!/usr/bin/env python3
"""Prints tests/unit/core/data/pillow_golden.h: what Pillow and torchvision make of a synthetic image.

Needs python3-pil and python3-torchvision (Debian 12: Pillow 9.4, torchvision 0.14.1).
Usage: pillow_golden.py > tests/unit/core/data/pillow_golden.h
"""
import hashlib

import numpy
import PIL
import torchvision
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import AugMix, AutoAugment, RandAugment, TrivialAugmentWide, _apply_op


def picture(width, height):
    """The closed form of SyntheticImage() in synthetic_image.h."""
    y, x, c = numpy.mgrid[0:height, 0:width, 0:3]
    values = 40 + (x * x * (c + 1) + y * y * 3 + x * y * (c + 5) + 31 * c) % 149
    return Image.fromarray(values.astype(numpy.uint8), "RGB")


def digest(image):
    return hashlib.sha256(numpy.asarray(image).tobytes()).hexdigest()[:16]


def resize_lines():
    sizes = [(61, 47, 30, 23), (61, 47, 61, 20), (61, 47, 13, 47), (61, 47, 122, 94), (61, 47, 67, 51),
             (61, 47, 7, 5), (61, 47, 1, 1), (61, 47, 61, 47), (500, 333, 336, 224), (227, 227, 246, 246),
             (16, 900, 8, 450), (3, 2, 40, 27), (1, 1, 9, 9)]
    for width, height, to_width, to_height in sizes:
        resized = picture(width, height).resize((to_width, to_height), Image.BILINEAR)
        yield f'    {{{width}, {height}, {to_width}, {to_height}, "{digest(resized)}"}},'


def operation_cases():
    """Every magnitude that a policy can draw, at one sign each, and some of the other."""
    spaces = [AutoAugment()._augmentation_space(10, (48, 64)), RandAugment()._augmentation_space(31, (48, 64)),
              TrivialAugmentWide()._augmentation_space(31)]
    for space_index, space in enumerate(spaces):
        for name, (magnitudes, signed) in space.items():
            if magnitudes.ndim == 0:
                if space_index < 2:
                    yield name, 0.0, InterpolationMode.NEAREST
                continue
            every = range(0, len(magnitudes), 1 if space_index == 0 else 3)
            for i in every:
                sign = -1.0 if signed and (i % 2) else 1.0
                yield name, sign * float(magnitudes[i]), InterpolationMode.NEAREST
    for name, (magnitudes, signed) in AugMix()._augmentation_space(10, (48, 64)).items():
        if name[:5] in ("Shear", "Trans", "Rotat"):
            for i in range(10):
                yield name, (-1.0 if i % 2 else 1.0) * float(magnitudes[i]), InterpolationMode.BILINEAR


def operation_lines():
    seen = set()
    for name, magnitude, interpolation in operation_cases():
        for width, height in ((64, 48), (48, 48)) if name == "Rotate" else ((64, 48),):
            key = (name, magnitude, interpolation, width)
            if key in seen:
                continue
            seen.add(key)
            changed = _apply_op(picture(width, height), name, magnitude, interpolation=interpolation, fill=None)
            kind = "kNearest" if interpolation == InterpolationMode.NEAREST else "kBilinear"
            yield (f'    {{Operation::k{name}, {magnitude!r}, Interpolation::{kind}, {width}, {height}, '
                   f'"{digest(changed)}"}},')


print(f"""#pragma once

// Written by tests/oracle/data/pillow_golden.py with Pillow {PIL.__version__} and torchvision
// {torchvision.__version__}: the first 16 digits of the SHA-256 of the resulting pixels.
// clang-format off

#include "core/data/augmentation_policy.h"

namespace distill::core {{

struct ResizeGolden {{
  int width;
  int height;
  int to_width;
  int to_height;
  const char* digest;
}};

inline constexpr ResizeGolden kResizeGolden[] = {{""")
print("\n".join(resize_lines()))
print("""};

struct OperationGolden {
  Operation operation;
  double magnitude;
  Interpolation interpolation;
  int width;
  int height;
  const char* digest;
};

inline constexpr OperationGolden kOperationGolden[] = {""")
print("\n".join(operation_lines()))
print("""};
// clang-format on

}  // namespace distill::core""")
