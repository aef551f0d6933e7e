"""`evaluate miou` on as many label maps as VOC's val list has, against the evaluation in the authors' stage 3: from the PNGs
of both sides to the scores."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
PAIRS, CLASSES, LARGEST_DIFFERENCE = 1449, 21, 1e-12
NAMES = {'miou': 'mIoU', 'fwiou': 'fwIoU', 'macc': 'mACC', 'pacc': 'pACC'}  # ours: theirs


def measure(context):
    from measure import Row, Worker, take_turns
    from program import Program
    tool, voc = context.need_clones(), context.need_shared('voc2012-subset')
    folder = context.scratch / 'miou'
    make_pairs(voc, folder)
    subprocess.run([context.program('prepare'), 'voc', '--root', folder, '--split', 'val=val', '--output', folder / 'dataset.h5',
                    '--quiet'], check=True)
    command = [context.program('evaluate'), 'miou', '--dataset', folder / 'dataset.h5', '--predictions', folder / 'predictions',
               '--json', folder / 'ours.json', '--key', 'x', '--quiet', '--threads']
    ours = [Program('boxseg', context, [*command, str(threads)]) for threads in (1, 2)]
    theirs = Worker("authors' SemSegEvaluator", [context.python, __file__, tool, folder])  # has one thread
    take_turns([*ours, theirs], context.rounds)
    compared = compare(json.loads((folder / 'ours.json').read_text()), json.loads((folder / 'theirs.json').read_text()))
    for threads, worker in zip((1, 2), ours):
        yield Row(f'evaluate miou: {PAIRS:,} pairs of PNGs of VOC', threads, worker.seconds, {theirs.name: theirs.seconds},
                  memory_mb=(round(worker.peak_mb, 1), round(theirs.peak_mb, 1)), compared=compared, required=10,
                  note='theirs on one thread, without the start of Python')


def make_pairs(voc, folder):
    """A VOC folder that repeats the subset, and a prediction for each of its masks: the truth moved by some pixels, void
    filled, with rectangles of other classes upon it."""
    import numpy
    from PIL import Image
    from repeated import repeat
    random = numpy.random.default_rng(0)
    (folder / 'predictions').mkdir(parents=True)
    for name, old in repeat(voc, folder, {'val': PAIRS}):
        truth = Image.open(voc / 'SegmentationClassAug' / f'{old}.png')
        labels = numpy.roll(numpy.array(truth), random.integers(-9, 10, 2), (0, 1))
        labels[labels == 255] = random.integers(0, CLASSES)
        for _ in range(random.integers(0, 4)):
            (y0, y1), (x0, x1) = (numpy.sort(random.integers(0, side, 2)) for side in labels.shape)
            labels[y0:y1, x0:x1] = random.integers(0, CLASSES)
        prediction = Image.fromarray(labels)
        prediction.putpalette(truth.getpalette())
        prediction.save(folder / 'predictions' / f'{name}.png')


def compare(ours, theirs):
    """Text for Row.compared; raises where a number differs by more than the rounding of its last steps."""
    pairs = [(name, ours[f'x/{name}'], theirs[their]) for name, their in NAMES.items()]
    for kind, their in (('per_class', 'per IoU'), ('per_class_accuracy', 'per Acc')):
        pairs += [(name, value, theirs[their][name.split('/')[-1]]) for name, value in
                  ((f'{kind}/{c}', ours[f'x/{kind}/{c}']) for c in theirs['classes'])]
    for name, a, b in pairs:
        if not abs(a - b) <= LARGEST_DIFFERENCE * abs(b):
            raise RuntimeError(f'{name}: {a!r}, where the authors\' evaluation has {b!r}; they should be equal')
    equal = sum(a == b for _, a, b in pairs)
    return f'{len(pairs)} numbers, {equal} of them bit for bit, all within {LARGEST_DIFFERENCE:g}; mIoU {ours["x/miou"]:.4f}'


def peer(script, folder):
    """Their evaluator, fed with maps that are read as their VOC_mask reads them."""
    import numpy
    from PIL import Image
    from authors import load_tool
    from measure import serve
    tool = load_tool(script)
    tool.prepare(1)
    from datasets.voc import CLASSES as names
    from utils.sem_seg_evaluation import SemSegEvaluator
    folder = pathlib.Path(folder)
    ids = (folder / 'ImageSets/Segmentation/val.txt').read_text().split()
    last = {}

    def read(kind, name):
        return numpy.array(Image.open(folder / kind / f'{name}.png'), dtype=numpy.int64)

    def work():
        evaluator = SemSegEvaluator(CLASSES)
        evaluator.reset()
        for name in ids:
            evaluator.process(read('predictions', name), read('SegmentationClassAug', name))
        last.update(evaluator.evaluate())

    def finish():
        lists = {their: dict(zip(names, last[their].tolist())) for their in ('per IoU', 'per Acc')}
        numbers = {their: float(last[their]) for their in NAMES.values()}
        (folder / 'theirs.json').write_text(json.dumps({'classes': names, **lists, **numbers}))

    serve(work, finish)


if __name__ == '__main__':
    peer(*sys.argv[1:])
