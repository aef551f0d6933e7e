"""Inputs of any size for scaling.py: photographs scaled up, probabilities, photographs full of boxes, long lists of images."""
import subprocess

import numpy
from PIL import Image

Image.MAX_IMAGE_PIXELS = None  # 50 Mpx are no attack
CLASSES = ('aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep '
           'sofa train tvmonitor').split()
SIZE = '<size><width>500</width><height>375</height><depth>3</depth></size>'


def usual_photo(voc):
    """The first photograph of the val list that is 500 wide and 375 high."""
    names = (voc / 'ImageSets/Segmentation/val.txt').read_text().split()
    return next(p for p in (voc / 'JPEGImages' / f'{name}.jpg' for name in names) if Image.open(p).size == (500, 375))


def scaled_photo(photo, pixels, path):
    """Writes the photograph at about so many pixels; returns (height, width)."""
    image = Image.open(photo).convert('RGB')
    factor = (pixels / (image.width * image.height)) ** .5
    image = image.resize((round(image.width * factor), round(image.height * factor)), Image.BICUBIC)
    image.save(path, quality=95)
    return image.height, image.width


def probabilities(path, labels, height, width):
    """[K,H,W] float32 with soft borders: few drawn scores, interpolated."""
    random = numpy.random.default_rng(labels)
    scores = numpy.empty((labels, height, width), 'float32')
    for score in scores:
        few = Image.fromarray(random.normal(0, 3, (12, 16)).astype('float32'))
        score[:] = few.resize((width, height), Image.BILINEAR)
    scores -= scores.max(0)
    numpy.exp(scores, out=scores)
    scores /= scores.sum(0)
    numpy.save(path, scores)


def empty_probabilities(path, labels, height, width):
    """As large as the others, all 0 and without room on the disk: what is refused by its size need not make sense."""
    with open(path, 'wb') as file:
        numpy.lib.format.write_array_header_1_0(file, {'descr': '<f4', 'fortran_order': False, 'shape': (labels, height, width)})
        file.truncate(file.tell() + 4 * labels * height * width)


def photo_with_boxes(photo, folder, boxes, classes, copies):
    """A VOC folder of `copies` of one photograph, each with so many boxes of the first `classes` classes in turn. The first
    boxes are the same, whatever their number is; none reaches the right border, so some background is left."""
    for name in ('JPEGImages', 'Annotations', 'ImageSets/Segmentation'):
        (folder / name).mkdir(parents=True)
    random = numpy.random.default_rng(1)
    objects = ''
    for i in range(boxes):
        width, height = random.integers(20, 160, 2)
        x, y = random.integers(1, 470 - width), random.integers(1, 375 - height)
        objects += (f'<object><name>{CLASSES[i % classes]}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin>'
                    f'<xmax>{x + width}</xmax><ymax>{y + height}</ymax></bndbox></object>')
    for i in range(copies):
        (folder / f'JPEGImages/{i}.jpg').symlink_to(photo.resolve())
        (folder / f'Annotations/{i}.xml').write_text(f'<annotation>{SIZE}{objects}</annotation>')
    (folder / 'ImageSets/Segmentation/all.txt').write_text(''.join(f'{i}\n' for i in range(copies)))


def tiny_classifier(bin_folder, root, folder):
    """A classifier of one step on the VOC folder `root`; what its labels are worth does not matter to their cost."""
    dataset = folder / 'classifier.h5'
    index(bin_folder, root, dataset, 'none')
    subprocess.run([bin_folder / 'stage1_classify', '--dataset', dataset, '--split', 'all', '--backbone', 'tiny', '--crop', '97',
                    '--batch', '2', '--iterations', '1', '--milestones', '1', '--device', 'cpu', '--output', folder, '--quiet'],
                   check=True)
    return folder / 'classifier.pt'


def index(bin_folder, root, dataset, masks=None):
    subprocess.run(index_command(bin_folder, root, dataset, masks), check=True)


def index_command(bin_folder, root, dataset, masks=None):
    return [bin_folder / 'prepare', 'voc', '--root', root, '--split', 'all=all', '--output', dataset, '--quiet',
            *(['--masks', masks] if masks else [])]
