"""What COCO's own API makes of exported masks: read_masks.py MASKS.json BOXES.json"""
import json
import sys

import numpy as np
from pycocotools.coco import COCO

masks, boxes = COCO(sys.argv[1]), json.load(open(sys.argv[2], encoding='utf-8'))
assert {a['id'] for a in boxes['annotations']} == set(masks.anns), 'other ids'
for annotation in masks.anns.values():
    image = masks.imgs[annotation['image_id']]
    mask = masks.annToMask(annotation)
    assert mask.shape == (image['height'], image['width']), mask.shape
    x, y, w, h = annotation['bbox']
    outside = mask.copy()
    outside[int(y):int(y + h), int(x):int(x + w)] = 0
    assert outside.sum() == 0, f'{annotation["id"]}: {outside.sum()} pixels outside its box'
    print(annotation['id'], int(mask.sum()), int(annotation['area']))
results = [dict(image_id=a['image_id'], category_id=a['category_id'], score=a['score'], segmentation=masks.annToRLE(a))
           for a in masks.anns.values()]
loaded = masks.loadRes(results)
assert len(loaded.anns) == len(masks.anns)
