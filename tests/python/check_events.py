"""Reads a training folder with TensorBoard's own reader and compares it with log.jsonl, for events_test.cpp.

Usage: check_events.py FOLDER STEPS PICTURES OPTION=VALUE...
STEPS: the last step of the log; PICTURES: how many there must be, their size as HEIGHTxWIDTH after a colon.
"""
import io
import json
import pathlib
import sys

import numpy
from PIL import Image
from tensorboard.backend.event_processing import event_accumulator, event_file_loader
from tensorboard.util import tensor_util

folder, last_step = pathlib.Path(sys.argv[1]), int(sys.argv[2])
pictures, size = sys.argv[3].split(":")
options = dict(argument.split("=", 1) for argument in sys.argv[4:])

# purge_orphaned_data=False: what the files hold, not what the reader repairs.
for repairs in (False, True):
    events = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0},
                                                purge_orphaned_data=repairs)
    events.Reload()
    log = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    assert log and log[-1]["step"] == last_step, log[-1:]
    names = [name for name in log[0] if name != "step"]
    assert set(events.Tags()["scalars"]) == set(names), (events.Tags()["scalars"], names)
    for name in names:
        found = [(e.step, numpy.float32(e.value)) for e in events.Scalars(name)]
        assert found == [(line["step"], numpy.float32(line[name])) for line in log], (name, found)

    (tag,) = events.Tags()["images"]
    images = events.Images(tag)
    assert len(images) == int(pictures), [i.step for i in images]
    assert images[0].step == 1 and all(a.step < b.step for a, b in zip(images, images[1:])), [i.step for i in images]
    for image in images:
        pixels = Image.open(io.BytesIO(image.encoded_image_string))
        pixels.load()
        assert pixels.format == "PNG" and pixels.mode == "RGB"
        assert f"{pixels.height}x{pixels.width}" == size == f"{image.height}x{image.width}", pixels.size
        assert len(pixels.getcolors(1 << 24)) > 8, "a picture of hardly any colours"

    assert events.Tags()["tensors"] == ["options"], events.Tags()["tensors"]
    assert events.SummaryMetadata("options").plugin_data.plugin_name == "text"  # what the TEXT tab shows
    (text,) = events.Tensors("options")
    table = tensor_util.make_ndarray(text.tensor_proto).item().decode().splitlines()
    assert table[:2] == ["| option | value |", "|---|---|"], table[:2]
    shown = dict(line.strip("| ").split(" | ") for line in table[2:])
    for name, value in options.items():
        assert shown.get(name) == value, (name, shown.get(name), value)

# No step twice and none before another, in the order in which the files are read; times are those of today.
files = sorted(folder.glob("events.out.tfevents.*"))
steps, times = [], []
for file in files:
    for event in event_file_loader.RawEventFileLoader(str(file)).Load():
        parsed = event_file_loader.event_pb2.Event.FromString(event)
        times.append(parsed.wall_time)
        if parsed.summary.value and parsed.summary.value[0].HasField("simple_value"):
            steps.append(parsed.step)
assert steps == sorted(set(steps)), steps
assert times == sorted(times) and times[-1] - times[0] < 86400
print(f"{len(files)} files, {len(steps)} lines, {pictures} pictures, {len(shown)} options")
