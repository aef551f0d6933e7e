"""What pycocotools makes of the results of stage2_pseudolabel --instances, for instances_test.cpp.

Usage: check_instances.py EVALUATE FOLDER KIND LABELS RESULTS
KIND: per_box or per_class; LABELS: Y_crf; RESULTS: instances.json. FOLDER takes files of our own.
"""
import contextlib
import io
import json
import pathlib
import subprocess
import sys

import numpy
from PIL import Image
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

NAMES = "AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl".split()
evaluate, folder, kind, labels, file = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4]), sys.argv[5]
results = json.loads(pathlib.Path(file).read_text(encoding="utf-8"))

# Run lengths and boxes are what pycocotools itself makes of the pixels.
for result in results:
    pixels = masks.decode(result["segmentation"])
    again = masks.encode(numpy.asfortranarray(pixels))
    assert again["counts"].decode() == result["segmentation"]["counts"] and again["size"] == result["segmentation"]["size"]
    assert masks.toBbox(again).tolist() == result["bbox"]

# The masks of an image are its label map: image 900 - 3 i is the i-th, classes 1 to 3 have the ids 3, 70 and 21.
names = {900 - 3 * i: f"folder/image {i}" if i % 2 else f"image_{i}" for i in range(12)}
for image, name in names.items():
    truth = numpy.asarray(Image.open(labels / f"{name}.png"))
    together = numpy.zeros_like(truth)
    for result in (r for r in results if r["image_id"] == image):
        pixels = masks.decode(result["segmentation"]).astype(bool)
        assert not together[pixels].any()
        together[pixels] = [3, 70, 21].index(result["category_id"]) + 1
    assert (together == truth).all(), name
    classes = [r["category_id"] for r in results if r["image_id"] == image]
    if kind == "per_class":
        assert len(set(classes)) == len(classes)

# A truth near the results, so that some are right, some are wrong, and some are missed.
random = numpy.random.default_rng(0)
objects = []
for result in results:
    pixels = masks.decode(result["segmentation"])
    moved = numpy.roll(pixels, int(random.integers(-2, 3)), int(random.integers(0, 2)))
    rle = masks.encode(numpy.asfortranarray(moved))
    if random.random() < 0.8:
        objects.append(dict(id=len(objects) + 1, image_id=result["image_id"], iscrowd=int(random.random() < 0.1),
                            category_id=result["category_id"], area=float(masks.area(rle)), bbox=masks.toBbox(rle).tolist(),
                            segmentation=dict(size=rle["size"], counts=rle["counts"].decode())))
truth = folder / "truth.json"
truth.write_text(json.dumps(dict(images=[dict(id=i, width=64, height=48) for i in names], annotations=objects,
                                 categories=[dict(id=c, name=f"class {c}") for c in (3, 21, 70)])))
for what in ("segm", "bbox"):
    numbers = folder / "numbers.json"
    subprocess.run([evaluate, "coco", "--ground-truth", truth, "--detections", file, "--type", what, "--json", numbers, "--key", "coco",
                    "--quiet"], check=True, stdout=subprocess.DEVNULL)
    found = json.loads(numbers.read_text())
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(truth))
        evaluation = COCOeval(coco, coco.loadRes(file), what)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    theirs = [None if s < 0 else 100 * float(s) for s in evaluation.stats]
    assert [found[f"coco/{name}"] for name in NAMES] == theirs, (what, found, theirs)
    assert 5 < theirs[0] < 99, theirs
print(f"{kind}: {len(results)} results, AP as pycocotools")
