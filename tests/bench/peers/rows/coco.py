"""`evaluate coco` on masks, as many as COCO val2017 has, against pycocotools and two that call themselves fast."""
import json
import pathlib
import subprocess
import sys

IMAGES, TRUTHS, DETECTIONS, CATEGORIES = 5000, 36000, 44000, 80
PEERS = {'pycocotools': 'pycocotools 2.0.11', 'hotcoco': 'hotcoco 1.3.0', 'ultrafast_pycocotools': 'ultrafast-pycocotools 0.1.14'}
NAMES = 'AP AP50 AP75 APs APm APl AR1 AR10 AR100 ARs ARm ARl'.split()


class MadeUp:
    """Objects as blobs with a wavy outline: polygons as truth (one in a hundred a crowd's run lengths), and detections
    that are mostly such an object moved, scaled and cut off a little, else found where nothing is."""

    def __init__(self, seed=0):
        import numpy
        self.random = numpy.random.default_rng(seed)
        shapes = [(640, 480), (480, 640), (640, 427), (427, 640), (500, 375), (640, 640)]
        self.images = [dict(id=10 * i + 9, width=shapes[s][0], height=shapes[s][1], file_name=f'{i:012}.jpg')
                       for i, s in enumerate(self.random.choice(len(shapes), IMAGES, p=[.35, .15, .25, .1, .1, .05]))]
        self.truths, self.detections = [], []

    def outline(self, image):
        """Centre, radii and the waves of a blob; areas spread evenly over orders of magnitude from 100 pixels on."""
        r = self.random
        area = 10 ** r.uniform(2, 5)
        ratio = 2 ** r.uniform(-1, 1)
        radii = ((area / 3.14 * ratio) ** .5, (area / 3.14 / ratio) ** .5)
        waves = [(k, a, p) for k, a, p in zip((2, 3, 5, 9), r.uniform(0, .15, 4), r.uniform(0, 6.28, 4))]
        return dict(x=r.uniform(0, image['width']), y=r.uniform(0, image['height']), radii=radii, waves=waves,
                    points=int(min(90, 10 + radii[0] * r.uniform(.3, .6))))

    def polygon(self, blob, image):
        import numpy
        angle = numpy.linspace(0, 6.2832, blob['points'], endpoint=False)
        radius = 1 + sum(a * numpy.sin(k * angle + p) for k, a, p in blob['waves'])
        x = numpy.clip(blob['x'] + blob['radii'][0] * radius * numpy.cos(angle), 0, image['width'])
        y = numpy.clip(blob['y'] + blob['radii'][1] * radius * numpy.sin(angle), 0, image['height'])
        return numpy.round(numpy.stack([x, y], 1).ravel(), 2).tolist()

    def add_truth(self, image):
        from pycocotools import mask
        r = self.random
        blob = self.outline(image)
        blob['category'] = int(r.integers(0, CATEGORIES) * r.uniform(.2, 1))  # the first are the most frequent
        polygons = [self.polygon(blob, image)]
        if r.random() < .08:  # in two parts
            polygons.append(self.polygon({**blob, 'x': blob['x'] + 1.8 * blob['radii'][0]}, image))
        rle = mask.merge(mask.frPyObjects(polygons, image['height'], image['width']))
        area = float(mask.area(rle))
        if area < 20:
            return self.add_truth(image)
        is_crowd = bool(r.random() < .01)
        segmentation = dict(size=[image['height'], image['width']], counts=self.runs(mask.decode(rle))) if is_crowd else polygons
        self.truths.append(dict(id=len(self.truths) + 1, image_id=image['id'], category_id=blob['category'] + 1, iscrowd=int(is_crowd),
                                area=area, bbox=mask.toBbox(rle).tolist(), segmentation=segmentation))
        return blob

    def runs(self, pixels):
        import numpy
        flat = pixels.ravel(order='F')
        changes = numpy.flatnonzero(numpy.diff(flat, prepend=0))
        return numpy.diff(numpy.concatenate([[0], changes, [flat.size]])).tolist()

    def add_detection(self, blob, image):
        """Networks find masks with ragged edges: more corners, noise upon them."""
        from pycocotools import mask
        r = self.random
        moved = {**blob, 'points': int(blob['points'] * 2.5), 'waves': blob['waves'] + [(31, r.uniform(0, .05), 0), (47, r.uniform(0, .03), 1)]}
        quality = r.uniform(.02, .35)
        moved['x'] += r.normal(0, quality) * blob['radii'][0]
        moved['y'] += r.normal(0, quality) * blob['radii'][1]
        moved['radii'] = tuple(radius * 2 ** r.normal(0, quality) for radius in blob['radii'])
        rle = mask.frPyObjects([self.polygon(moved, image)], image['height'], image['width'])[0]
        if mask.area(rle) == 0:
            return self.add_detection(blob, image)
        self.detections.append(dict(
            image_id=image['id'], category_id=blob['category'] + 1 if r.random() < .9 else int(r.integers(1, CATEGORIES + 1)),
            segmentation=dict(size=rle['size'], counts=rle['counts'].decode()), score=round(float(r.beta(1, .3 + 4 * quality)), 5)))

    def write(self, truth, detections):
        r = self.random
        per_image = r.multinomial(TRUTHS, r.dirichlet([1.2] * IMAGES))
        found = r.multinomial(DETECTIONS, (per_image + 1) / (per_image + 1).sum())
        for image, objects, answers in zip(self.images, per_image, found):
            blobs = [self.add_truth(image) for _ in range(objects)]
            for i in range(answers):
                blob = blobs[i] if i < len(blobs) else self.outline(image) | {'category': int(r.integers(0, CATEGORIES))}
                self.add_detection(blob, image)
        categories = [dict(id=k + 1, name=f'class {k}') for k in range(CATEGORIES)]
        truth.write_text(json.dumps(dict(images=self.images, annotations=self.truths, categories=categories)))
        detections.write_text(json.dumps(self.detections))


