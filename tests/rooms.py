#!/usr/bin/env python3
"""Rooms and the arrows between them: rooms.py [ROOT] [--table]

A room is what a boxseg_library() of CMakeLists.txt names as DIR; it may include its own files, those of the rooms that it
LINKs, and of those that these link; and it may link only those that stand before it. Anything else is an arrow that goes up
or sideways, named here with its line, and the exit code is 1. Programs (*main.cpp) may use what their target links. --table prints the arrows that there are."""
import collections
import pathlib
import re
import subprocess
import sys

# Libraries of others under names of ours (common/cmake/BoxsegSetup.cmake).
OUTSIDE = {'boxseg_opencv', 'boxseg_hdf5', 'boxseg_turbojpeg', 'boxseg_deflate', 'boxseg_archive'}
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def calls(text, function):
    """The arguments of each call of `function` in a CMakeLists.txt."""
    for call in re.finditer(r'^\s*' + function + r'\(([^()]*)\)', text, re.M):
        yield call[1].split()


def options(words, names):
    """{"": words before the first of `names`, name: words after it}"""
    values, key = {'': []}, ''
    for word in words:
        key = word if word in names else key
        values.setdefault(key, [])
        if word != key:
            values[key].append(word)
    return values


def read_rooms(text):
    """Folder -> target; target -> targets that it may use, itself included; main -> the same; links to what stands later."""
    text = re.sub(r'\$<BUILD_INTERFACE:[^>]*>', '', re.sub(r'#.*', '', text))
    room_of, links, mains, upward = {}, {}, {}, []
    for words in calls(text, 'boxseg_library'):
        call = options(words, ('DIR', 'LINK', 'TORCH'))
        for folder in call['DIR']:
            room_of[folder] = call[''][0]
        links[call[''][0]] = call.get('LINK', [])
        upward += [f"CMakeLists.txt: {call[''][0]} links {used}, which does not stand before it"
                   for used in call.get('LINK', []) if used.startswith('boxseg_') and used not in links and used not in OUTSIDE]
    for words in calls(text, 'boxseg_program'):
        call = options(words, ('LINK', 'TORCH'))
        mains[call[''][1]] = call['LINK']
    for words in calls(text, 'boxseg_stage'):
        call = options(words, ('DIR', 'LINK', 'TORCH'))
        mains[call['DIR'][0] + '/main.cpp'] = call['LINK']
        mains[call['DIR'][0] + '/front_main.cpp'] = ['boxseg_pipeline']

    def reach(targets):
        found, todo = set(), list(targets)
        while todo:
            target = todo.pop()
            if target not in found:
                found.add(target)
                todo += links.get(target, [])
        return found

    return (room_of, {target: reach([target]) for target in links}, {main: reach(used) for main, used in mains.items()},
            upward)


def folder_of(path, room_of):
    """The room's folder of a file: its own, or that of which it is the folder cuda/ or codecs/."""
    folder = str(pathlib.PurePosixPath(path).parent)
    return folder if folder in room_of else str(pathlib.PurePosixPath(folder).parent)


def main():
    arguments = [word for word in sys.argv[1:] if word != '--table']
    root = pathlib.Path(arguments[0]) if arguments else pathlib.Path(__file__).resolve().parent.parent
    room_of, may_use, of_main, wrong = read_rooms((root / 'CMakeLists.txt').read_text())
    tops = sorted({name.split('/')[0] for name in (*room_of, *of_main)})
    files = [path for top in tops for path in sorted((root / top).rglob('*')) if path.suffix in ('.h', '.cpp', '.cu', '.c')]
    arrows = collections.Counter()
    for path in files:
        name = path.relative_to(root).as_posix()
        room = room_of.get(folder_of(name, room_of))
        allowed = of_main[name] if name in of_main else may_use.get(room, set())
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            if not include:
                continue
            if include[1].split('/')[0] not in tops:
                continue  # a header of the system
            other = room_of.get(folder_of(include[1], room_of))
            if other is None or other not in allowed | {room}:
                wrong.append(f'{name}:{number}: {room} does not link {other}, and includes {include[1]}')
            elif other != room and name not in of_main:
                arrows[room, other] += 1
    if '--table' in sys.argv:
        for (room, other), count in sorted(arrows.items()):
            print(f'{room:20} {other:20} {count}')
    print('\n'.join(wrong))
    sys.exit(1 if wrong or not files or not room_of else 0)


if __name__ == '__main__':
    main()
