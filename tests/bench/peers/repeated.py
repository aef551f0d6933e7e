"""VOC folders of any length: the images of a small one again and again, under new names."""
import subprocess


def draw_small(prepare, folder):
    """A VOC folder of 240 synthetic images of 48 to 64 pixels, as small as they may be: pixels should cost little."""
    subprocess.run([prepare, 'synthetic', '--output', folder, '--images', '240', '--size-min', '48', '--size-max', '64', '--quiet'],
                   check=True)


def repeat(source, folder, lengths, masks='SegmentationClassAug'):
    """Makes `folder` with a list for each of `lengths` ({split: images}), no image in two of them; its files are links into
    `source`. Returns the pairs (new name, name in source)."""
    (folder / 'ImageSets/Segmentation').mkdir(parents=True)
    kinds = {'JPEGImages': 'jpg', 'Annotations': 'xml', masks: 'png'}
    for kind in kinds:
        (folder / kind).mkdir()
    if (source / 'classes.txt').exists():
        (folder / 'classes.txt').symlink_to((source / 'classes.txt').resolve())
    ids = sorted(path.stem for path in (source / masks).glob('*.png'))
    pairs = []
    for split, length in lengths.items():
        chosen = [(f'{i:06}', ids[i % len(ids)]) for i in range(len(pairs), len(pairs) + length)]
        for name, old in chosen:
            for kind, ending in kinds.items():
                (folder / kind / f'{name}.{ending}').symlink_to((source / kind / f'{old}.{ending}').resolve())
        (folder / f'ImageSets/Segmentation/{split}.txt').write_text(''.join(f'{name}\n' for name, _ in chosen))
        pairs += chosen
    return pairs
