"""Ratios of run times: ours and the peers' take turns in one run, on one machine, with the same input."""
import dataclasses
import json
import os
import statistics
import subprocess
import sys


class Skip(Exception):
    """A row that cannot be measured here; its text says what is missing."""


class Worker:
    """A process that prints `ready` once its input is loaded, then does the work once for each line it reads, printing
    {"seconds": s} each time; at the end of its input it may write results, and ends."""

    def __init__(self, name, command, threads=1, env=None):
        self.name, self.seconds, self.peak_mb = name, [], 0.0
        # No spinning: the threads of a worker that waits for its turn must leave the cores to the other.
        limits = {key: str(threads) for key in ('OMP_NUM_THREADS', 'MKL_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'RAYON_NUM_THREADS')}
        environment = {**os.environ, **limits, 'OMP_WAIT_POLICY': 'passive', 'KMP_BLOCKTIME': '0', **(env or {})}
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self._expect('ready')
        self._start_mb = self._status('VmRSS')
        with open(f'/proc/{self.process.pid}/clear_refs', 'w') as file:
            file.write('5')  # the high-water mark starts anew

    def _status(self, key):
        with open(f'/proc/{self.process.pid}/status') as file:
            return next(int(line.split()[1]) / 1024 for line in file if line.startswith(key + ':'))

    def _expect(self, word):
        for line in self.process.stdout:
            if line.startswith(word):
                return line
        raise RuntimeError(f'{self.name}: ended with {self.process.wait()} where "{word}" was expected')

    def run(self):
        self.process.stdin.write('run\n')
        self.process.stdin.flush()
        seconds = json.loads(self._expect('{'))['seconds']
        self.peak_mb = max(self.peak_mb, self._status('VmHWM') - self._start_mb)
        return seconds

    def close(self):
        self.process.stdin.close()
        for _ in self.process.stdout:
            pass
        if self.process.wait() != 0:
            raise RuntimeError(f'{self.name}: ended with {self.process.returncode}')


def take_turns(workers, rounds):
    """One round that is not counted, then `rounds` in which each works once; all are closed at the end."""
    for worker in workers:
        worker.run()
    for _ in range(rounds):
        for worker in workers:
            worker.seconds.append(worker.run())
    for worker in workers:
        worker.close()


@dataclasses.dataclass
class Row:
    """One line of the table. `ours` and each of `peers` ({name and version: seconds}) hold a time per round; ratios are
    taken within a round. `required`: how many times faster than the fastest peer; None: only told. A row may have no peers:
    then `at_most`, in seconds, is what is asked of it."""
    work: str
    threads: int
    ours: list
    peers: dict
    compared: str
    required: float = None
    memory_mb: tuple = None  # ours, theirs (None without peers)
    memory_required: float = None
    note: str = ''
    at_most: float = None

    def ratios(self, name):
        return [theirs / ours for theirs, ours in zip(self.peers[name], self.ours)]

    def as_dict(self):
        out = dataclasses.asdict(self)
        out['ratio'] = {name: {'median': statistics.median(r), 'min': min(r), 'max': max(r)}
                        for name in self.peers for r in [self.ratios(name)]}
        return out


def row_of(work, threads, ours, peers, **more):
    """From workers that have taken their turns."""
    memory = (round(ours.peak_mb, 1), round(max(p.peak_mb for p in peers), 1))
    return Row(work, threads, ours.seconds, {p.name: p.seconds for p in peers}, memory_mb=memory, **more)


def spread(values, digits=3):
    middle = statistics.median(values)
    return f'{middle:.{digits}g} ({min(values):.{digits}g} to {max(values):.{digits}g})'


def table(rows):
    lines = ['| work | threads | ours, s | peer | peer, s | ratio | asked | memory, MB: ours, peer | compared |', '|' + '---|' * 9]
    for row in rows:
        asked = f'{row.at_most:g} s at most' if row.at_most is not None else '' if row.required is None else f'{row.required:g}'
        memory = ', '.join(f'{mb:.0f}' for mb in row.memory_mb or () if mb is not None)
        for name in row.peers or [None]:
            peer = [name, spread(row.peers[name]), spread(row.ratios(name))] if name else [''] * 3
            lines.append('| ' + ' | '.join([row.work, str(row.threads), spread(row.ours), *peer, asked, memory,
                                            row.compared + (f'; {row.note}' if row.note else '')]) + ' |')
    return '\n'.join(lines) + '\n'


class Turns:
    """The other side of a Worker, for peers in Python."""

    def __init__(self):
        self.out = os.fdopen(os.dup(1), 'w')
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the peers print does not belong among the answers
        self.is_ready = False

    def wait(self):
        """True when there is work to do, False at the end. The first call says that the input is loaded."""
        if not self.is_ready:
            print('ready', file=self.out, flush=True)
            self.is_ready = True
        return bool(sys.stdin.readline())

    def answer(self, seconds):
        print(json.dumps({'seconds': seconds}), file=self.out, flush=True)


def serve(work, finish=None, before=None):
    """For peers that are a function; before() is not timed."""
    import time
    turns = Turns()
    while turns.wait():
        if before:
            before()
        start = time.perf_counter()
        work()
        turns.answer(time.perf_counter() - start)
    if finish:
        finish()


def agreement(ours, theirs, limit):
    """What two HDF5 files of results have in common, as text for Row.compared. Raises where a dataset of theirs differs from
    ours by more than `limit` in norm, as a share of its own. Norms, since a tie that each side's rounding decides otherwise
    moves single numbers by much."""
    import h5py
    import numpy
    worst = 0.0
    with h5py.File(ours) as a, h5py.File(theirs) as b:
        names = []
        what = ', '.join(b)
        b.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in names:
            expected, got = numpy.asarray(b[name], 'float64'), numpy.asarray(a[name], 'float64')
            difference = float(numpy.linalg.norm(got.reshape(expected.shape) - expected) / numpy.linalg.norm(expected))
            if not difference <= limit:
                raise RuntimeError(f'{name}: the relative difference is {difference:.2g}; at most {limit:g} is expected')
            worst = max(worst, difference)
    return f'{what}: relative differences {worst:.1g} at most'
