"""Compares `evaluate coco` with pycocotools on seeded random files, bit for bit, for coco_test.cpp.

Usage: check_coco.py EVALUATE FOLDER CASES
"""
import contextlib
import io
import json
import pathlib
import subprocess
import sys

import numpy
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = "AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl".split()


def rle_of(segmentation, height, width):
    if isinstance(segmentation, list):
        return masks.merge(masks.frPyObjects(segmentation, height, width))
    return masks.frPyObjects(segmentation, height, width) if isinstance(segmentation["counts"], list) else segmentation


class Case:
    """Truth and detections with every form of mask, crowds, ties, empty images, foreign categories, objects of all sizes."""

    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)
        r = self.random
        self.categories = [int(c) for c in sorted(r.choice(90, int(r.integers(1, 8)), replace=False) + 1)]
        self.images = [dict(id=int(i), width=int(r.integers(5, 200)), height=int(r.integers(5, 200)))
                       for i in r.permutation(1000)[:int(r.integers(1, 40))]]
        self.truth, self.detections = [], []
        self.next_id = int(r.integers(0, 2))  # 0 is an id that pycocotools takes for none
        for image in self.images:
            for _ in range(int(r.integers(0, 12))):
                self.add_object(image)
            for _ in range(int(r.integers(0, 15))):
                self.add_detection(image)
        self.detections = self.detections or [self.detection(self.images[0], self.blocks(self.images[0]), self.categories[0])]
        if seed % 3 == 2:  # with boxes, which then decide area and, in the absence of masks, everything
            for d in self.detections:
                d["bbox"] = [float(v) + float(r.normal()) for v in masks.toBbox(d["segmentation"])]
                if r.random() < 0.1:
                    del d["segmentation"]

    def blocks(self, image):
        r = self.random
        mask = numpy.zeros((image["height"], image["width"]), numpy.uint8)
        for _ in range(int(r.integers(1, 3))):
            y, x = sorted(r.integers(0, image["height"] + 1, 2)), sorted(r.integers(0, image["width"] + 1, 2))
            mask[y[0]:y[1], x[0]:x[1]] = 1
        return mask ^ (r.random(mask.shape) < 0.1) if r.random() < 0.2 else mask

    def polygons(self, image):
        r = self.random
        for _ in range(int(r.integers(1, 3))):
            n = int(r.integers(3, 9))
            points = numpy.stack([r.uniform(-2, image["width"] + 2, n), r.uniform(-2, image["height"] + 2, n)], 1)
            points = numpy.round(points) if r.random() < 0.3 else points
            if r.random() < 0.2:
                points[1] = points[0]
            yield [float(v) for v in points.ravel()]

    def segmentation(self, image):
        kind = int(self.random.integers(0, 3))
        if kind == 0:
            return list(self.polygons(image))
        mask, size = self.blocks(image), [image["height"], image["width"]]
        if kind == 1:
            return dict(size=size, counts=masks.encode(numpy.asfortranarray(mask, numpy.uint8))["counts"].decode())
        changes = numpy.flatnonzero(numpy.diff(numpy.concatenate([[0], mask.ravel(order="F")])))
        return dict(size=size, counts=[int(n) for n in numpy.diff(numpy.concatenate([[0], changes, [mask.size]]))])

    def add_object(self, image):
        r = self.random
        segmentation = self.segmentation(image)
        rle = rle_of(segmentation, image["height"], image["width"])
        self.truth.append(dict(id=self.next_id, image_id=image["id"], category_id=int(r.choice(self.categories)),
                               segmentation=segmentation, area=float(masks.area(rle)) * float(r.choice([1, 1, 10])),
                               bbox=[float(v) for v in masks.toBbox(rle)], iscrowd=int(r.random() < 0.1)))
        self.next_id += 1

    def detection(self, image, mask, category):
        rle = masks.encode(numpy.asfortranarray(mask, numpy.uint8))
        score = float(numpy.round(self.random.random(), int(self.random.integers(1, 4))))
        return dict(image_id=image["id"], category_id=category, score=score,
                    segmentation=dict(size=[image["height"], image["width"]], counts=rle["counts"].decode()))

    def add_detection(self, image):
        r = self.random
        near = [t for t in self.truth if t["image_id"] == image["id"]]
        mask, category = self.blocks(image), int(r.choice(self.categories + [99]))
        if near and r.random() < 0.6:
            truth = near[int(r.integers(0, len(near)))]
            mask = masks.decode(rle_of(truth["segmentation"], image["height"], image["width"]))
            mask = numpy.roll(mask, int(r.integers(-3, 4)), 0) if r.random() < 0.7 else mask
            category = truth["category_id"]
        self.detections.append(self.detection(image, mask, category))


def as_some_write_it(case, seed):
    """The same numbers in forms that people's files have: flags as true or 1.0, names of files for ids, points after polygons."""
    r = case.random
    for truth in case.truth:
        truth["iscrowd"] = [int, bool, float][int(r.integers(0, 3))](truth["iscrowd"])
        if isinstance(truth["segmentation"], list) and r.random() < 0.3:
            truth["segmentation"].append([float(v) for v in r.uniform(0, 50, int(r.choice([0, 2, 4])))])
    if seed % 4 == 1:
        for entry, field in [(i, "id") for i in case.images] + [(o, "image_id") for o in case.truth + case.detections]:
            entry[field] = f"{entry[field]}.jpg"


def pycocotools_stats(truth, detections, kind):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(truth))
        evaluation = COCOeval(coco, coco.loadRes(str(detections)), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return [None if s < 0 else 100 * float(s) for s in evaluation.stats]


evaluate, folder, cases = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
truth, detections, numbers = folder / "truth.json", folder / "detections.json", folder / "numbers.json"
compared = 0
for seed in range(cases):
    case = Case(seed)
    if seed % 2 == 1:
        as_some_write_it(case, seed)
    truth.write_text(json.dumps(dict(images=case.images, annotations=case.truth,
                                     categories=[dict(id=c, name=f"class {c}") for c in case.categories])))
    detections.write_text(json.dumps(case.detections))
    for kind in ("segm", "bbox"):
        subprocess.run([evaluate, "coco", "--ground-truth", truth, "--detections", detections, "--type", kind, "--json", numbers,
                        "--key", "coco", "--quiet"], check=True, stdout=subprocess.DEVNULL)
        found = json.loads(numbers.read_text())
        ours, theirs = [found[f"coco/{name}"] for name in NAMES], pycocotools_stats(truth, detections, kind)
        assert ours == theirs, (seed, kind, [(n, a, b) for n, a, b in zip(NAMES, ours, theirs) if a != b])
        compared += sum(value is not None for value in ours)
assert compared > 10 * cases
print(f"{cases} cases, {compared} numbers equal")
