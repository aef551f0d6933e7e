"""Training steps of the authors' code, timed one by one, for check.sh: their main() of stage 1 or 3 runs as it is, with a
made-up batch in memory in place of their data set, and a network of random weights.

  authors_steps.py --peers DIR --stage 1|3 --mode default|best --device cuda|cpu --batch 20 --size 321 --warm-up 5 --steps 30

Nothing but Python and PyTorch is asked for: modules of theirs that read files, and those that need more than that, are
replaced by empty ones; main() names them but the steps do not use them. Mode `default` is PyTorch as installed. `best`:
channels_last, the features under bfloat16 autocast and compiled where torch.compile works (it says where not), TF32 and
cuDNN's autotuning; their losses stay float32, as ours do.

A step lasts from the hand-over of a batch to the request for the next one; they read the loss in it. Prints "timing" when the
warm-up is over, and a line of JSON at the end."""
import argparse
import contextlib
import importlib
import json
import logging
import os
import pathlib
import statistics
import sys
import tempfile
import time
import types

STAGES = {1: ('stage1', 'Labeler'), 3: ('stage3_vgg', 'DeepLab_LargeFOV')}


class Done(Exception):
    """Ends their loop."""


class Anything:
    """Stands in for whatever main() makes and the steps do not use."""

    def __init__(self, *_, **__):
        pass

    def __len__(self):
        return 1


def stand_in(name, **members):
    module = types.ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    sys.modules[name] = module
    parent, _, last = name.rpartition('.')
    if parent:
        setattr(sys.modules.setdefault(parent, types.ModuleType(parent)), last, module)


def prepare_imports(clone):
    """Their modules can be imported, without Pillow, PyYAML, pydensecrf, and NumPy where it is absent."""
    names = ('Compose', 'RandomScale', 'ResizeRandomCrop', 'RandomHFlip', 'ColorJitter', 'Normalize_Caffe')
    for transforms in ('datasets.transforms_bbox', 'datasets.transforms_mask'):
        stand_in(transforms, **{name: Anything for name in names})
    stand_in('datasets.voc', VOC_box=Anything, VOC_mask=Anything, CLASSES=())
    stand_in('configs.defaults', _C=None)
    stand_in('utils.densecrf', DENSE_CRF=Anything)
    stand_in('utils.sem_seg_evaluation', SemSegEvaluator=Anything)
    try:
        import numpy  # noqa: F401
    except ImportError:
        import math
        stand_in('numpy.random', seed=lambda _: None)
        sys.modules['numpy'].prod = math.prod
    sys.path.insert(0, str(clone))


class Settings(dict):
    """A configuration as their main() reads it: attributes of groups, and items() to print."""
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__


def settings(arguments):
    """configs/stage1.yml and configs/stage3_vgg.yml, but a learning rate that cannot diverge on one batch again and again."""
    return Settings(
        NAME='steps', SEED=13,
        DATA=Settings(ROOT='', NUM_CLASSES=21, MODE='train', BATCH_SIZE=arguments.batch, CROP_SIZE=(arguments.size,) * 2),
        MODEL=Settings(WEIGHTS='none.pt', ROI_SIZE=[2, 2], GRID_SIZE=4, TEMP=20., DAMP=7., LAMBDA=.1, DCRF=[4, 121, 5, 3, 3]),
        SOLVER=Settings(LR=1e-7, MOMENTUM=.9, WEIGHT_DECAY=5e-4, MAX_ITER=8000, MILESTONES=[5000], GAMMA=.9))


def made_up(torch, count, size):
    """Images, boxes as the authors normalise them (1 to 4 an image, 50 for 20 images), and what lies outside of them."""
    random = torch.Generator().manual_seed(13)
    images = 50 * torch.randn(count, 3, size, size, generator=random)
    boxes, masks = [], []
    for i in range(count):
        k = 1 + i % 4
        centre, half = torch.rand(k, 2, generator=random) * .7 + .15, torch.rand(k, 2, generator=random) * .25 + .08
        corners = torch.cat([centre - half, centre + half], 1).clamp(.01, .99)
        mask = torch.ones(size, size)
        for x0, y0, x1, y1 in (corners * (size - 1)).long().tolist():
            mask[y0:y1, x0:x1] = 0
        boxes.append(torch.cat([corners * 2 - 1, torch.randint(1, 21, (k, 1), generator=random).float()], 1))
        masks.append(mask)
    return images, boxes, masks


def batch_of(torch, stage, their, arguments):
    images, boxes, masks = made_up(torch, arguments.batch, arguments.size)
    if stage == 1:
        return their.my_collate(list(zip(images, boxes, masks)))
    crf = torch.stack([(mask == 0) * box[0, 4].long() for mask, box in zip(masks, boxes)])
    is_noise = torch.rand(crf.shape, generator=torch.Generator().manual_seed(1)) < .1
    return [images, torch.where(is_noise, torch.full_like(crf, 255), crf), crf]


