#!/usr/bin/env python3
"""The networks of boxseg in PyTorch. This file needs torch and nothing else of boxseg: copy it beside your code.

    import boxseg_network
    network = boxseg_network.load("segmenter.pt")        # a torch.nn.Module, in eval mode
    logits = network(photos)                             # [N,3,H,W], RGB from 0 to 255 -> [N,K,H,W]
    labels = logits.argmax(1)                            # indices of network.class_names, 0 is the background
    boxseg_network.export_onnx(network, "segmenter.onnx")

`python3 boxseg_network.py segmenter.pt photo.jpg labels.png` predicts one photograph; it needs NumPy and pillow, too.

Names, shapes and arithmetic are those of common/networks and stage3_segment, and through them of the authors' code; the
tests compare both sides.
"""
import argparse
import json
import zipfile

import torch
from torch import nn
from torch.nn import functional as F

# How a backbone's weights want their input: channels of RGB in this order, minus the mean, over the divisor.
NORMALISATIONS = {
    "caffe_bgr": ((2, 1, 0), (104.008, 116.669, 122.675), (1.0, 1.0, 1.0)),
    "torchvision_rgb": ((0, 1, 2), (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "lite0_rgb": ((0, 1, 2), (127.0, 127.0, 127.0), (128.0, 128.0, 128.0)),
}


class Vgg16(nn.Module):
    """[N,3,H,W] -> [N,1024,h,w], stride 8: the AffinityNet/DeepLab form. fc_dilation: 1, or 12 for LargeFOV."""

    channels = 1024
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
    """[N,3,H,W] -> [N,2048,h,w], stride 8: DeepLab-v2's, with kazuto1011's names."""

    channels = 2048
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


class SameConv(nn.Conv2d):
    """A convolution without bias, with TensorFlow's SAME padding, of stride 1, or of stride 2 without dilation."""

    def __init__(self, inputs, outputs, kernel, stride=1, dilation=1, groups=1):
        around = kernel // 2 * dilation if stride == 1 else 0
        super().__init__(inputs, outputs, kernel, stride, around, dilation, groups, bias=False)

    def forward(self, x):
        if self.stride[0] == 2:  # an even size gets one less above and to the left
            after = self.kernel_size[0] // 2
            top, left = after - 1 + x.shape[2] % 2, after - 1 + x.shape[3] % 2
            x = F.pad(x, (left, after, top, after))
        return super().forward(x)


class InvertedBottleneck(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, dilation, expansion):
        super().__init__()
        inner = inputs * expansion
        self.has_skip = stride == 1 and inputs == outputs
        if expansion > 1:
            self._expand_conv = SameConv(inputs, inner, 1)
            self._bn0 = nn.BatchNorm2d(inner, eps=1e-3, momentum=0.01)
        self._depthwise_conv = SameConv(inner, inner, kernel, stride, dilation, groups=inner)
        self._bn1 = nn.BatchNorm2d(inner, eps=1e-3, momentum=0.01)
        self._project_conv = SameConv(inner, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)

    def forward(self, x):
        y = F.relu6(self._bn0(self._expand_conv(x))) if hasattr(self, "_expand_conv") else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.has_skip else y


class EfficientNetLite0(nn.Module):
    """[N,3,H,W] -> [N,256,h,w], stride 8, 16 or 32; for head aspp the trunk's [N,320,h,w]."""

    # Expansion, channels, kernel, stride.
    BLOCKS = [(1, 16, 3, 1), (6, 24, 3, 2), (6, 24, 3, 1), (6, 40, 5, 2), (6, 40, 5, 1), (6, 80, 3, 2), (6, 80, 3, 1),
              (6, 80, 3, 1), (6, 112, 5, 1), (6, 112, 5, 1), (6, 112, 5, 1), (6, 192, 5, 2), (6, 192, 5, 1),
              (6, 192, 5, 1), (6, 192, 5, 1), (6, 320, 3, 1)]

    def __init__(self, head, output_stride):
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3, momentum=0.01)
        self._blocks = nn.Sequential()
        channels, reached, dilation = 32, 2, 1
        for expansion, outputs, kernel, stride in self.BLOCKS:
            drops_stride = stride == 2 and reached == output_stride
            block = InvertedBottleneck(channels, outputs, kernel, 1 if drops_stride else stride, dilation, expansion)
            self._blocks.append(block)
            channels = outputs
            if drops_stride:
                dilation *= 2
            else:
                reached *= stride
        self.channels = channels if head == "aspp" else 256
        if head == "largefov":
            reach = 96 // output_stride
            self.fc6 = nn.Conv2d(channels, 256, 3, padding=reach, dilation=reach)
        elif head == "plain":
            self.project = nn.Conv2d(channels, 256, 1)
        self.dropout = nn.Dropout2d(0.5)

    def forward(self, x):
        x = self._blocks(F.relu6(self._bn0(self._conv_stem(x))))
        for name in ("fc6", "project"):
            if hasattr(self, name):
                return self.dropout(F.relu(getattr(self, name)(x)))
        return x


class Tiny(nn.Module):
    """[N,3,H,W] -> [N,64,h,w], stride 4: the small network of demo and tests."""

    channels = 64

    def __init__(self, head):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(32, 32, 3, padding=1)
        self.conv4 = nn.Conv2d(32, 64, 3, padding=2, dilation=2)
        if head == "largefov":
            self.fc6 = nn.Conv2d(64, 64, 3, padding=4, dilation=4)

    def forward(self, x):
        for convolution in self.children():
            x = F.relu(convolution(x))
        return x


BACKBONES = {
    # name: heads, output strides (the usual one first), what makes it
    "vgg16": (("plain", "largefov"), (8,), lambda head, _: Vgg16(12 if head == "largefov" else 1)),
    "resnet101": (("aspp",), (8,), lambda head, _: Resnet101()),
    "efficientnet_lite0": (("plain", "largefov", "aspp"), (16, 8, 32), EfficientNetLite0),
    "tiny": (("plain", "largefov"), (4,), lambda head, _: Tiny(head)),
}


class Network(nn.Module):
    """A backbone, a head and a 1x1 classifier without bias: what a state_dict of boxseg or of the authors fits."""

    def __init__(self, backbone, head, classes, output_stride=0):
        super().__init__()
        heads, strides, make = BACKBONES.get(backbone, ((), (), None))
        output_stride = output_stride or next(iter(strides), 0)
        if head not in heads or output_stride not in strides:
            raise ValueError(f"no network has backbone {backbone}, head {head} and output stride {output_stride}; "
                             "is the file of a newer boxseg than boxseg_network.py?")
        self.backbone = make(head, output_stride)
        channels = self.backbone.channels
        if head == "aspp":  # DeepLab-v2's four dilated convolutions, summed; dilations are in cells of 8 pixels
            for i in range(1, 5):
                reach = 6 * i * 8 // output_stride
                self.add_module(f"c{i}", nn.Conv2d(channels, 256, 3, padding=reach, dilation=reach, bias=False))
            channels = 256
        self.classifier = nn.Conv2d(channels, classes, 1, bias=False)

    def features(self, x):
        """[N,3,H,W], normalised -> [N,C,h,w], after the last ReLU."""
        x = self.backbone(x)
        return F.relu(self.c1(x) + self.c2(x) + self.c3(x) + self.c4(x)) if hasattr(self, "c1") else x


class Segmenter(Network):
    """A trained network of stage 3 with all that predicting needs: load() makes one.

    class_names: [K], the background first; colours: [K] tuples (red, green, blue); temperature: logits are so many
    times the cosine of features and class weights.
    """

    def __init__(self, record):
        super().__init__(record["backbone"], record["head"], int(record["classes"]), int(record["output_stride"]))
        self.class_names = record["class_names"].split("\n")
        self.colours = [tuple(bytes.fromhex(colour)) for colour in record["palette"].split(" ")]
        self.temperature = float(record["temperature"])
        self.align_corners = record.get("align_corners") != "false"
        if record["normalisation"] not in NORMALISATIONS:
            raise ValueError(f"normalisation {record['normalisation']} is none of {', '.join(NORMALISATIONS)}")
        self.channel_order, mean, divisor = NORMALISATIONS[record["normalisation"]]
        for name, values in (("mean", mean), ("divisor", divisor)):
            self.register_buffer(name, torch.tensor(values).view(1, 3, 1, 1), persistent=False)

    def forward(self, photos):
        """[N,3,H,W], upright RGB photographs with values from 0 to 255, of bytes or floats -> logits [N,K,H,W].

        softmax(logits, 1) are class probabilities, argmax(1) is what `stage3_segment predict` writes.
        """
        x = photos.to(self.mean.dtype)[:, list(self.channel_order)]
        features = self.features((x - self.mean) / self.divisor)
        scores = F.conv2d(F.normalize(features), F.normalize(self.classifier.weight))
        size = photos.shape[2:]
        return self.temperature * F.interpolate(scores, size, mode="bilinear", align_corners=self.align_corners)


def read_record(path):
    """What our programs write about a network into its checkpoint, text by name; empty for a file of others."""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith("/boxseg.json"):
                    return json.loads(archive.read(name))
    except zipfile.BadZipFile:
        pass
    return {}


def load(path):
    """The network of a segmenter.pt, on the CPU, in eval mode. ValueError, which names the file, for any other file."""
    record = read_record(path)
    if record.get("kind") != "segmenter":
        what = "was not written by boxseg, or is damaged"
        if "backbone" in record:
            what = "is the state of a training" if "run_key" in record else "is a classifier of stage 1"
        raise ValueError(f"{path}: {what}; expected a segmenter.pt, which `stage3_segment train` writes")
    try:
        network = Segmenter(record)
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True), strict=True)
    except KeyError as error:
        raise ValueError(f"{path}: its record lacks {error}; make the file again") from None
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from None
    return network.eval()


