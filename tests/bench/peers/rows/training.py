"""A training step of stages 1 and 3 with VGG-16, fp32, crop 321, against the authors' modules and loops in PyTorch."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
IMAGES, SIZE = 2, 321
ASKED = {1: 1.25, 3: 1.0}
RATE = 1e-7  # too low to diverge on one batch again and again
COMPARED = ('backbone.conv1_1.weight', 'backbone.conv4_1.weight', 'backbone.fc7.bias', 'classifier.weight')


def measure(context):
    import subprocess
    import h5py
    import numpy
    from batches import labelled, write
    from measure import Worker, agreement, row_of, take_turns
    tool = context.need_clones()
    data, ours, theirs, weights = (context.scratch / name for name in ('training.h5', 'ours.h5', 'theirs.h5', 'vgg16.pt'))
    random = numpy.random.default_rng(12)
    labels = labelled(random, IMAGES, SIZE)
    write(data, {'in/images': 50 * random.standard_normal((IMAGES, 3, SIZE, SIZE), 'float32'), **labels})
    subprocess.run([context.python, __file__, 'make_weights', tool, weights], check=True)
    for stage, asked in ASKED.items():
        for threads in (1, 2):
            theirs_is = [context.python, __file__, 'peer', tool, stage, data, weights, theirs, threads]
            workers = [Worker('boxseg', context.bench('training', stage, data, weights, ours, RATE, threads), threads),
                       Worker("authors' loop", theirs_is, threads)]
            take_turns(workers, context.rounds)
            work = f'training step of stage {stage}, VGG-16 fp32, batch {IMAGES}, {SIZE} px'
            row = row_of(work, threads, workers[0], workers[1:],
                         compared='without dropout ' + agreement(ours, theirs, 1e-3), required=asked)
            with h5py.File(ours) as file:
                share = file['share_outside_convolutions'][0]
            row.note = f'{100 * share:.1f} % of our step are outside the convolutions (at most 3 asked)'
            yield row


def make_weights(script, path):
    from authors import fill, load_tool
    torch, _ = load_tool(script).prepare(2)
    from models.ClsNet import Labeler
    torch.manual_seed(19)
    torch.save(fill(torch, Labeler(21, [2, 2], 4)).state_dict(), path)


def peer(script, stage, data, weights, output, threads):
    """Their loop. The round that is not counted goes without dropout, so that its results can be compared."""
    import h5py
    from authors import load_tool, read_batch, run_loop
    tool = load_tool(script)
    torch, authors = tool.prepare(int(threads))
    tensors, state = read_batch(torch, data), torch.load(weights)

    def before(turn, kept):
        if turn == 0:
            kept['network'].load_state_dict(state)
        for part in kept['network'].modules():
            if isinstance(part, torch.nn.Dropout2d):
                part.p = .5 if turn > 0 else 0

    def after(turn, kept):
        if turn == 0:
            parameters = dict(kept['network'].named_parameters())
            with h5py.File(output, 'w') as file:
                file['loss'] = kept['loss'].numpy()
                for name in COMPARED:
                    file['gradients/' + name] = parameters[name].grad.numpy()

    run_loop(tool, authors, stage, tensors, {'DATA__BATCH_SIZE': IMAGES, 'SOLVER__LR': RATE}, lambda made: made, before, after)


if __name__ == '__main__':
    {f.__name__: f for f in (make_weights, peer)}[sys.argv[1]](*sys.argv[2:])