def measure(context):
    from measure import Worker, row_of, take_turns
    from program import Program
    truth, detections = context.scratch / 'truth.json', context.scratch / 'detections.json'
    MadeUp().write(truth, detections)
    command = [context.program('evaluate'), 'coco', '--ground-truth', truth, '--detections', detections, '--type', 'segm', '--quiet']
    for threads in (1, 2):
        ours = our_numbers([*command, '--threads', str(threads)], context.scratch / 'ours.json')
        workers = [Program('boxseg', context, [*command, '--threads', str(threads)])]
        answers = {}
        for module, name in PEERS.items():
            if module == 'pycocotools' and threads > 1:
                continue  # has one thread
            answers[name] = context.scratch / f'{module}.json'
            workers.append(Worker(name, [context.python, __file__, module, truth, detections, answers[name]], threads))
        take_turns(workers, context.rounds)
        if threads == 1:
            wanted = json.loads(answers[PEERS['pycocotools']].read_text())
        yield row_of('evaluate coco, masks: 5,000 images, 36,000 truths, 44,000 detections', threads, workers[0], workers[1:],
                     compared=compare(wanted, ours, {name: json.loads(path.read_text()) for name, path in answers.items()}), required=1)


def our_numbers(command, path):
    subprocess.run([*command, '--json', path, '--key', 'x'], check=True, stdout=subprocess.DEVNULL)
    found = json.loads(path.read_text())
    return [found[f'x/{name}'] for name in NAMES] + [found[f'x/AP_of/class {k}'] for k in range(CATEGORIES)]


def compare(wanted, ours, peers):
    """Ours must be the very numbers of pycocotools; of the others it is told."""
    if ours != wanted:
        raise RuntimeError(f'numbers differ from pycocotools\': {[(a, b) for a, b in zip(ours, wanted) if a != b][:5]}')
    told = f'{len(ours)} numbers equal to pycocotools\' bit for bit'
    for name, numbers in peers.items():
        different = sum(a != b for a, b in zip(numbers, wanted))
        if different:
            told += f'; {name} differs in {different} of them, by {max(abs(a - b) for a, b in zip(numbers, wanted)):.2g} points at most'
    return told


def peer(module, truth, detections, output):
    """The worker of a peer: reads both files each time."""
    import importlib
    import numpy
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    from measure import serve
    coco_class = importlib.import_module(module + '.coco' if module == 'pycocotools' else module).COCO
    evaluator_class = importlib.import_module(module + '.cocoeval' if module == 'pycocotools' else module).COCOeval
    last = []

    def work():
        coco = coco_class(truth)
        evaluator = evaluator_class(coco, coco.loadRes(detections), 'segm')
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
        last[:] = [evaluator]

    def finish():
        precision = numpy.asarray(last[0].eval['precision'])
        chosen = [precision[:, :, k, 0, 2] for k in range(CATEGORIES)]
        shares = list(last[0].stats) + [numpy.mean(p[p > -1]) if (p > -1).any() else -1 for p in chosen]
        pathlib.Path(output).write_text(json.dumps([None if s < 0 else 100 * float(s) for s in shares]))

    serve(work, finish)


if __name__ == '__main__':
    peer(*sys.argv[1:])
