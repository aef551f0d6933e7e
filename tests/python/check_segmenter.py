"""Predicts with a network of ours in PyTorch and in ONNX Runtime and compares, for segmenter_test.cpp.

Usage: check_segmenter.py SEGMENTER.pt FOLDER [program]
       check_segmenter.py refused FILE...
FOLDER holds photos/N.png and what our programs make of each: logits/N.npy [K,H,W] and labels/N.png. With `program`,
boxseg_network.py is also run as one. The second form prints a line for each file: why load() refuses it.
"""
import pathlib
import subprocess
import sys

import numpy
import onnxruntime
import torch
from PIL import Image

sys.path += [str(pathlib.Path(__file__).resolve().parents[2] / place) for place in ("stage3_segment", "share")]
import boxseg_network  # noqa: E402

TOLERANCE = 1e-4  # of logits, 20 times a cosine; the most that was seen is 1.3e-5


def check_labels(what, logits, labels):
    """They may differ only where the two highest logits are closer than both sides are exact."""
    second, first = numpy.sort(logits, 0)[-2:]
    wrong = int(((logits.argmax(0) != labels) & (first - second > 2 * TOLERANCE)).sum())
    assert wrong == 0, f"{what}: {wrong} of {labels.size} labels differ"


def check_network(checkpoint, folder):
    network = boxseg_network.load(checkpoint)
    boxseg_network.export_onnx(network, folder / "network.onnx")
    session = onnxruntime.InferenceSession(folder / "network.onnx", providers=["CPUExecutionProvider"])
    photos, worst = sorted((folder / "photos").iterdir()), {}
    for photo in photos:
        expected = numpy.load(folder / "logits" / f"{photo.stem}.npy")
        assert expected.std(axis=(1, 2)).max() > 0.01, "a network that sees nothing compares with nothing"
        image = torch.from_numpy(numpy.array(Image.open(photo))).permute(2, 0, 1)[None]
        with torch.inference_mode():
            found = {"PyTorch": network(image).numpy()}
        found["ONNX Runtime"], = session.run(["logits"], {"photos": image.float().numpy()})
        for what, (logits,) in found.items():
            assert logits.shape == expected.shape, (logits.shape, expected.shape)
            error = float(numpy.abs(logits - expected).max())
            assert error <= TOLERANCE, f"{photo.name}, {what}: logits differ by {error:.1e}, more than {TOLERANCE:.0e}"
            worst[what] = max(worst.get(what, 0), error)
            check_labels(f"{photo.name}, {what}", logits, numpy.array(Image.open(folder / "labels" / photo.name)))
    print(len(photos), "photographs", *(f"{what} {error:.1e}" for what, error in worst.items()))


def check_program(checkpoint, folder):
    """boxseg_network.py, run as a program, writes what `predict` wrote."""
    network, path, photo = boxseg_network.load(checkpoint), folder / "written.png", folder / "photos/0.png"
    subprocess.run([sys.executable, boxseg_network.__file__, checkpoint, photo, path], check=True)
    written, labels = Image.open(path), Image.open(folder / "labels" / photo.name)
    assert written.mode == "P" and path.read_bytes()[24] == 8, "no palette, or not 8 bits a pixel"
    colours = 3 * len(network.class_names)
    assert written.getpalette()[:colours] == labels.getpalette()[:colours]
    check_labels("the program", numpy.load(folder / "logits" / f"{photo.stem}.npy"), numpy.array(written))


if sys.argv[1] == "refused":
    for file in sys.argv[2:]:
        try:
            boxseg_network.load(file)
        except ValueError as error:
            print(str(error).splitlines()[0])
        else:
            raise SystemExit(f"{file}: is taken")
else:
    check_network(sys.argv[1], pathlib.Path(sys.argv[2]))
    if sys.argv[3:] == ["program"]:
        check_program(sys.argv[1], pathlib.Path(sys.argv[2]))
