"""The networks of the authors in PyTorch, as far as names, shapes and arithmetic go: what people load our checkpoints into.

VGG-16 in the AffinityNet/DeepLab form (BANA's models) and DeepLab-v2's ResNet-101 with kazuto1011's names.
"""
from torch import nn
from torch.nn import functional as F


class Vgg16(nn.Module):
    """[N,3,H,W] -> [N,1024,h,w], stride 8. fc_dilation: 1 for the classifier, 12 for LargeFOV."""

    # Per stage: convolutions, channels, dilation, stride of the pool after it.
    STAGES = [(2, 64, 1, 2), (2, 128, 1, 2), (3, 256, 1, 2), (3, 512, 1, 1), (3, 512, 2, 1)]

    def __init__(self, fc_dilation):
        super().__init__()
        channels = 3
        for stage, (count, width, dilation, _) in enumerate(self.STAGES, 1):
            for i in range(1, count + 1):
                self.add_module(f"conv{stage}_{i}", nn.Conv2d(channels, width, 3, padding=dilation, dilation=dilation))
                channels = width
        self.fc6 = nn.Conv2d(channels, 1024, 3, padding=fc_dilation, dilation=fc_dilation)
        self.fc7 = nn.Conv2d(1024, 1024, 1)
        self.dropout = nn.Dropout2d(0.5)

    def forward(self, x):
        for stage, (count, _, _, stride) in enumerate(self.STAGES, 1):
            for i in range(1, count + 1):
                x = F.relu(getattr(self, f"conv{stage}_{i}")(x))
            x = F.max_pool2d(x, 3, stride=stride, padding=1)
        x = F.avg_pool2d(x, 3, stride=1, padding=1)
        x = self.dropout(F.relu(self.fc6(x)))
        return self.dropout(F.relu(self.fc7(x)))


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride=1, padding=0, dilation=1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=1e-5, momentum=0.999)

    def forward(self, x):
        return self.bn(self.conv(x))


class Bottleneck(nn.Module):
    def __init__(self, inputs, inner, stride, dilation, has_shortcut):
        super().__init__()
        self.reduce = ConvNorm(inputs, inner, 1, stride)  # Caffe's place for the stride
        self.conv3x3 = ConvNorm(inner, inner, 3, 1, dilation, dilation)
        self.increase = ConvNorm(inner, 4 * inner, 1)
        if has_shortcut:
            self.shortcut = ConvNorm(inputs, 4 * inner, 1, stride)

    def forward(self, x):
        y = self.increase(F.relu(self.conv3x3(F.relu(self.reduce(x)))))
        return F.relu(y + (self.shortcut(x) if hasattr(self, "shortcut") else x))


class Resnet101(nn.Module):
    """[N,3,H,W] -> [N,2048,h,w], stride 8."""

    # Per layer: blocks, inner channels, stride, dilation.
    LAYERS = [(3, 64, 1, 1), (4, 128, 2, 1), (23, 256, 1, 2), (3, 512, 1, 4)]

    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential()
        self.layer1.add_module("conv1", ConvNorm(3, 64, 7, 2, 3))
        channels = 64
        for number, (blocks, inner, stride, dilation) in enumerate(self.LAYERS, 2):
            layer = nn.Sequential()
            for b in range(1, blocks + 1):
                layer.add_module(f"block{b}", Bottleneck(channels, inner, stride if b == 1 else 1, dilation, b == 1))
                channels = 4 * inner
            self.add_module(f"layer{number}", layer)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.layer1(x)), 3, stride=2, padding=1, ceil_mode=True)
        for number in range(2, 6):
            x = getattr(self, f"layer{number}")(x)
        return x


class Segmenter(nn.Module):
    """Features and class scores: a backbone, for ResNet-101 four summed dilated convolutions, a 1x1 classifier."""

    def __init__(self, name, classes):
        super().__init__()
        self.has_aspp = name == "resnet101 aspp"
        self.backbone = Resnet101() if self.has_aspp else Vgg16(12 if name == "vgg16 largefov" else 1)
        if self.has_aspp:
            for i in range(1, 5):
                self.add_module(f"c{i}", nn.Conv2d(2048, 256, 3, padding=6 * i, dilation=6 * i, bias=False))
        self.classifier = nn.Conv2d(256 if self.has_aspp else 1024, classes, 1, bias=False)

    def forward(self, x):
        features = self.backbone(x)
        if self.has_aspp:
            features = F.relu(sum(getattr(self, f"c{i}")(features) for i in range(1, 5)))
        return features, self.classifier(features)
