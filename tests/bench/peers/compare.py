"""Measures boxseg against its peers and prints the ratios: compare.py --build BUILD --output FOLDER [--only ROW,ROW] ...

The rows are the modules of rows/; each has measure(context), which yields Row objects and raises Skip where something it
needs is absent. See measure.py for how times are taken."""
import argparse
import importlib
import json
import os
import pathlib
import platform
import sys
import tempfile

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))
from measure import Skip, table  # noqa: E402


class Context:
    def __init__(self, arguments, scratch):
        self.build = pathlib.Path(arguments.build).resolve()
        self.rounds = arguments.rounds
        self.scratch = pathlib.Path(scratch)
        self.python = sys.executable if not os.environ.get('BOXSEG_PYTHON') else os.environ['BOXSEG_PYTHON']
        self.project = here.parents[2]
        self.shared = pathlib.Path(os.environ.get('BOXSEG_SHARED', self.project.parent / 'shared'))
        self.peers = os.environ.get('PEERS')

    def program(self, name):
        return self.build / 'bin' / name

    def bench(self, verb, *arguments):
        """Command of our side of a row: tests/bench/worker."""
        return [self.build / 'tests' / 'bench_worker', verb, *arguments]

    def need_shared(self, path):
        found = self.shared / path
        if not found.exists():
            raise Skip(f'{path} of the shared data is not here')
        return found

    def need_clones(self):
        """The script that drives the authors' code, which lies in the clones that PEERS names."""
        script = self.need_shared('tools/reference_bana.py')
        if not self.peers:
            raise Skip('the environment variable PEERS names no folder with the clones of the authors\' code')
        return script


def cpu_name():
    with open('/proc/cpuinfo') as file:
        return next((line.split(':')[1].strip() for line in file if line.startswith('model name')), platform.machine())


def main():
    names = sorted(path.stem for path in (here / 'rows').glob('*.py') if path.stem != '__init__')
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--build', required=True, help='folder of the build with the benchmarks')
    parser.add_argument('--output', required=True, help='folder of peers.json and peers.md')
    parser.add_argument('--only', default=','.join(names), help='of: ' + ', '.join(names))
    parser.add_argument('--rounds', type=int, default=5)
    arguments = parser.parse_args()
    chosen = arguments.only.split(',')
    unknown = [name for name in chosen if name not in names]
    if unknown:
        parser.error(f'--only {unknown[0]}: not one of {", ".join(names)}')
    output = pathlib.Path(arguments.output)
    output.mkdir(parents=True, exist_ok=True)
    rows, skipped, failed = [], {}, False
    with tempfile.TemporaryDirectory(prefix='boxseg-bench-') as scratch:
        context = Context(arguments, scratch)
        for name in chosen:
            try:
                for row in importlib.import_module('rows.' + name).measure(context):
                    rows.append(row)
                    print(table([row]).split('\n', 2)[2], end='', flush=True)
            except Skip as reason:
                skipped[name] = str(reason)
            except Exception as error:  # the other rows are still worth having
                skipped[name], failed = f'failed: {type(error).__name__}: {error}', True
    about = f'{cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {arguments.rounds} rounds; median (lowest to highest)'
    text = table(rows) + f'\n{about}\n' + ''.join(f'\nnot measured: {name}: {why}\n' for name, why in skipped.items())
    (output / 'peers.md').write_text(text)
    (output / 'peers.json').write_text(json.dumps({'machine': about, 'rows': [row.as_dict() for row in rows], 'skipped': skipped}, indent=1))
    print('\n' + text)
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
