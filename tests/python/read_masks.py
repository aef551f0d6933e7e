"""What tools of others read in exported masks: COCO's own API, and supervision for YOLO and LabelMe.

Usage: read_masks.py coco MASKS.json BOXES.json [LABELS]
       read_masks.py yolo|labelme FOLDER BOXES.json LABELS PHOTOS
BOXES.json is the COCO file that the boxes came from. LABELS is the folder of label maps, NAME.png, whose masks were
exported with `--tolerance 0`: then each mask must have the label map's pixels.
"""
import contextlib
import io
import json
import pathlib
import sys
import types
import warnings

import numpy as np
from PIL import Image
from pycocotools.coco import COCO


def masks_of_boxes(boxes, labels):
    """Of each annotation, by its id, the pixels of its class in its box, and in no smaller one of that class."""
    classes = {category['id']: number for number, category in enumerate(boxes['categories'], 1)}
    masks = {}
    for image in boxes['images']:
        pixels = np.array(Image.open(labels / pathlib.Path(image['file_name']).with_suffix('.png')))
        own = [a for a in boxes['annotations'] if a['image_id'] == image['id']]
        for annotation in sorted(own, key=lambda a: a['bbox'][2] * a['bbox'][3]):
            x, y, w, h = map(int, annotation['bbox'])
            mask = np.zeros(pixels.shape, bool)
            mask[y:y + h, x:x + w] = pixels[y:y + h, x:x + w] == classes[annotation['category_id']]
            masks[annotation['id']] = mask
            pixels = np.where(mask, 0, pixels)
    return masks


def check_coco(path, boxes, expected):
    with contextlib.redirect_stdout(io.StringIO()):
        masks = COCO(path)
        results = [dict(image_id=a['image_id'], category_id=a['category_id'], score=a['score'],
                        segmentation=masks.annToRLE(a)) for a in masks.anns.values()]
        loaded = masks.loadRes(results)
    assert {a['id'] for a in boxes['annotations']} == set(masks.anns), 'other ids'
    assert len(loaded.anns) == len(masks.anns)
    for annotation, result in zip(masks.anns.values(), loaded.anns.values()):
        image = masks.imgs[annotation['image_id']]
        mask = masks.annToMask(annotation).astype(bool)
        assert mask.shape == (image['height'], image['width']), mask.shape
        assert (loaded.annToMask(result) == mask).all(), 'not what was given to loadRes()'
        x, y, w, h = map(int, annotation['bbox'])
        outside = mask.copy()
        outside[y:y + h, x:x + w] = False
        assert not outside.any(), f'{annotation["id"]}: {outside.sum()} pixels outside its box'
        if expected:
            wrong = int((mask != expected[annotation['id']]).sum())
            assert wrong == 0, f'{annotation["id"]}: {wrong} pixels are not those of the label map'
            assert annotation['area'] == mask.sum()
    print(f'COCO: {len(masks.anns)} masks', 'with the pixels of the label maps' if expected else '')


def import_supervision():
    """supervision, without what it imports for other work than reading files: SciPy alone has 113 MB."""
    for name in ('requests', 'scipy', 'scipy.interpolate', 'scipy.spatial'):
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__getattr__ = lambda attribute: None  # what is called of it fails
    warnings.simplefilter('ignore')  # of OpenCV, whose rules for filling polygons it follows without
    import supervision
    return supervision


def with_border(mask):
    """OpenCV counts the border of a polygon in, pixels as points: those below and to the right of the mask, too."""
    padded = np.pad(mask, ((1, 0), (1, 0)))
    return padded[1:, 1:] | padded[:-1, 1:] | padded[1:, :-1] | padded[:-1, :-1]


