"""The authors' training loops as a side of a race: their main() runs, and asks for a batch when it is told to work.

Their code is imported from clones by reference_bana.py of the shared data. A step lasts from the hand-over of a batch to
the request for the next one, so it holds all that their loop does with it."""
import importlib
import importlib.util
import logging
import time


def load_tool(script):
    spec = importlib.util.spec_from_file_location('reference_bana', script)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


class Loop:
    """Takes their DataLoader's place. `before(turn)` is called before each step, `after(turn)` after it, both untimed."""

    def __init__(self, turns, batch, done, before, after):
        self.turns, self.batch, self.done, self.before, self.after = turns, batch, done, before, after
        self.turn, self.start = 0, None

    def __call__(self, *_, **__):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self.start is not None:
            seconds = time.perf_counter() - self.start
            self.start = None
            self.after(self.turn)
            self.turn += 1
            self.turns.answer(seconds)
        if not self.turns.wait():
            raise self.done
        self.before(self.turn)
        self.start = time.perf_counter()
        return self.batch


def read_batch(torch, path):
    """What batches.labelled() made, and what a row put beside it."""
    import h5py
    with h5py.File(path) as file:
        return {name: torch.from_numpy(file['in'][name][()]) for name in file['in']}


# Of each stage: their module, and the name by which it makes its network. A configuration is named like its module.
STAGES = {'1': ('stage1', 'Labeler'), '3': ('stage3_vgg', 'DeepLab_LargeFOV')}


def batch_of(torch, stage, their, tensors):
    """The tensors of read_batch() as their DataLoader would hand them over."""
    images = tensors['images']
    if stage == '1':
        of_image = [tensors['boxes'][tensors['image_of_box'] == i] for i in range(len(images))]
        return their.my_collate(list(zip(images, of_image, tensors['bg_mask'][:, 0].float())))
    crf, ret = tensors['mask_crf'].long(), tensors['mask_ret'].long()
    return [images, torch.where(crf == ret, crf, torch.full_like(crf, 255)), crf]


def run_loop(tool, authors, stage, tensors, settings, change, before, after):
    """Runs main() of their stage on the same batch again and again, with the networks it makes passed through change(); what
    the loss was in a step is found in the returned dictionary (and in the one given to `after`)."""
    import torch
    from measure import Turns
    module, network = STAGES[stage]
    their = importlib.import_module(module)
    batch = batch_of(torch, stage, their, tensors)
    kept = {}
    make, backward = getattr(their, network), torch.Tensor.backward

    def make_network(*arguments):
        kept['network'] = change(make(*arguments))
        return kept['network']

    def keep_loss(loss, *arguments, **more):
        kept['loss'] = loss.detach()
        backward(loss, *arguments, **more)

    setattr(their, network, make_network)
    torch.Tensor.backward = keep_loss
    logging.disable(logging.CRITICAL)  # their main() tells its settings
    turns = Turns()
    their.DataLoader = Loop(turns, batch, tool.Done, lambda turn: before(turn, kept), lambda turn: after(turn, kept))
    for name in ('VOC_box', 'VOC_mask'):
        if hasattr(their, name):
            setattr(their, name, lambda *_, **__: range(1))
    with tool.Scratch() as folder:
        torch.save({}, f'{folder}/weights/none.pt')  # their strict=False takes it; `before` fills in the weights
        try:
            their.main(tool.config(authors, f'{module}.yml', MODEL__WEIGHTS='none.pt', **settings))
        except tool.Done:
            pass
    return kept


def fill(torch, network):
    """Weights by He's distribution, no biases, and their own for the classifier: features of a usual size, whatever the seed."""
    for module in network.backbone.modules():
        if isinstance(module, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
            torch.nn.init.zeros_(module.bias)
    torch.nn.init.normal_(network.classifier.weight, std=.01)
    return network
