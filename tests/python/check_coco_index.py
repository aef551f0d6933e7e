"""Compares the masks and boxes of `prepare coco` with pycocotools, for coco_index_test.cpp.

Usage: check_coco_index.py PREPARE FOLDER IMAGES

With more than 10000 images it asks for the number of boxes and the memory that it takes, and for no mask.
"""
import contextlib
import io
import json
import pathlib
import resource
import subprocess
import sys

import numpy
from PIL import Image
from pycocotools import mask as masks
from pycocotools.coco import COCO

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / 'bench'))
import coco_annotations

VOID = 255


def with_every_form(path):
    """Some polygons as compressed run lengths, which COCO has in results alone, and some categories in another order."""
    file = json.loads(path.read_text())
    size_of = {image['id']: (image['height'], image['width']) for image in file['images']}
    for annotation in file['annotations'][::7]:
        if annotation['iscrowd'] == 0:
            size = size_of[annotation['image_id']]
            run_lengths = masks.merge(masks.frPyObjects(annotation['segmentation'], *size))
            annotation['segmentation'] = {'size': list(size), 'counts': run_lengths['counts'].decode()}
    file['categories'].reverse()
    path.write_text(json.dumps(file))


def expected(coco, image_id):
    """The smaller object on top, of equal ones the later; crowds as void."""
    image = coco.imgs[image_id]
    labels = numpy.zeros((image['height'], image['width']), numpy.uint8)
    number_of = {category: n for n, category in enumerate(sorted(coco.cats), 1)}
    objects = [(coco.annToMask(a), VOID if a['iscrowd'] else number_of[a['category_id']]) for a in coco.imgToAnns[image_id]]
    for mask, value in sorted(objects, key=lambda o: -int(o[0].sum())):
        labels[mask == 1] = value
    return labels


def shown_by(prepare, index, wanted):
    shown = subprocess.run([prepare, 'show', index], check=True, capture_output=True, text=True).stdout
    for line in wanted:
        if line not in shown:
            sys.exit(f'prepare show lacks "{line}":\n{shown}')


def compare_masks(prepare, folder, images):
    annotations, index, drawn = folder / 'instances.json', folder / 'dataset.h5', folder / 'masks'
    coco_annotations.write(images, annotations)
    with_every_form(annotations)
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(annotations))
    subprocess.run([prepare, 'coco', '--quiet', '--no-image-check', '--images', folder, '--annotations', annotations,
                    '--split', 'train', '--masks', drawn, '--output', index], check=True)
    crowds = sum(a['iscrowd'] for a in coco.anns.values())
    shown_by(prepare, index, [f'{len(coco.anns)} boxes ({crowds} crowds), {images} images with a mask',
                              f'split train: {images} images'] +
             [f'class {number:3} {coco.cats[category]["name"]:<16} {sum(a["category_id"] == category for a in coco.anns.values())} boxes'
              for number, category in enumerate(sorted(coco.cats), 1)])
    void = 0
    for image_id in coco.imgs:
        path = drawn / f'{image_id:012}'[:-3] / f'{image_id:012}.png'
        image = Image.open(path)
        if image.mode != 'P' or image.getpalette()[3:6] != [128, 0, 0]:
            sys.exit(f'{path}: is no PNG with the palette of VOC')
        labels, wanted = numpy.array(image), expected(coco, image_id)
        if labels.shape != wanted.shape or (labels != wanted).any():
            sys.exit(f'{path}: differs from the masks of pycocotools')
        void += int((labels == VOID).sum())
    if void == 0:
        sys.exit('no crowd among the images: nothing was compared of them')
    print(f'prepare coco: {len(coco.anns)} annotations of {images} images have the pixels of pycocotools, {void} of them void')


def measure(prepare, folder, images):
    """At the size of train2017, where reading all as objects of Python would take gigabytes."""
    annotations, index = folder / 'instances.json', folder / 'dataset.h5'
    count = coco_annotations.write(images, annotations)
    subprocess.run([prepare, 'coco', '--no-image-check', '--skip-unannotated', '--images', folder, '--annotations', annotations,
                    '--split', 'train', '--output', index], check=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    bare = -(-images // 116)
    shown_by(prepare, index, [f'{count} boxes (', f'split train: {images - bare} images'])
    print(f'prepare coco: {annotations.stat().st_size >> 20} MB of {images} images in {usage.ru_utime + usage.ru_stime:.1f} CPU s and '
          f'{usage.ru_maxrss >> 10} MB')
    if usage.ru_maxrss > 1500 << 10:
        sys.exit('that is more than 1500 MB')


prepare, folder, images = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
(measure if images > 10_000 else compare_masks)(prepare, folder, images)
