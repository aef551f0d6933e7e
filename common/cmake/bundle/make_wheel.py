"""Packs an unpacked bundle as a wheel: make_wheel.py BUNDLE OUTPUT, with BUNDLE a folder boxseg-VERSION-{cpu,cuda}.

The wheel holds the bundle as the package `boxseg` and a console script for each of its programs (launcher.py). A build with
CUDA has the local version +cu13, so the two cannot be taken for each other. It is for any Python 3 and for glibc 2.36 on,
which is the floor that the bundle was checked for. Equal bundles give equal wheels: all times in it are the same."""
import base64
import hashlib
import pathlib
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
TIME = (2020, 1, 1, 0, 0, 0)


def digest(data):
    return 'sha256=' + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()


class Wheel:
    """A zip file that also keeps the list of what is in it, which is its last member."""

    def __init__(self, path, info_folder):
        self.file = zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED, compresslevel=9)
        self.info_folder, self.record = info_folder, []

    def add(self, name, data, is_executable=False):
        entry = zipfile.ZipInfo(name, TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = (0o100755 if is_executable else 0o100644) << 16  # pip keeps the executable bit
        self.file.writestr(entry, data)
        self.record.append(f'{name},{digest(data)},{len(data)}')

    def close(self):
        name = f'{self.info_folder}/RECORD'
        self.record.append(f'{name},,')
        entry = zipfile.ZipInfo(name, TIME)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = 0o100644 << 16
        self.file.writestr(entry, '\n'.join(self.record) + '\n')
        self.file.close()


def metadata(version):
    return f'''Metadata-Version: 2.1
Name: boxseg
Version: {version}
Summary: Images with bounding boxes in, per-pixel labels and a segmentation network out
License: Apache-2.0
Requires-Python: >=3.7

Programs: prepare, stage1_classify, stage2_pseudolabel, stage3_segment, evaluate, report, plan, crf; each has --help.
Those that train, label and segment run beside PyTorch 2.11, which they look for in the same environment (or where TORCH_ROOT
says) and which is not declared as a dependency, so that an installed one is left alone: pip install torch==2.11.0
'''


def main(bundle, output):
    bundle, output = pathlib.Path(bundle), pathlib.Path(output)
    words = dict(line.split(' ', 1) for line in (bundle / 'bundle.txt').read_text().splitlines())
    version, flavour = words['boxseg'].split()
    version += '+cu13' if flavour == 'cuda' else ''
    tag = f'py3-none-manylinux_{words["glibc"].replace(".", "_")}_x86_64'
    path = output / f'boxseg-{version}-{tag}.whl'
    part = path.with_suffix('.part')
    info = f'boxseg-{version}.dist-info'
    wheel = Wheel(part, info)
    wheel.add('boxseg/__init__.py', (HERE / 'launcher.py').read_bytes())
    scripts, files = [], sorted(p for p in bundle.rglob('*') if p.is_file())
    for file in files:
        name = file.relative_to(bundle)
        wheel.add(f'boxseg/{name.as_posix()}', file.read_bytes(), bool(file.stat().st_mode & 0o100))
        if name.parent == pathlib.PurePath('bin'):
            scripts.append(name.name)
    entries = [f'{script} = boxseg:{script}' for script in scripts]
    wheel.add(f'{info}/METADATA', metadata(version).encode())
    wheel.add(f'{info}/WHEEL', f'Wheel-Version: 1.0\nGenerator: boxseg\nRoot-Is-Purelib: false\nTag: {tag}\n'.encode())
    wheel.add(f'{info}/entry_points.txt', ('[console_scripts]\n' + '\n'.join(entries) + '\n').encode())
    wheel.add(f'{info}/LICENSE', (bundle / 'licences' / 'boxseg').read_bytes())
    wheel.close()
    part.rename(path)
    print(f'wheel: {path}, {path.stat().st_size // 1000} kB')


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
