"""How time and memory grow: scaling.py --build BUILD --output FOLDER [--quick]. Whole programs are run over sizes, labels, boxes
and numbers of images; writes FOLDER/scaling.md and scaling.json.

The exponent of a line is that between it and the line before: 0 does not grow, 1 grows in proportion, 2 with the square. The
start of a program is in all times, so exponents below 1 are usual at first. Threads sleep while they wait."""
import argparse
import json
import math
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import types

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here / 'peers')]
import scaling_inputs as inputs  # noqa: E402
from compare import cpu_name  # noqa: E402
from program import Program  # noqa: E402
from repeated import draw_small, repeat  # noqa: E402

# More is told of at the end. Smaller exponents may be noise, or caches that no longer hold all.
LARGEST_EXPONENT, LIMIT_MB = 1.15, 12e9 / 2**20  # the limit is the default of --memory-limit
PARTS = ('sizes', 'labels', 'limit', 'boxes', 'images')
PHOTOS, SMALL = 4, 'images of 48 to 64 pixels'
REFUSED = [(21, []), (2, ['--memory-limit', '2'])]  # at 50 Mpx; most of the limit of 12 GB is needed by 11 labels
QUICK = {'size': [.1, 1, 5], 'labels': [2, 5, 21], 'boxes': [1, 10, 50], 'images': [10, 100, 1000], 'limit': REFUSED}
FULL = {'size': [.1, .3, 1, 3, 10, 25, 50], 'labels': [2, 3, 5, 11, 21, 41, 81], 'boxes': [1, 2, 5, 10, 20, 50, 100, 200],
        'images': [10, 100, 1000, 10582], 'limit': [*REFUSED, (11, ['--iterations', '1'])]}