def export_onnx(network, path):
    """Writes a Segmenter for other runtimes: photos [N,3,H,W] float32 -> logits [N,K,H,W] of any N, H and W.

    Needs the package onnx.
    """
    photos = torch.zeros(1, 3, 65, 97, device=network.mean.device)
    torch.onnx.export(network, (photos,), path, opset_version=17, dynamo=False, input_names=["photos"],
                      output_names=["logits"], dynamic_axes={name: {0: "images", 2: "height", 3: "width"}
                                                             for name in ("photos", "logits")})


def main():
    parser = argparse.ArgumentParser(description="Writes the label map of one photograph, a PNG with a palette.")
    for name, what in (("checkpoint", "segmenter.pt"), ("photo", "an image"), ("labels", "PNG to write")):
        parser.add_argument(name, help=what)
    arguments = parser.parse_args()
    import numpy
    from PIL import Image, ImageOps

    try:
        network = load(arguments.checkpoint)
        photo = ImageOps.exif_transpose(Image.open(arguments.photo)).convert("RGB")
    except (OSError, ValueError) as error:
        raise SystemExit(str(error)) from None
    with torch.inference_mode():
        logits = network(torch.from_numpy(numpy.array(photo)).permute(2, 0, 1)[None])
    labels = Image.fromarray(logits[0].argmax(0).to(torch.uint8).numpy())
    colours = [value for colour in network.colours for value in colour]
    labels.putpalette(colours + [0] * (768 - len(colours)))  # with fewer, pillow would write fewer bits a pixel
    labels.save(arguments.labels, format="PNG")


if __name__ == "__main__":
    main()