class Loop:
    """Takes their DataLoader's place: the same batch again and again, and the time between two requests."""

    def __init__(self, torch, batch, arguments):
        self.torch, self.batch, self.arguments = torch, batch, arguments
        self.given, self.start, self.seconds, self.is_over = 0, None, [], False

    def __call__(self, *_, **__):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self.is_over:  # their loop asks once more when it is told the end
            raise Done
        if self.arguments.device != 'cpu':
            self.torch.cuda.synchronize()
        now = time.perf_counter()
        if self.given > self.arguments.warm_up:
            self.seconds.append(now - self.start)
        if self.given == self.arguments.warm_up:
            print('timing', flush=True)
        if len(self.seconds) == self.arguments.steps:
            self.is_over = True
            raise Done
        self.given += 1
        self.start = time.perf_counter()
        return self.batch


def at_its_best(torch, network, device):
    """The network's features in channels_last, bfloat16 and compiled; float32 comes out. What was done, in words."""
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = True
    network.to(memory_format=torch.channels_last)
    plain, done = network.backbone.forward, ['channels_last', 'bfloat16 autocast', 'TF32', 'cuDNN autotuning']
    forward = {'now': plain, 'is_tried': False}
    try:
        forward['now'] = torch.compile(plain)
    except Exception as error:  # no compiler, an unsupported Python
        done.append(f'torch.compile: {type(error).__name__}')

    def features(images):
        with torch.autocast(device, dtype=torch.bfloat16):
            images = images.to(memory_format=torch.channels_last)
            if forward['is_tried']:
                return forward['now'](images).float()
            forward['is_tried'] = True
            try:
                out = forward['now'](images).float()
                done.append('torch.compile')
                return out
            except Exception as error:
                done.append(f'without torch.compile ({type(error).__name__})')
                forward['now'] = plain
                return plain(images).float()

    network.get_features = features
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--peers', required=True)
    parser.add_argument('--stage', type=int, choices=tuple(STAGES), required=True)
    parser.add_argument('--mode', choices=('default', 'best'), default='default')
    parser.add_argument('--device', choices=('cuda', 'cpu'), default='cuda')
    for name, default in (('batch', 20), ('size', 321), ('warm-up', 5), ('steps', 30)):
        parser.add_argument('--' + name, type=int, default=default)
    arguments = parser.parse_args()
    peers = pathlib.Path(arguments.peers).resolve()
    clones = [peers / 'stage3_vgg.py'] if (peers / 'stage3_vgg.py').exists() else sorted(peers.glob('*/stage3_vgg.py'))
    if not clones:
        sys.exit(f"{arguments.peers}: neither it nor a folder in it has stage3_vgg.py, so there is no clone of the authors' code")
    import torch
    if arguments.device == 'cuda' and not torch.cuda.is_available():
        sys.exit(f'PyTorch {torch.__version__} sees no card')
    if arguments.device == 'cpu':
        torch.Tensor.cuda = torch.nn.Module.cuda = lambda self, *_, **__: self
    prepare_imports(clones[0].parent)
    module, network_name = STAGES[arguments.stage]
    their = importlib.import_module(module)
    how, make = {'done': ['as installed']}, getattr(their, network_name)

    def make_network(*given):
        network = make(*given)
        for part in network.backbone.modules():  # features of a usual size
            if isinstance(part, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(part.weight, nonlinearity='relu')
        if arguments.mode == 'best':
            how['done'] = at_its_best(torch, network, arguments.device)
        return network

    setattr(their, network_name, make_network)
    loop = Loop(torch, batch_of(torch, arguments.stage, their, arguments), arguments)
    their.DataLoader = loop
    logging.disable(logging.CRITICAL)  # their main() tells its settings
    with tempfile.TemporaryDirectory() as folder, moved_to(folder):
        os.mkdir('weights')
        os.mkdir('logs')
        torch.save({}, 'weights/none.pt')  # their strict=False takes it
        try:
            their.main(settings(arguments))
        except Done:
            pass
    ms = sorted(1000 * seconds for seconds in loop.seconds)
    print(json.dumps({'ms': round(statistics.fmean(ms), 3), 'median_ms': round(statistics.median(ms), 3), 'lowest_ms': round(ms[0], 3),
                      'highest_ms': round(ms[-1], 3), 'steps': len(ms), 'torch': torch.__version__, 'how': '; '.join(how['done'])}), flush=True)


@contextlib.contextmanager
def moved_to(folder):
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


if __name__ == '__main__':
    main()
