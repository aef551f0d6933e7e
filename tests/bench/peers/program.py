"""A whole program as a side of a race, start and end included: its process, run anew each turn."""
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from measure import Worker  # noqa: E402


class Program(Worker):
    """Runs a command once per turn; what it prints is dropped. Its memory is all that it holds, libraries included."""

    def __init__(self, name, context, command, threads=1):
        super().__init__(name, [context.python, __file__, *command], threads)
        self.cpu_seconds = []  # of all turns, the one that is not counted included

    def run(self):
        self.process.stdin.write('run\n')
        self.process.stdin.flush()
        answer = json.loads(self._expect('{'))
        self.peak_mb = max(self.peak_mb, answer['peak_mb'])
        self.cpu_seconds.append(answer['cpu_seconds'])
        return answer['seconds']


def main(command):
    # From a process that is small itself: the system counts the memory of a child from its fork on.
    import time
    nowhere = os.open(os.devnull, os.O_RDWR)
    places = [(os.POSIX_SPAWN_DUP2, nowhere, 0), (os.POSIX_SPAWN_DUP2, nowhere, 1)]
    print('ready', flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        child = os.posix_spawnp(command[0], command, os.environ, file_actions=places)
        _, status, used = os.wait4(child, 0)
        seconds = time.perf_counter() - start
        if status != 0:
            sys.exit(f'{" ".join(command)}: ended with {os.waitstatus_to_exitcode(status)}')
        print(json.dumps({'seconds': seconds, 'cpu_seconds': used.ru_utime + used.ru_stime, 'peak_mb': used.ru_maxrss / 1024}),
              flush=True)


if __name__ == '__main__':
    main(sys.argv[1:])
