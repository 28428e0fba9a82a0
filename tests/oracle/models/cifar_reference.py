"""The networks for 32x32 pictures in PyTorch, written from their papers (He et al. 2016, Zagoruyko &
Komodakis 2016, Simonyan & Zisserman 2015, Sandler et al. 2018, Zhang et al. 2018, Ma et al. 2018) and
from what the published code of CRD (Tian et al. 2020, "RepDistiller") and, for option A, of
akamaster's pytorch_resnet_cifar10 says of shapes, names and order. Deliberately plain: it is what
distilld's own definitions are checked against. Each has `stages`: the modules whose outputs are
blocks 1, 2, ...; a stage is wrapped so that its output is the block as it is documented."""
import torch
from torch import nn
from torch.nn import functional as F


def conv(inputs, outputs, kernel=1, stride=1, groups=1, bias=False):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias)


class Residual(nn.Module):
    """Basic (3x3, 3x3) or bottleneck (1x1, 3x3, 1x1) block."""

    def __init__(self, inputs, width, stride, deep, option, name):
        super().__init__()
        outputs = width * 4 if deep else width
        sizes = ([(inputs, width, 1, 1), (width, width, 3, stride), (width, outputs, 1, 1)] if deep
                 else [(inputs, width, 3, stride), (width, outputs, 3, 1)])
        self.count, self.name, self.stride, self.grow = len(sizes), name, stride, outputs - inputs
        for i, (a, b, kernel, step) in enumerate(sizes, 1):
            setattr(self, f'conv{i}', conv(a, b, kernel, step))
            setattr(self, f'bn{i}', nn.BatchNorm2d(b))
        if option == 'B' and (stride != 1 or self.grow):
            setattr(self, name, nn.Sequential(conv(inputs, outputs, 1, stride),
                                              nn.BatchNorm2d(outputs)))

    def forward(self, x):
        y = x
        for i in range(1, self.count + 1):
            y = getattr(self, f'bn{i}')(getattr(self, f'conv{i}')(y))
            if i < self.count:
                y = torch.relu(y)
        if hasattr(self, self.name):
            x = getattr(self, self.name)(x)
        elif self.grow:
            zeros = x.new_zeros(x.shape[0], self.grow // 2, *y.shape[2:])
            x = torch.cat([zeros, x[:, :, ::self.stride, ::self.stride], zeros], 1)
        return torch.relu(y + x)


class ResNet(nn.Module):
    def __init__(self, depths, stem=16, width=16, deep=False, option='B', name='downsample',
                 head='fc', num_classes=100):
        super().__init__()
        self.conv1, self.bn1 = conv(3, stem, 3), nn.BatchNorm2d(stem)
        self.stages, self.head, channels = [], head, stem
        for i, depth in enumerate(depths):
            blocks = []
            for j in range(depth):
                stride = 2 if i and not j else 1
                blocks.append(Residual(channels, width << i, stride, deep, option, name))
                channels = (width << i) * (4 if deep else 1)
            setattr(self, f'layer{i + 1}', nn.Sequential(*blocks))
            self.stages.append(f'layer{i + 1}')
        setattr(self, head, nn.Linear(channels, num_classes))

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return getattr(self, self.head)(x.mean((2, 3)))


class PreActivation(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(inputs), conv(inputs, outputs, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(outputs), conv(outputs, outputs, 3)
        if inputs != outputs:
            self.convShortcut = conv(inputs, outputs, 1, stride)

    def forward(self, x):
        active = torch.relu(self.bn1(x))
        y = self.conv2(torch.relu(self.bn2(self.conv1(active))))
        return y + (self.convShortcut(active) if hasattr(self, 'convShortcut') else x)


class Group(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.layer = nn.Sequential(*blocks)

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    stages = ['block1', 'block2', 'block3']

    def __init__(self, depth, widening, num_classes=100):
        super().__init__()
        self.conv1, channels = conv(3, 16, 3), 16
        for i, stage in enumerate(self.stages):
            blocks = []
            for j in range((depth - 4) // 6):
                blocks.append(PreActivation(channels, (16 << i) * widening, 2 if i and not j else 1))
                channels = (16 << i) * widening
            setattr(self, stage, Group(blocks))
        self.bn1, self.fc = nn.BatchNorm2d(channels), nn.Linear(channels, num_classes)

    def forward(self, x):
        x = self.block3(self.block2(self.block1(self.conv1(x))))
        return self.fc(torch.relu(self.bn1(x)).mean((2, 3)))


class Vgg(nn.Module):
    stages = ['after1', 'after2', 'after3', 'after4']

    def __init__(self, repeats, num_classes=100):
        super().__init__()
        channels = 3
        for i, width in enumerate([64, 128, 256, 512, 512]):
            layers = []
            for _ in range(repeats):
                layers += [conv(channels, width, 3, bias=True), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            setattr(self, f'block{i}', nn.Sequential(*layers[:-1]))
            setattr(self, f'after{i}', nn.ReLU())
        self.classifier = nn.Linear(channels, num_classes)

    def forward(self, x):
        height = x.shape[2]
        for i in range(5):
            x = getattr(self, f'after{i}')(getattr(self, f'block{i}')(x))
            if i < 3 or (i == 3 and height == 64):
                x = F.max_pool2d(x, 2)
        return self.classifier(x.mean((2, 3)))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        wide = inputs * expansion
        self.add = stride == 1 and inputs == outputs
        self.conv = nn.Sequential(
            conv(inputs, wide), nn.BatchNorm2d(wide), nn.ReLU(),
            conv(wide, wide, 3, stride, wide), nn.BatchNorm2d(wide), nn.ReLU(),
            conv(wide, outputs), nn.BatchNorm2d(outputs))

    def forward(self, x):
        return x + self.conv(x) if self.add else self.conv(x)


class MobileNetV2(nn.Module):
    stages = ['blocks.1', 'blocks.2', 'blocks.4', 'blocks.6']

    def __init__(self, num_classes=100):
        super().__init__()
        self.conv1 = nn.Sequential(conv(3, 16, 3, 2), nn.BatchNorm2d(16), nn.ReLU())
        channels, stages = 16, []
        for expansion, full, repeats, stride in [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2),
                                                 (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2),
                                                 (6, 320, 1, 1)]:
            blocks = []
            for i in range(repeats):
                blocks.append(Inverted(channels, full // 2, 1 if i else stride, expansion))
                channels = full // 2
            stages.append(nn.Sequential(*blocks))
        self.blocks = nn.Sequential(*stages)
        self.conv2 = nn.Sequential(conv(channels, 1280), nn.BatchNorm2d(1280), nn.ReLU())
        self.classifier = nn.Sequential(nn.Linear(1280, num_classes))

    def forward(self, x):
        return self.classifier(self.conv2(self.blocks(self.conv1(x))).mean((2, 3)))


def shuffled(x, groups):
    return torch.cat([x[:, i::x.shape[1] // groups] for i in range(x.shape[1] // groups)], 1)


class ShuffleV1Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.stride, self.groups = stride, 1 if inputs == 24 else 3
        made = outputs - inputs if stride == 2 else outputs
        middle = made // 4
        self.conv1, self.bn1 = conv(inputs, middle, groups=self.groups), nn.BatchNorm2d(middle)
        self.conv2, self.bn2 = conv(middle, middle, 3, stride, middle), nn.BatchNorm2d(middle)
        self.conv3, self.bn3 = conv(middle, made, groups=3), nn.BatchNorm2d(made)

    def forward(self, x):
        y = shuffled(torch.relu(self.bn1(self.conv1(x))), self.groups)
        y = self.bn3(self.conv3(torch.relu(self.bn2(self.conv2(y)))))
        if self.stride == 2:
            return torch.relu(torch.cat([y, F.avg_pool2d(x, 3, 2, 1)], 1))
        return torch.relu(y + x)


class ShuffleV2Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        half = channels // 2
        self.conv1, self.bn1 = conv(half, half), nn.BatchNorm2d(half)
        self.conv2, self.bn2 = conv(half, half, 3, groups=half), nn.BatchNorm2d(half)
        self.conv3, self.bn3 = conv(half, half), nn.BatchNorm2d(half)

    def forward(self, x):
        half = x.shape[1] // 2
        y = torch.relu(self.bn1(self.conv1(x[:, half:])))
        y = torch.relu(self.bn3(self.conv3(self.bn2(self.conv2(y)))))
        return shuffled(torch.cat([x[:, :half], y], 1), 2)


class ShuffleV2Down(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        half = outputs // 2
        self.conv1, self.bn1 = conv(inputs, inputs, 3, 2, inputs), nn.BatchNorm2d(inputs)
        self.conv2, self.bn2 = conv(inputs, half), nn.BatchNorm2d(half)
        self.conv3, self.bn3 = conv(inputs, half), nn.BatchNorm2d(half)
        self.conv4, self.bn4 = conv(half, half, 3, 2, half), nn.BatchNorm2d(half)
        self.conv5, self.bn5 = conv(half, half), nn.BatchNorm2d(half)

    def forward(self, x):
        left = torch.relu(self.bn2(self.conv2(self.bn1(self.conv1(x)))))
        right = self.bn4(self.conv4(torch.relu(self.bn3(self.conv3(x)))))
        return shuffled(torch.cat([left, torch.relu(self.bn5(self.conv5(right)))], 1), 2)


class ShuffleNet(nn.Module):
    stages = ['layer1', 'layer2', 'layer3']

    def __init__(self, version, num_classes=100):
        super().__init__()
        self.conv1, self.bn1, channels = conv(3, 24), nn.BatchNorm2d(24), 24
        widths = [240, 480, 960] if version == 1 else [116, 232, 464]
        for stage, width, depth in zip(self.stages, widths, [4, 8, 4]):
            blocks = []
            for i in range(depth):
                if version == 1:
                    blocks.append(ShuffleV1Block(channels, width, 1 if i else 2))
                else:
                    blocks.append(ShuffleV2Block(width) if i else ShuffleV2Down(channels, width))
                channels = width
            setattr(self, stage, nn.Sequential(*blocks))
        if version == 2:
            self.conv2, self.bn2, channels = conv(channels, 1024), nn.BatchNorm2d(1024), 1024
        self.linear = nn.Linear(channels, num_classes)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        if hasattr(self, 'conv2'):
            x = torch.relu(self.bn2(self.conv2(x)))
        return self.linear(x.mean((2, 3)))


def make(constructor, *args, **options):
    return lambda num_classes: constructor(*args, num_classes=num_classes, **options)


# name, constructor, the classifier
NETWORKS = [
    *[(f'resnet{6 * n + 2}', make(ResNet, [n] * 3), 'fc') for n in (1, 2, 3, 5, 7, 9, 18)],
    ('resnet8x4', make(ResNet, [1] * 3, stem=32, width=64), 'fc'),
    ('resnet32x4', make(ResNet, [5] * 3, stem=32, width=64), 'fc'),
    *[(f'resnet{6 * n + 2}-a', make(ResNet, [n] * 3, option='A', head='linear'), 'linear')
      for n in (3, 5, 7, 9, 18)],
    *[(f'wrn-{depth}-{width}', make(WideResNet, depth, width), 'fc')
      for depth in (16, 40) for width in (1, 2)],
    ('vgg8', make(Vgg, 1), 'classifier'),
    ('vgg13', make(Vgg, 2), 'classifier'),
    ('cifar-mobilenetv2', make(MobileNetV2), 'classifier.0'),
    ('cifar-shufflenetv1', make(ShuffleNet, 1), 'linear'),
    ('cifar-shufflenetv2', make(ShuffleNet, 2), 'linear'),
    ('cifar-resnet50', make(ResNet, [3, 4, 6, 3], stem=64, width=64, deep=True, name='shortcut',
                            head='linear'), 'linear'),
]
