"""boxseg's programs, as pip installs them: each runs in its place, beside the torch that is installed in this environment.

torch is looked for, not imported, and not declared as a dependency, so that an installed one is never replaced. The
variable TORCH_ROOT names another one: the folder 'torch' of a wheel, or an unpacked LibTorch."""
import functools
import importlib.util
import os
import pathlib
import sys

FOLDER = pathlib.Path(__file__).resolve().parent


def torch_root():
    """The folder of the package torch in this environment, or None."""
    found = importlib.util.find_spec('torch')
    return next(iter(found.submodule_search_locations or ()), None) if found else None


def run(program):
    """Becomes the program; never returns."""
    path = FOLDER / 'bin' / program
    is_question = {'--help', '--version', '--fingerprint', '--print-config'} & set(sys.argv[1:])  # bin/ answers alone
    needs_torch = (FOLDER / 'libexec' / program).exists() and not is_question
    if needs_torch and not os.environ.get('TORCH_ROOT'):
        root = torch_root()
        if root is None:
            sys.stderr.write(f'{program}: PyTorch is not installed in this environment ({sys.prefix}); boxseg runs beside version '
                             '2.11:\n  python3 -m pip install torch==2.11.0\nor set TORCH_ROOT to the folder of a LibTorch 2.11\n')
            sys.exit(2)
        os.environ['TORCH_ROOT'] = str(root)
    os.execv(path, [str(path), *sys.argv[1:]])


def __getattr__(program):
    """Each program as a function of its name, which the console scripts call."""
    if not (FOLDER / 'bin' / program).is_file():
        raise AttributeError(program)
    return functools.partial(run, program)
