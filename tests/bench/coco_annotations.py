#!/usr/bin/env python3
"""Writes an annotation file with the structure of COCO's instances_train2017.json, seeded, of any size.

Usage: coco_annotations.py IMAGES FILE.json

118287 images have some 800,000 annotations in 550 MB, as train2017 has 860,001 in 470 MB. Ids have gaps, one image in 116 has no
annotation, one object in 86 is a crowd with run lengths, one in 10 has two polygons."""
import json
import sys

import numpy

CATEGORIES = [i for i in range(1, 91) if i not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]
SIZES = [(640, 480), (640, 427), (480, 640), (500, 375)]


def ellipse(random, x, y, width, height):
    angles = numpy.linspace(0, 2 * numpy.pi, int(random.gamma(2, 14)) + 4, endpoint=False)
    points = numpy.stack([x + width / 2 * (1 + numpy.cos(angles)), y + height / 2 * (1 + numpy.sin(angles))], 1)
    return points.ravel().round(2).tolist()


def runs(random, pixels):
    ends = numpy.sort(random.choice(pixels, random.integers(50, 300), replace=False))
    return numpy.diff(numpy.concatenate([[0], ends, [pixels]])).tolist()


def annotations(random, ids, sizes):
    """Yields one after the other, since all together take gigabytes as objects of Python."""
    number = 0
    for n, (image, (w, h)) in enumerate(zip(ids, sizes)):
        for _ in range(0 if n % 116 == 0 else min(int(random.exponential(6.35)) + 1, 90)):
            number += 1
            width, height = max(4, w * random.beta(1, 3)), max(4, h * random.beta(1, 3))
            x, y = random.uniform(0, w - width), random.uniform(0, h - height)
            is_crowd = int(random.integers(86) == 0)
            if is_crowd:
                segmentation = {'counts': runs(random, w * h), 'size': [h, w]}
            elif number % 10 == 0:
                segmentation = [ellipse(random, x, y, width * .4, height),
                                ellipse(random, x + width * .5, y, width * .5, height * .6)]
            else:
                segmentation = [ellipse(random, x, y, width, height)]
            yield {'segmentation': segmentation, 'area': round(width * height * .78, 4), 'iscrowd': is_crowd, 'image_id': int(image),
                   'bbox': [round(float(v), 2) for v in (x, y, width, height)],
                   'category_id': int(CATEGORIES[random.integers(80)]), 'id': number + 1000}


def entry(image, size):
    return {'license': 4, 'file_name': f'{image:012}.jpg', 'coco_url': f'http://images.cocodataset.org/train2017/{image:012}.jpg',
            'height': size[1], 'width': size[0], 'date_captured': '2013-11-14 16:28:13',
            'flickr_url': f'http://farm4.staticflickr.com/3153/{image}_cbb4fd2{image % 1000}_z.jpg', 'id': int(image)}


def write(images, path):
    """Returns the number of annotations."""
    random = numpy.random.default_rng(2017)
    ids = numpy.sort(random.choice(581_921, images, replace=False) + 9)
    sizes = [SIZES[i] for i in random.integers(4, size=images)]
    count = 0
    with open(path, 'w') as file:
        file.write('{"info": {"description": "made up"}, "licenses": [{"id": 1}], "images": [')
        file.write(', '.join(json.dumps(entry(i, size)) for i, size in zip(ids, sizes)))
        file.write('], "annotations": [')
        for count, annotation in enumerate(annotations(random, ids, sizes), 1):
            file.write((', ' if count > 1 else '') + json.dumps(annotation))
        categories = [{'supercategory': f'kind {c % 12}', 'id': c, 'name': f'class {c}'} for c in CATEGORIES]
        file.write(f'], "categories": {json.dumps(categories)}}}')
    return count


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    print(sys.argv[1], 'images,', write(int(sys.argv[1]), sys.argv[2]), 'annotations')
