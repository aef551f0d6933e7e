"""DenseCRF on photographs of VOC 2012 against pydensecrf: the same probabilities, ten iterations."""
import json
import pathlib
import sys

PHOTOS = 20
# Deviations and weights as (w_b, s_xy, s_rgb, w_g, s_g): the report's for VOC, for COCO, and DeepLab's.
SETS = [(4, 55, 3, 3, 3), (4, 121, 5, 3, 3), (4, 67, 3, 3, 1)]
LABELS = [2, 3, 5, 21]


def make_input(path, photos, labels):
    """Photographs with probabilities such as boxes give: a blob per label, noise upon it, background elsewhere."""
    import h5py
    import numpy
    from PIL import Image
    random = numpy.random.default_rng(7)
    with h5py.File(path, 'w') as file:
        for i, photo in enumerate(photos):
            rgb = numpy.asarray(Image.open(photo).convert('RGB'))
            height, width = rgb.shape[:2]
            y, x = numpy.mgrid[:height, :width]
            score = random.normal(0, 0.5, (labels, height, width))
            score[0] += 1
            for label in range(1, labels):
                cy, cx = random.uniform(0.2, 0.8, 2) * (height, width)
                ry, rx = random.uniform(0.1, 0.3, 2) * (height, width)
                score[label] += numpy.where(((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1, 2.5, -1)
            score = numpy.exp(score - score.max(0))
            file[f'{i}/rgb'] = rgb
            file[f'{i}/probabilities'] = (score / score.sum(0)).astype('float32')


def measure(context):
    import h5py
    import numpy
    from measure import Row, Worker, take_turns
    voc = context.need_shared('voc2012-subset')
    ids = (voc / 'ImageSets/Segmentation/val.txt').read_text().split()
    photos = [p for p in (voc / 'JPEGImages' / f'{i}.jpg' for i in ids) if is_usual_size(p)][:PHOTOS]
    for labels in LABELS:
        data = context.scratch / f'crf{labels}.h5'
        make_input(data, photos, labels)
        for threads in (1, 2):
            for kernels in SETS:
                option = ','.join(map(str, kernels))
                ours, theirs = context.scratch / 'ours.h5', context.scratch / 'theirs.h5'
                yield compare(context, data, labels, threads, option, ours, theirs)
        data.unlink()


def compare(context, data, labels, threads, option, ours, theirs):
    import statistics
    import h5py
    from measure import Row, Worker, table
    workers = [Worker('boxseg', context.bench('crf', data, ours, option, threads), threads),
               Worker('pydensecrf2 1.1', [context.python, __file__, data, theirs, option], threads)]
    for worker in workers:
        worker.run()
    for _ in range(PHOTOS):  # a photograph each
        for worker in workers:
            worker.seconds.append(worker.run())
    for worker in workers:
        worker.close()
    with h5py.File(ours) as a, h5py.File(theirs) as b:
        differences = [(a[i]['labels'][()] != b[i]['labels'][()]).mean() for i in b]
    if max(differences) > 0.005:
        raise RuntimeError(f'labels differ at {100 * max(differences):.2f} % of the pixels of a photograph')
    wanted = ((2.5, 4) if labels < 21 else (2, 3))[threads - 1]
    row = Row(f'DenseCRF ({option}), C = {labels}', threads, workers[0].seconds, {workers[1].name: workers[1].seconds},
              compared=f'labels differ at {100 * max(differences):.3f} % of the pixels at most', required=wanted,
              memory_mb=(workers[0].peak_mb, workers[1].peak_mb), memory_required=2)
    slowest = min(row.ratios(workers[1].name))
    if slowest < 1:
        row.note = f'one photograph is slower: {slowest:.2f}'
    return row


def is_usual_size(path):
    from PIL import Image
    with Image.open(path) as image:
        return image.size == (500, 375)


def peer(data, output, option):
    """The worker of pydensecrf."""
    import h5py
    import numpy
    import pydensecrf.densecrf as dcrf
    from pydensecrf.utils import unary_from_softmax
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    from measure import serve
    w_b, s_xy, s_rgb, w_g, s_g = map(float, option.split(','))
    with h5py.File(data) as file:
        cases = [(numpy.ascontiguousarray(file[i]['rgb'][()]), file[i]['probabilities'][()])
                 for i in sorted(file, key=int)]
    turn, labels = [-1], [numpy.ones(p.shape[1:], 'uint8') for _, p in cases]  # taken before memory is measured

    def work():
        i = max(turn[0], 0)
        turn[0] += 1
        rgb, probabilities = cases[i]
        count, height, width = probabilities.shape
        crf = dcrf.DenseCRF2D(width, height, count)
        crf.setUnaryEnergy(unary_from_softmax(probabilities))
        crf.addPairwiseGaussian(sxy=s_g, compat=w_g)
        crf.addPairwiseBilateral(sxy=s_xy, srgb=s_rgb, rgbim=rgb, compat=w_b)
        labels[i][:] = numpy.argmax(crf.inference(10), axis=0).reshape(height, width)

    def finish():
        with h5py.File(output, 'w') as file:
            for i, map_ in enumerate(labels):
                file[f'{i}/labels'] = map_

    serve(work, finish)


if __name__ == '__main__':
    peer(*sys.argv[1:])
