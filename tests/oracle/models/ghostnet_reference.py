"""GhostNet of width 1.0 in PyTorch, written from table 7 and figures 1 and 3 of Han et al. 2020
(arXiv 1911.11907), with the parameter names that timm's ghostnet_100 publishes its weights under.
Deliberately plain: it is what distilld's own GhostNet is checked against."""
import torch
from torch import nn

# kernel, expansion, channels, squeeze-and-excitation, stride; one list per stage of the names.
STAGES = [
    [(3, 16, 16, False, 1)],
    [(3, 48, 24, False, 2)],
    [(3, 72, 24, False, 1)],
    [(5, 72, 40, True, 2)],
    [(5, 120, 40, True, 1)],
    [(3, 240, 80, False, 2)],
    [(3, 200, 80, False, 1), (3, 184, 80, False, 1), (3, 184, 80, False, 1),
     (3, 480, 112, True, 1), (3, 672, 112, True, 1)],
    [(5, 672, 160, True, 2)],
    [(5, 960, 160, False, 1), (5, 960, 160, True, 1),
     (5, 960, 160, False, 1), (5, 960, 160, True, 1)],
]
# Published width of the middle of each excitation, by its outer width (a quarter, in steps of 4).
SQUEEZED = {72: 20, 120: 32, 480: 120, 672: 168, 960: 240}


def conv(inputs, outputs, kernel=1, stride=1, groups=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias)


class Ghost(nn.Module):
    def __init__(self, inputs, outputs, rectify):
        super().__init__()
        half = outputs // 2
        last = [nn.ReLU()] if rectify else []
        self.primary_conv = nn.Sequential(conv(inputs, half), nn.BatchNorm2d(half), *last)
        self.cheap_operation = nn.Sequential(
            conv(half, half, 3, groups=half), nn.BatchNorm2d(half), *last)

    def forward(self, x):
        intrinsic = self.primary_conv(x)
        return torch.cat([intrinsic, self.cheap_operation(intrinsic)], 1)


class Excite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv_reduce = conv(channels, SQUEEZED[channels], bias=True)
        self.conv_expand = conv(SQUEEZED[channels], channels, bias=True)

    def forward(self, x):
        gate = self.conv_expand(torch.relu(self.conv_reduce(x.mean((2, 3), keepdim=True))))
        return x * torch.clamp((gate + 3) / 6, 0, 1)


class Bottleneck(nn.Module):
    def __init__(self, inputs, kernel, wide, outputs, excite, stride):
        super().__init__()
        self.ghost1 = Ghost(inputs, wide, True)
        if stride == 2:
            self.conv_dw = conv(wide, wide, kernel, 2, wide)
            self.bn_dw = nn.BatchNorm2d(wide)
        self.se = Excite(wide) if excite else nn.Identity()
        self.ghost2 = Ghost(wide, outputs, False)
        self.shortcut = nn.Identity()
        if stride == 2 or inputs != outputs:
            self.shortcut = nn.Sequential(
                conv(inputs, inputs, kernel, stride, inputs), nn.BatchNorm2d(inputs),
                conv(inputs, outputs), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.ghost1(x)
        if hasattr(self, 'conv_dw'):
            y = self.bn_dw(self.conv_dw(y))
        return self.ghost2(self.se(y)) + self.shortcut(x)


class Wide(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = conv(inputs, outputs)
        self.bn1 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return torch.relu(self.bn1(self.conv(x)))


class GhostNet(nn.Module):
    def __init__(self, num_classes=1000):
        super().__init__()
        self.conv_stem = conv(3, 16, 3, 2)
        self.bn1 = nn.BatchNorm2d(16)
        channels, stages = 16, []
        for rows in STAGES:
            blocks = []
            for kernel, wide, outputs, excite, stride in rows:
                blocks.append(Bottleneck(channels, kernel, wide, outputs, excite, stride))
                channels = outputs
            stages.append(nn.Sequential(*blocks))
        stages.append(nn.Sequential(Wide(channels, 960)))
        self.blocks = nn.Sequential(*stages)
        self.conv_head = conv(960, 1280, bias=True)
        self.classifier = nn.Linear(1280, num_classes)

    def forward(self, x):
        x = self.blocks(torch.relu(self.bn1(self.conv_stem(x))))
        x = torch.relu(self.conv_head(x.mean((2, 3), keepdim=True))).flatten(1)
        return self.classifier(nn.functional.dropout(x, 0.2, self.training))
