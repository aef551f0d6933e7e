"""Loads a checkpoint of ours as people do in PyTorch and compares what the network gives, for checkpoint_test.cpp.

Usage: check_checkpoint.py BACKBONE HEAD TOLERANCE FOLDER
FOLDER holds network.pt, input.npy and what our programs make of it: features.npy, scores.npy.
"""
import pathlib
import sys

import numpy
import torch

sys.path += [str(pathlib.Path(__file__).resolve().parents[2] / place) for place in ("stage3_segment", "share")]
import boxseg_network  # noqa: E402


def relative_error(found, expected):
    assert found.shape == expected.shape, (found.shape, expected.shape)
    return float((found - expected).abs().max() / expected.abs().max())


backbone, head, tolerance, folder = sys.argv[1], sys.argv[2], float(sys.argv[3]), pathlib.Path(sys.argv[4])
tensors = {part: torch.from_numpy(numpy.load(folder / f"{part}.npy")) for part in ("input", "features", "scores")}

state = torch.load(folder / "network.pt", weights_only=True)
network = boxseg_network.Network(backbone, head, tensors["scores"].shape[1]).eval()
network.load_state_dict(state, strict=True)
with torch.inference_mode():
    features = network.features(tensors["input"])
    scores = network.classifier(features)

assert float(tensors["features"].abs().max()) > 0, "a dead network compares with nothing"
errors = {part: relative_error(found, tensors[part]) for part, found in (("features", features), ("scores", scores))}
print(backbone, head, len(state), "tensors", *(f"{part} {error:.1e}" for part, error in errors.items()))
for part, error in errors.items():
    assert error <= tolerance, f"{part} differ by {error:.3e} of the largest value, more than {tolerance:.0e}"
