"""Loads a checkpoint of ours as people do in PyTorch and compares what the network gives, for checkpoint_test.cpp.

Usage: check_checkpoint.py NETWORK TOLERANCE FOLDER
FOLDER holds network.pt, input.npy and what our programs make of it: features.npy, scores.npy.
"""
import pathlib
import sys

import numpy
import torch

import networks


def relative_error(found, expected):
    assert found.shape == expected.shape, (found.shape, expected.shape)
    return float((found - expected).abs().max() / expected.abs().max())


name, tolerance, folder = sys.argv[1], float(sys.argv[2]), pathlib.Path(sys.argv[3])
tensors = {part: torch.from_numpy(numpy.load(folder / f"{part}.npy")) for part in ("input", "features", "scores")}

state = torch.load(folder / "network.pt", weights_only=True)
network = networks.Segmenter(name, tensors["scores"].shape[1]).eval()
network.load_state_dict(state, strict=True)
with torch.inference_mode():
    features, scores = network(tensors["input"])

assert float(tensors["features"].abs().max()) > 0, "a dead network compares with nothing"
errors = {"features": relative_error(features, tensors["features"]), "scores": relative_error(scores, tensors["scores"])}
print(name, f"{len(state)} tensors", " ".join(f"{part} {error:.1e}" for part, error in errors.items()))
for part, error in errors.items():
    assert error <= tolerance, f"{part} differ by {error:.3e} of the largest value, more than {tolerance:.0e}"
