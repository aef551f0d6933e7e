"""A run of VOC's trainaug length on which there is nothing to do: plan, and Make over its fragment. No peer has the like; the
time itself is asked for."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
LENGTHS = {'train': 10582, 'val': 1449}  # of VOC 2012 trainaug and val
# All stages, at the least that they can do; labels and predictions are made of every image.
SETTINGS = ['pipeline.dataset=voc', 'pipeline.splits=train=train,val=val', 'pipeline.test-split=', 'stage2.crf-iterations=1']


def measure(context):
    from measure import Row, take_turns
    from program import Program
    from repeated import draw_small, repeat
    folder = context.scratch / 'idle'
    draw_small(context.program('prepare'), folder / 'small')
    repeat(folder / 'small', folder / 'voc', LENGTHS, 'SegmentationClass')
    # The programs are built: -o leaves the goal `build` alone. A Make above this one must not pass on its flags.
    command = ['env', '-u', 'MAKEFLAGS', '-u', 'MFLAGS', '-u', 'MAKELEVEL',
               'make', '-C', context.project, '-f', 'Makefile.pipeline', '-o', 'build', f'bin={context.build}/bin', 'PRESET=tiny',
               f'RUN={folder}/run', f'VOC={folder}/voc', 'SET=' + ' '.join(SETTINGS), 'report']
    run(command, folder / 'first.log')
    said = run(command, folder / 'second.log')
    work = [line for line in said.splitlines() if line.startswith('--- ')]
    if work:
        raise RuntimeError(f'the second run still found work: {work[0]}')
    ours = Program('boxseg', context, command)
    take_turns([ours], context.rounds)
    outputs = sum(path.suffix == '.png' for path in (folder / 'run').rglob('*'))
    yield Row(f'make report with nothing to do: {LENGTHS["train"]:,} + {LENGTHS["val"]:,} images', 1, ours.seconds, {},
              compared=f'nothing ran; {outputs:,} label maps looked at', memory_mb=(round(ours.peak_mb, 1), None), at_most=1)


def run(command, log):
    """What the command says, which also goes into the file `log`."""
    # Threads that do not spin while they wait: the images are too small to keep all of them busy.
    environment = {**os.environ, 'OMP_WAIT_POLICY': 'passive'}
    with open(log, 'w') as file:
        status = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, env=environment).returncode
    said = pathlib.Path(log).read_text()
    if status != 0:
        raise RuntimeError(f'{" ".join(map(str, command))}: ended with {status}: {said[-500:]}')
    return said
