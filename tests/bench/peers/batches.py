"""Made-up training batches that both sides of a race read: boxes, background masks and label maps at crop size."""


def boxes_and_masks(random, images, size, classes=21):
    """1 to 4 boxes per image, 50 for 20 images: boxes [R,5] float32 as the authors normalise them (x / ((W-1)/2) - 1, ...,
    class), image_of_box [R], and bg_mask [N,1,H,W], 1 outside all boxes."""
    import numpy
    boxes, image_of_box, masks = [], [], numpy.ones((images, 1, size, size), 'uint8')
    for i in range(images):
        for _ in range(1 + i % 4):
            centre, half = random.uniform(.15, .85, 2), random.uniform(.08, .33, 2)
            corners = numpy.concatenate([centre - half, centre + half]).clip(.01, .99)
            boxes.append([*(corners * 2 - 1), random.integers(1, classes)])
            image_of_box.append(i)
            x0, y0, x1, y1 = (corners * (size - 1)).astype(int)
            masks[i, 0, y0:y1, x0:x1] = 0
    return numpy.array(boxes, 'float32'), numpy.array(image_of_box, 'int64'), masks


def label_maps(random, boxes, image_of_box, images, size):
    """Y_crf and Y_ret [N,H,W]: an ellipse per box, a smaller one with noise; a strip of every third image is padding."""
    import numpy
    y, x = numpy.mgrid[:size, :size] / ((size - 1) / 2) - 1
    y_crf, y_ret = (numpy.zeros((images, size, size), 'uint8') for _ in range(2))
    for (x0, y0, x1, y1, class_id), i in zip(boxes, image_of_box):
        from_centre = ((2 * x - x0 - x1) / (x1 - x0)) ** 2 + ((2 * y - y0 - y1) / (y1 - y0)) ** 2
        y_crf[i][from_centre < 1] = class_id
        y_ret[i][from_centre < .6] = class_id
    is_noise = random.random(y_ret.shape) < .1
    y_ret[is_noise] = random.integers(0, 21, int(is_noise.sum()), 'uint8')
    y_crf[::3, -size // 8:] = y_ret[::3, -size // 8:] = 255
    return y_crf, y_ret


def labelled(random, images, size):
    """All of the above, by the names that both sides read them by."""
    boxes, image_of_box, masks = boxes_and_masks(random, images, size)
    y_crf, y_ret = label_maps(random, boxes, image_of_box, images, size)
    return {'in/boxes': boxes, 'in/image_of_box': image_of_box, 'in/bg_mask': masks, 'in/mask_crf': y_crf, 'in/mask_ret': y_ret}


def write(path, arrays):
    import h5py
    with h5py.File(path, 'w') as file:
        for name, values in arrays.items():
            file[name] = values
