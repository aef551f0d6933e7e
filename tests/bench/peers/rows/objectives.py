"""The objectives of stages 1 and 3, forward and backward, features given, against the authors' loops after their networks."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
IMAGES, CHANNELS, CELLS, SIZE, CLASSES = 20, 1024, 41, 321, 21
# Verb: what it is, ratio asked, ratio of memories asked.
ROWS = {'bap': ('BAP, 50 boxes, grid 4', 30, None), 'nal': ('NAL', 10, 5)}


def make_input(path):
    import numpy
    from batches import labelled, write
    random = numpy.random.default_rng(11)
    labels = labelled(random, IMAGES, SIZE)
    features = random.standard_normal((IMAGES, CHANNELS, CELLS, CELLS), 'float32').clip(0)
    weight = .01 * random.standard_normal((CLASSES, CHANNELS, 1, 1), 'float32')
    write(path, {'in/features': features, 'in/weight': weight, **labels})


def measure(context):
    from measure import Worker, agreement, row_of, take_turns
    tool = context.need_clones()
    data, ours, theirs = (context.scratch / name for name in ('objectives.h5', 'ours.h5', 'theirs.h5'))
    make_input(data)
    for verb, (what, asked, memory_asked) in ROWS.items():
        for threads in (1, 2):
            workers = [Worker('boxseg', context.bench(verb, data, ours, threads), threads),
                       Worker("authors' loop", [context.python, __file__, tool, verb, data, theirs, threads], threads)]
            take_turns(workers, context.rounds)
            work = f'{what}: forward and backward, batch {IMAGES}, {CHANNELS} channels on {CELLS}x{CELLS}, {SIZE} px'
            yield row_of(work, threads, workers[0], workers[1:], compared=agreement(ours, theirs, 1e-4), required=asked,
                         memory_required=memory_asked)
    data.unlink()


def peer(script, verb, data, output, threads):
    """Their loop with the backbone replaced by given features. Without a learning rate all rounds are the same."""
    import h5py
    from authors import load_tool, read_batch, run_loop
    tool = load_tool(script)
    torch, authors = tool.prepare(int(threads))
    tensors = read_batch(torch, data)
    features = tensors['features']
    stage = {'bap': '1', 'nal': '3'}[verb]
    tensors['images'] = torch.empty(1).expand(len(features), 3, SIZE, SIZE)  # nobody looks at them
    leaf = {}

    def take_features(_):
        leaf['features'] = features.detach().requires_grad_()
        return leaf['features']

    def without_backbone(made):
        made.backbone = torch.nn.Identity()
        made.get_features = take_features
        return made

    def before(turn, kept):
        leaf.clear()
        kept['network'].classifier.weight.data.copy_(tensors['weight'])

    kept = run_loop(tool, authors, stage, tensors, {'DATA__BATCH_SIZE': len(features), 'SOLVER__LR': 0.0}, without_backbone,
                    before, lambda turn, kept: None)
    with h5py.File(output, 'w') as file:
        file['loss'] = kept['loss'].numpy()
        file['features_gradient'] = leaf['features'].grad.numpy()
        file['weight_gradient'] = kept['network'].classifier.weight.grad.numpy()


if __name__ == '__main__':
    peer(*sys.argv[1:])