def near_bridges(ring, shape):
    """The pixels beside sides that a ring walks there and back: they hold nothing, but OpenCV draws them as border."""
    sides = {(tuple(a), tuple(b)) for a, b in zip(ring, np.roll(ring, -1, 0)) if tuple(a) != tuple(b)}
    y, x = np.mgrid[:shape[0], :shape[1]]
    near = np.zeros(shape, bool)
    for a, b in sides:
        if (b, a) in sides:
            dx, dy = b[0] - a[0], b[1] - a[1]
            t = np.clip(((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy), 0, 1)
            near |= np.hypot(x - a[0] - t * dx, y - a[1] - t * dy) < 1
    return near


def check_read_by_supervision(what, boxes, expected, names, detections, rings_of):
    """detections: of each photograph, by its name. rings_of(image, i): the polygons of its mask i, as in the file."""
    categories, shares = {category['id']: category['name'] for category in boxes['categories']}, []
    for image in boxes['images']:
        name = image['file_name']
        own = [a for a in boxes['annotations'] if a['image_id'] == image['id'] and expected[a['id']].any()]
        found = detections[name]
        assert len(found) == len(own), f'{name}: {len(found)} masks in place of {len(own)}'
        for i, annotation in enumerate(own):
            mask, ours = found.mask[i], expected[annotation['id']]
            assert names[found.class_id[i]] == categories[annotation['category_id']]
            bridges = np.any([near_bridges(ring, mask.shape) for ring in rings_of(image, i)], 0)
            wrong = int(((mask != with_border(ours)) & ~bridges).sum()) + int((ours & ~mask).sum())
            assert wrong == 0, f'{name}, mask {i}: {wrong} pixels are not those of the label map and its border'
            shares.append(ours.sum() / mask.sum())
    print(f'{what}: {len(shares)} masks with the pixels of the label maps and their border;',
          f'these pixels are {min(shares):.2f} to {max(shares):.2f} of each')


def check_yolo(folder, boxes, expected, photos):
    supervision = import_supervision()
    data = supervision.DetectionDataset.from_yolo(str(photos), str(folder / 'labels'), str(folder / 'data.yaml'))

    def rings_of(image, i):
        line = (folder / 'labels' / image['file_name']).with_suffix('.txt').read_text().splitlines()[i]
        ring = np.array(line.split()[1:], float).reshape(-1, 2) * (image['width'], image['height'])
        return [np.round(ring).astype(int)]

    detections = {pathlib.Path(path).name: found for path, found in data.annotations.items()}
    check_read_by_supervision('YOLO', boxes, expected, data.classes, detections, rings_of)


def check_labelme(folder, boxes, expected, photos):
    """Of files that boxes came from, their rectangles stand before the masks."""
    supervision = import_supervision()
    data = supervision.DetectionDataset.from_labelme(str(photos), str(folder))

    def polygons_of(image):
        shapes = json.loads((folder / image['file_name']).with_suffix('.json').read_text(encoding='utf-8'))['shapes']
        return [shape for shape in shapes if shape['shape_type'] == 'polygon']

    def rings_of(image, i):
        groups = list(dict.fromkeys(shape['group_id'] for shape in polygons_of(image)))
        return [np.array(s['points'], int) for s in polygons_of(image) if s['group_id'] == groups[i]]

    detections = {}
    for path, found in data.annotations.items():
        image = next(image for image in boxes['images'] if image['file_name'] == pathlib.Path(path).name)
        masks = len({shape['group_id'] for shape in polygons_of(image)})
        detections[image['file_name']] = found[len(found) - masks:]
    check_read_by_supervision('LabelMe', boxes, expected, data.classes, detections, rings_of)


def main():
    kind, exported, boxes, *rest = sys.argv[1:]
    boxes = json.loads(pathlib.Path(boxes).read_text(encoding='utf-8'))
    expected = masks_of_boxes(boxes, pathlib.Path(rest[0])) if rest else None
    if kind == 'coco':
        check_coco(exported, boxes, expected)
    else:
        check = {'yolo': check_yolo, 'labelme': check_labelme}[kind]
        check(pathlib.Path(exported), boxes, expected, pathlib.Path(rest[1]))


main()
