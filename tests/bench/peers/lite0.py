"""EfficientNet-Lite0's trunk as PyTorch's own layers, one after the other: the network that the light backbone's weights file is
of, at output stride 16. For inputs of odd size, where TensorFlow's SAME padding is the same on both sides."""
import torch
from torch import nn

EPS, STEM, OUTPUT_STRIDE = 1e-3, 32, 16
# Expansion, channels, kernel, stride, how often (the stride of the first).
STAGES = [(1, 16, 3, 1, 1), (6, 24, 3, 2, 2), (6, 40, 5, 2, 2), (6, 80, 3, 2, 3), (6, 112, 5, 1, 3),
          (6, 192, 5, 2, 4), (6, 320, 3, 1, 1)]


def convolution(inner, outer, kernel, stride=1, dilation=1, groups=1):
    return nn.Conv2d(inner, outer, kernel, stride, dilation * (kernel - 1) // 2, dilation, groups, bias=False)


class Block(nn.Module):
    def __init__(self, channels, expansion, out, kernel, stride, dilation):
        super().__init__()
        inner = channels * expansion
        if expansion > 1:
            self._expand_conv, self._bn0 = convolution(channels, inner, 1), nn.BatchNorm2d(inner, EPS)
        self._depthwise_conv, self._bn1 = convolution(inner, inner, kernel, stride, dilation, inner), nn.BatchNorm2d(inner, EPS)
        self._project_conv, self._bn2 = convolution(inner, out, 1), nn.BatchNorm2d(out, EPS)
        self.relu = nn.ReLU6(inplace=True)
        self.has_expansion, self.has_skip = expansion > 1, stride == 1 and channels == out

    def forward(self, x):
        y = self.relu(self._bn0(self._expand_conv(x))) if self.has_expansion else x
        y = self._bn2(self._project_conv(self.relu(self._bn1(self._depthwise_conv(y)))))
        return x + y if self.has_skip else y


class Trunk(nn.Module):
    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0, self.relu = convolution(3, STEM, 3, 2), nn.BatchNorm2d(STEM, EPS), nn.ReLU6(inplace=True)
        blocks, channels, reached, dilation = [], STEM, 2, 1
        for expansion, out, kernel, first_stride, times in STAGES:
            for stride in [first_stride] + [1] * (times - 1):
                # A stride beyond the output stride is dropped, and the blocks behind it look as far by dilation.
                is_dropped = stride == 2 and reached == OUTPUT_STRIDE
                blocks.append(Block(channels, expansion, out, kernel, 1 if is_dropped else stride, dilation))
                channels = out
                reached, dilation = (reached, 2 * dilation) if is_dropped else (reached * stride, dilation)
        self._blocks = nn.Sequential(*blocks)

    def forward(self, x):
        return self._blocks(self.relu(self._bn0(self._conv_stem(x))))


def load_trunk(path):
    trunk = Trunk()
    missing = trunk.load_state_dict(torch.load(path), strict=False).missing_keys
    if missing:
        raise ValueError(f'{path}: lacks {missing[0]}')
    return trunk.eval()