class Bench:
    def __init__(self, build, voc, scratch, points):
        self.bin, self.voc, self.scratch, self.points = build / 'bin', voc, scratch, points
        self.photo = inputs.usual_photo(voc)
        self.series, self.trials = [], []

    def cost(self, command, threads, before=lambda: None):
        """Of a run of the command: once where it takes long, else the median of three."""
        context = types.SimpleNamespace(python=sys.executable)
        program = Program(str(command[0]), context, [*command, '--threads', str(threads)], threads)
        before()
        seconds = [program.run()]
        while len(seconds) < (3 if seconds[0] < 3 else 1):
            before()
            seconds.append(program.run())
        program.close()
        return {'seconds': statistics.median(seconds), 'cpu_seconds': statistics.median(program.cpu_seconds),
                'peak_mb': program.peak_mb}

    def add(self, work, unit, threads, costs):
        """costs: pairs (how many units, cost)."""
        print('\n' + heading(work, unit, threads), flush=True)
        lines = []
        for units, cost in costs:
            line = {'units': units, **cost}
            if lines:
                step = math.log(units / lines[-1]['units'])
                line['exponents'] = {key: math.log(cost[key] / lines[-1][key]) / step for key in cost}
            lines.append(line)
            print(text_of(line), flush=True)
        self.series.append({'work': work, 'unit': unit, 'threads': threads, 'lines': lines})

    def crf_command(self):
        return [self.bin / 'crf', '--image', self.scratch / 'photo.jpg', '--probabilities', self.scratch / 'probabilities.npy',
                '--output', self.scratch / 'labels.png', '--quiet']

    def cost_of_crf(self, pixels, labels, threads):
        shape = inputs.scaled_photo(self.photo, pixels, self.scratch / 'photo.jpg')
        inputs.probabilities(self.scratch / 'probabilities.npy', labels, *shape)
        return self.cost(self.crf_command(), threads)

    def sizes(self):
        for threads in (1, 2):
            self.add('crf, 2 labels', 'Mpx', threads,
                     ((mpx, self.cost_of_crf(mpx * 1e6, 2, threads)) for mpx in self.points['size']))

    def labels(self):
        for threads in (1, 2):
            self.add('crf, 500x375', 'label', threads,
                     ((labels, self.cost_of_crf(500 * 375, labels, threads)) for labels in self.points['labels']))

    def at_limit(self, labels, options):
        """What would need more memory than the limit must be refused, at once and with the estimate; the rest stays below."""
        start = time.perf_counter()
        process = subprocess.Popen([*self.crf_command(), *options], stderr=subprocess.PIPE, text=True)
        said = process.stderr.read().strip()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        trial = {'work': ' '.join([f'crf, 50 Mpx, {labels} labels', *options]), 'exit_code': process.returncode,
                 'seconds': time.perf_counter() - start, 'peak_mb': used.ru_maxrss / 1024,
                 'said': said.replace(str(self.scratch), '...')}
        print(trial_text(trial), flush=True)
        self.trials.append(trial)

    def limit(self):
        shape = inputs.scaled_photo(self.photo, 50e6, self.scratch / 'photo.jpg')
        for labels, options in self.points['limit']:
            inputs.empty_probabilities(self.scratch / 'probabilities.npy', labels, *shape)
            self.at_limit(labels, options)

    def boxes(self):
        inputs.photo_with_boxes(self.photo, self.scratch / 'one', 2, 2, PHOTOS)
        classifier = inputs.tiny_classifier(self.bin, self.scratch / 'one', self.scratch / 'classifier')
        for classes in (1, 20):
            kinds = 'all of one class' if classes == 1 else f'of {classes} classes in turn'
            self.add(f'stage2_pseudolabel, tiny, {PHOTOS} photographs of 500x375, boxes {kinds}', 'box', 1,
                     ((boxes, self.cost_of_boxes(boxes, classes, classifier)) for boxes in self.points['boxes']))

    def cost_of_boxes(self, boxes, classes, classifier):
        folder = self.scratch / f'boxes-{classes}-{boxes}'
        inputs.photo_with_boxes(self.photo, folder, boxes, classes, PHOTOS)
        inputs.index(self.bin, folder, folder / 'dataset.h5', 'none')
        return self.cost_of_labels(folder, classifier, 1)

    def cost_of_labels(self, folder, classifier, threads):
        output = folder / 'labels'
        command = [self.bin / 'stage2_pseudolabel', '--dataset', folder / 'dataset.h5', '--split', 'all',
                   '--checkpoint', classifier, '--output', output, '--device', 'cpu', '--quiet']
        return self.cost(command, threads, lambda: shutil.rmtree(output, ignore_errors=True))

    def images(self):
        small = self.scratch / 'small'
        draw_small(self.bin / 'prepare', small)
        folders = {length: self.scratch / f'images-{length}' for length in self.points['images']}
        for length, folder in folders.items():
            repeat(small, folder, {'all': length}, 'SegmentationClass')
        # Each makes what the next one reads.
        for threads in (1, 2):
            self.add(f'prepare voc, {SMALL}', 'image', threads, (
                (length, self.cost(inputs.index_command(self.bin, folder, folder / 'dataset.h5'), threads))
                for length, folder in folders.items()))
        classifier = inputs.tiny_classifier(self.bin, folders[10], self.scratch / 'small-classifier')
        for threads in (1, 2):
            self.add(f'stage2_pseudolabel, tiny, {SMALL}', 'image', threads, (
                (length, self.cost_of_labels(folder, classifier, threads)) for length, folder in folders.items()))
        for threads in (1, 2):
            self.add(f'evaluate miou, {SMALL}', 'image', threads, (
                (length, self.cost([self.bin / 'evaluate', 'miou', '--dataset', folder / 'dataset.h5', '--split', 'all',
                                    '--predictions', folder / 'labels/Y_crf', '--quiet'], threads))
                for length, folder in folders.items()))


COSTS = ('seconds', 'cpu_seconds', 'peak_mb')
PLURAL = {'Mpx': 'Mpx', 'label': 'labels', 'box': 'boxes', 'image': 'images'}
HEAD = '| {units} | time, s | ms per {unit} | exponent | CPU, s | exponent | memory, MB | exponent |\n' + '|' + '---|' * 8


