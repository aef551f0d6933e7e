"""EfficientNet-Lite0's trunk, forward, 321 px, output stride 16, against the same layers in eager PyTorch."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
SIZE, BATCHES = 321, (1, 10)


def measure(context):
    import numpy
    from batches import write
    from measure import Skip, Worker, agreement, row_of, take_turns
    weights = context.project / '.deps/weights/efficientnet_lite0.pth'
    if not weights.exists():
        raise Skip(f'{weights} is not here; make setup fetches it')
    data, ours, theirs = (context.scratch / name for name in ('images.h5', 'ours.h5', 'theirs.h5'))
    for images in BATCHES:
        write(data, {'images': numpy.random.default_rng(13).standard_normal((images, 3, SIZE, SIZE), 'float32')})
        for threads in (1, 2):
            workers = [Worker('boxseg', context.bench('lite0', data, weights, ours, threads), threads),
                       Worker('eager PyTorch', [context.python, __file__, data, weights, theirs, threads], threads)]
            take_turns(workers, 2 * context.rounds)
            work = f'EfficientNet-Lite0 trunk forward, {SIZE} px, output stride 16, batch {images}'
            yield row_of(work, threads, workers[0], workers[1:], compared=agreement(ours, theirs, 1e-4), required=2)


def peer(data, weights, output, threads):
    import h5py
    import torch
    from lite0 import load_trunk
    from measure import serve
    torch.set_num_threads(int(threads))
    with h5py.File(data) as file:
        images = torch.from_numpy(file['images'][()])
    trunk, kept = load_trunk(weights), {}

    def work():
        kept['features'] = trunk(images)

    def finish():
        with h5py.File(output, 'w') as file:
            file['features'] = kept['features'].numpy()

    with torch.inference_mode():
        serve(work, finish)


if __name__ == '__main__':
    peer(*sys.argv[1:])
