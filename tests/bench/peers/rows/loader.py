"""From a JPEG to an augmented training tensor, on one thread, against the authors' VOC_box and its transforms: the same
photographs with the same draws."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
PHOTOS, CROP = 60, 321  # three batches: an epoch holds whole ones only


def measure(context):
    from measure import Worker, agreement, row_of, take_turns
    tool, voc = context.need_clones(), context.need_shared('voc2012-subset')
    folder = context.scratch / 'loader'
    folder.mkdir()
    listed, dataset = folder / 'photos.txt', folder / 'dataset.h5'
    ids = (voc / 'ImageSets/Segmentation/train.txt').read_text().split()[:PHOTOS]
    listed.write_text('\n'.join(ids) + '\n')
    subprocess.run([context.program('prepare'), 'voc', '--root', voc, '--split', f'photos={listed}', '--masks', 'none',
                    '--output', dataset, '--quiet'], check=True)
    ours, theirs, draws = (folder / name for name in ('ours.h5', 'theirs.h5', 'draws.h5'))
    workers = [Worker('boxseg', context.bench('loader', dataset, draws, ours)),  # leaves its draws for the other
               Worker("authors' VOC_box", [context.python, __file__, tool, voc, folder])]
    take_turns(workers, context.rounds)
    yield row_of(f'{PHOTOS} photographs from JPEG to training tensor, crop {CROP}', 1, workers[0], workers[1:],
                 compared=agreement(ours, theirs, 1e-3), required=3)


class Draws:
    """Stands in for Python's `random` in their transforms: what was drawn elsewhere, in their order."""

    def __init__(self):
        self.left = iter(())

    def take(self, values):
        scale, crop_x, crop_y, is_flipped, *jitter = values
        self.left = iter([scale, crop_x, crop_y, 0.0 if is_flipped else 1.0, *jitter])

    def random(self):
        return next(self.left)

    def uniform(self, low, high):
        return next(self.left)


def make_folder(tool, voc, folder, ids):
    """A VOC folder as their dataset wants it."""
    root = pathlib.Path(folder, 'voc')
    (root / 'ImageSets/Segmentation').mkdir(parents=True)
    (root / 'ImageSets/Segmentation/train_aug.txt').write_text('\n'.join(ids) + '\n')
    (root / 'JPEGImages').symlink_to(pathlib.Path(voc, 'JPEGImages').resolve())
    (root / 'Annotations').mkdir()
    for i in ids:
        (root / 'Annotations' / f'{i}.xml').symlink_to(pathlib.Path(voc, 'Annotations', f'{i}.xml').resolve())
    tool.make_bg_masks(str(root))
    return root


def peer(script, voc, folder):
    import cv2
    import h5py
    import numpy
    from authors import load_tool
    from measure import serve
    tool = load_tool(script)
    _, authors = tool.prepare(1)
    cv2.setNumThreads(1)
    import datasets.transforms_bbox as transforms
    from datasets.voc import VOC_box
    with h5py.File(f'{folder}/draws.h5') as file:
        ids, draws = [name.decode() for name in file['ids']], file['draws'][()].tolist()
    config = tool.config(authors, 'stage1.yml', DATA__ROOT=str(make_folder(tool, voc, folder, ids)))
    given = transforms.random = Draws()
    dataset = VOC_box(config, transforms.Compose([
        transforms.RandomScale(0.5, 1.5), transforms.ResizeRandomCrop((CROP, CROP)), transforms.RandomHFlip(0.5),
        transforms.ColorJitter(0.5, 0.5, 0.5, 0), transforms.Normalize_Caffe()]))

    def sample(i):
        given.take(draws[i])
        return dataset[i]

    def work():
        for i in range(len(ids)):
            sample(i)

    def finish():
        samples = [sample(i) for i in range(len(ids))]
        with h5py.File(f'{folder}/theirs.h5', 'w') as file:
            file['images'] = numpy.stack([image.numpy() for image, _, _ in samples])
            file['boxes'] = numpy.concatenate([boxes.numpy() for _, boxes, _ in samples])
            file['background'] = numpy.stack([mask.numpy() for _, _, mask in samples])

    serve(work, finish)


if __name__ == '__main__':
    peer(*sys.argv[1:])
