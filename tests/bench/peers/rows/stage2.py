"""Stage 2 on photographs of VOC 2012 against the authors' stage2.py, on one core: what comes after the network, with the
same features, and all of it. VGG-16 with weights as drawn (He's distribution, no biases): the labels mean nothing, but both
sides make them of the same numbers by the same work."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
PHOTOS = 6
ROUNDS_OF_ALL = 2  # theirs takes a minute
LARGEST_SHARE = 0.005  # of pixels whose label differs


def measure(context):
    from measure import Row, Worker, row_of, take_turns
    from rows.crf import is_usual_size
    tool, voc = context.need_clones(), context.need_shared('voc2012-subset')
    ids = (voc / 'ImageSets/Segmentation/val.txt').read_text().split()
    ids = [i for i in ids if is_usual_size(voc / 'JPEGImages' / f'{i}.jpg')][:PHOTOS]
    folder = context.scratch / 'stage2'
    folder.mkdir()
    listed = folder / 'photos.txt'
    listed.write_text('\n'.join(ids) + '\n')
    subprocess.run([context.program('prepare'), 'voc', '--root', voc, '--split', f'photos={listed}', '--masks', 'none',
                    '--output', folder / 'dataset.h5', '--quiet'], check=True)
    subprocess.run([context.python, __file__, 'make_input', tool, voc, folder], check=True)

    workers = [Worker('boxseg', context.bench('stage2', folder / 'dataset.h5', folder / 'classifier.pt', folder / 'features.h5',
                                              folder / 'ours_part')),
               Worker("authors' stage2.py", [context.python, __file__, 'after_network', tool, voc, folder])]
    take_turns(workers, PHOTOS)  # a photograph each
    yield row_of('stage 2 after the network (maps, CRF, Y_ret, PNG), VGG-16, 500x375', 1, workers[0], workers[1:],
                 compared=compare_labels(folder / 'ours_part', folder / 'theirs_part', ids), required=20, memory_required=5)

    workers = [Worker('boxseg', [context.python, __file__, 'run_program', context.program('stage2_pseudolabel'), folder]),
               Worker("authors' stage2.py", [context.python, __file__, 'run_all', tool, voc, folder])]
    take_turns(workers, min(context.rounds, ROUNDS_OF_ALL))
    peers = {workers[1].name: workers[1].seconds}
    yield Row(f'stage 2, {PHOTOS} photographs, VGG-16 fp32, 500x375', 1, workers[0].seconds, peers,
              compared=compare_labels(folder / 'ours_all', folder / 'theirs_all', ids), required=4,
              note='ours with the start of the program')


def compare_labels(ours, theirs, ids):
    """Text for Row.compared; raises where too many labels differ."""
    import numpy
    from PIL import Image
    shares, foreground = {}, 0
    for kind in ('Y_crf', 'Y_ret'):
        maps = [[numpy.array(Image.open(side / kind / f'{i}.png')) for i in ids] for side in (ours, theirs)]
        shares[kind] = max(float((a != b).mean()) for a, b in zip(*maps))
        foreground = max([foreground] + [float((a > 0).mean()) for a in maps[0]])
        if shares[kind] > LARGEST_SHARE:
            raise RuntimeError(f'{kind}: labels differ at {100 * shares[kind]:.2f} % of the pixels of a photograph')
    return 'labels differ at most at ' + ', '.join(f'{100 * shares[kind]:.3f} % of the pixels of a {kind}' for kind in shares)


def make_input(script, voc, folder):
    """A state_dict of their Labeler, and its features of each photograph."""
    import h5py
    import numpy
    from PIL import Image
    from authors import fill, load_tool
    torch, _ = load_tool(script).prepare(2)
    from datasets.transforms_bbox import Normalize_Caffe
    from models.ClsNet import Labeler
    torch.manual_seed(17)
    labeler = fill(torch, Labeler(21, [None, None], 1)).eval()
    torch.save(labeler.state_dict(), f'{folder}/classifier.pt')
    with h5py.File(f'{folder}/features.h5', 'w') as file, torch.no_grad():
        for name in pathlib.Path(folder, 'photos.txt').read_text().split():
            rgb = numpy.array(Image.open(f'{voc}/JPEGImages/{name}.jpg'), numpy.float32)
            file[name] = labeler.get_features(Normalize_Caffe()(rgb, numpy.zeros((0, 5), 'float32'))[0][None])[0].numpy()


def theirs_on(tool, voc, folder, listed, output):
    """What reference_bana.py says of a run of their stage 2."""
    import argparse
    return tool.stage2(argparse.Namespace(weights=f'{folder}/classifier.pt', voc=voc, list=listed, out=f'{folder}/{output}',
                                          threads=1, grid=1, threshold=.99))


def after_network(script, voc, folder):
    """Peer: their loop, a photograph per round, with given features."""
    import h5py
    from authors import load_tool
    from measure import Turns
    tool = load_tool(script)
    torch, _ = tool.prepare(1)
    import stage2
    names = pathlib.Path(folder, 'photos.txt').read_text().split()
    with h5py.File(f'{folder}/features.h5') as file:
        features = [torch.from_numpy(file[name][()])[None] for name in names]
    turns, i, is_first = Turns(), 0, True
    stage2.Labeler.get_features = lambda *_: features[i]
    silence()
    while turns.wait():
        listed = pathlib.Path(folder, 'one.txt')
        listed.write_text(names[i] + '\n')
        turns.answer(theirs_on(tool, voc, folder, listed, 'theirs_part')['wall_s_per_image']['body'])
        i, is_first = (i if is_first else (i + 1) % len(names)), False  # the round that is not counted has the first one, too


def run_all(script, voc, folder):
    """Peer: their main() on all photographs."""
    from authors import load_tool
    from measure import Turns
    tool = load_tool(script)
    tool.prepare(1)
    turns = Turns()
    stay_on_one_core()
    silence()
    while turns.wait():
        turns.answer(theirs_on(tool, voc, folder, f'{folder}/photos.txt', 'theirs_all')['wall_s'])


def run_program(program, folder):
    """Our side: the program on all photographs."""
    import shutil
    from measure import serve
    stay_on_one_core()

    def work():
        subprocess.run([program, '--dataset', f'{folder}/dataset.h5', '--split', 'photos',
                        '--checkpoint', f'{folder}/classifier.pt', '--output', f'{folder}/ours_all', '--threads', '1',
                        '--device', 'cpu', '--quiet'], check=True)

    serve(work, before=lambda: shutil.rmtree(f'{folder}/ours_all', ignore_errors=True))


def stay_on_one_core():
    """Our program decodes and labels beside its network, even with --threads 1."""
    import os
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def silence():
    import logging
    logging.disable(logging.CRITICAL)  # their main() tells its settings


if __name__ == '__main__':
    {f.__name__: f for f in (make_input, after_network, run_all, run_program)}[sys.argv[1]](*sys.argv[2:])