def heading(work, unit, threads):
    return f'### {work}, threads: {threads}\n\n' + HEAD.format(unit=unit, units=PLURAL[unit])


def text_of(line):
    by_time, by_cpu, by_memory = (f'{line["exponents"][key]:.2f}' if 'exponents' in line else '' for key in COSTS)
    ms = 1e3 * line['seconds'] / line['units']
    return (f'| {line["units"]:,} | {line["seconds"]:.3g} | {ms:{".0f" if ms >= 100 else ".3g"}} | {by_time} '
            f'| {line["cpu_seconds"]:.3g} | {by_cpu} | {line["peak_mb"]:.0f} | {by_memory} |')


def trial_text(trial):
    said = f': {trial["said"]}' if trial['said'] else ''
    spent = f'{trial["seconds"]:.2f} s, peak {trial["peak_mb"]:.0f} MB'
    return f'- {trial["work"]}: exit code {trial["exit_code"]} after {spent}{said}'


def worth_a_look(series, trials):
    """What grows faster than in proportion (not by the clock: that grows with what else the machine does), and what ran above
    the limit of memory."""
    growing = [f'{one["work"]}, threads: {one["threads"]}: {key} up to {line["units"]:,} {PLURAL[one["unit"]]} by {exponent:.2f}'
               for one in series for line in one['lines'] for key, exponent in line.get('exponents', {}).items()
               if key != 'seconds' and exponent > LARGEST_EXPONENT]
    return growing + [f'{trial["work"]}: {trial["peak_mb"]:.0f} MB, where the limit is {LIMIT_MB:.0f} MB'
                      for trial in trials if trial['exit_code'] == 0 and trial['peak_mb'] > LIMIT_MB]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', required=True, type=pathlib.Path, help='folder of a build: its bin/ has the programs')
    parser.add_argument('--output', required=True, type=pathlib.Path, help='folder of scaling.md and scaling.json')
    parser.add_argument('--quick', action='store_true', help='fewer and smaller points: two minutes instead of ten')
    parser.add_argument('--only', default=','.join(PARTS), help='of: ' + ', '.join(PARTS))
    arguments = parser.parse_args()
    unknown = [name for name in arguments.only.split(',') if name not in PARTS]
    if unknown:
        parser.error(f'--only {unknown[0]}: not one of {", ".join(PARTS)}')
    shared = pathlib.Path(os.environ.get('BOXSEG_SHARED', here.parents[1].parent / 'shared'))
    voc = shared / 'voc2012-subset'
    if not voc.exists():
        sys.exit(f'{voc}: no such folder; photographs of VOC 2012 are needed: set BOXSEG_SHARED to the folder of the shared data')
    arguments.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='boxseg-scaling-') as scratch:
        bench = Bench(arguments.build.resolve(), voc, pathlib.Path(scratch), QUICK if arguments.quick else FULL)
        for name in arguments.only.split(','):
            getattr(bench, name)()
    found = worth_a_look(bench.series, bench.trials)
    about = f'{cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}'
    text = '# Time and memory by size\n\n' + __doc__.split('\n\n')[1] + f'\n\n{about}\n'
    for one in bench.series:
        text += '\n'.join(['', heading(one['work'], one['unit'], one['threads']), *map(text_of, one['lines']), ''])
    text += '\n## At the limit of memory\n\n' + ''.join(trial_text(trial) + '\n' for trial in bench.trials)
    text += f'\n## Exponents above {LARGEST_EXPONENT}, and more memory than the limit\n\n'
    text += ''.join(f'- {line}\n' for line in found) or 'None.\n'
    (arguments.output / 'scaling.md').write_text(text)
    (arguments.output / 'scaling.json').write_text(json.dumps(
        {'machine': about, 'series': bench.series, 'at_limit': bench.trials, 'worth_a_look': found}, indent=1))
    print('\n' + '\n'.join(found))


if __name__ == '__main__':
    main()
