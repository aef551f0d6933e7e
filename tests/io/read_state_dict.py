"""Prints the tensors of a checkpoint as NAME|DTYPE|SHAPE|CRC32 OF THE VALUES, for checkpoint_test.cpp.

Usage: read_state_dict.py torch|plain FILE
torch: through torch.load(weights_only=True). plain: through Python's own zipfile and pickle, without torch.
"""
import collections
import pickle
import sys
import zipfile
import zlib

how, path = sys.argv[1:]


def show(name, dtype, shape, data):
    print(name, dtype, ",".join(map(str, shape)), "%08x" % zlib.crc32(data), sep="|")


if how == "torch":
    import torch

    state = torch.load(path, weights_only=True)
    assert isinstance(state, collections.OrderedDict), type(state)
    for name, tensor in state.items():
        assert not tensor.requires_grad and tensor.is_contiguous()
        storage = tensor.untyped_storage()
        assert storage.nbytes() == tensor.nbytes
        show(name, str(tensor.dtype)[len("torch."):], tensor.shape, bytes(storage))
else:
    archive = zipfile.ZipFile(path)
    assert archive.testzip() is None
    folder = archive.namelist()[0].split("/")[0]
    storages = {"FloatStorage": ("float32", 4), "DoubleStorage": ("float64", 8), "HalfStorage": ("float16", 2),
                "BFloat16Storage": ("bfloat16", 2), "LongStorage": ("int64", 8), "IntStorage": ("int32", 4),
                "ShortStorage": ("int16", 2), "CharStorage": ("int8", 1), "ByteStorage": ("uint8", 1),
                "BoolStorage": ("bool", 1)}

    def rebuild(storage, offset, shape, stride, requires_grad, hooks):
        dtype, size, data = storage
        count = 1
        for side in shape:
            count *= side
        assert offset == 0 and requires_grad is False and hooks == {} and len(data) == count * size
        step = 1
        for side, s in reversed(list(zip(shape, stride))):
            assert s == step or side <= 1 or count == 0, (shape, stride)
            step *= side
        return dtype, shape, data

    class Unpickler(pickle.Unpickler):
        def find_class(self, module, name):
            if (module, name) == ("collections", "OrderedDict"):
                return collections.OrderedDict
            if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
                return rebuild
            return storages[name] if module == "torch" else 1 / 0

        def persistent_load(self, pid):
            kind, (dtype, size), key, location, count = pid
            assert kind == "storage" and location == "cpu"
            data = archive.read("%s/data/%s" % (folder, key))
            assert len(data) == count * size
            return dtype, size, data

    for name, (dtype, shape, data) in Unpickler(archive.open(folder + "/data.pkl")).load().items():
        show(name, dtype, shape, data)
