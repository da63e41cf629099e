"""Weights rounded to the nearest code, for the models of peers."""

import numpy as np


def _tiles(weight, rows=1024):
    """Pieces of a large matrix, so that temporaries stay small."""
    for start in range(0, weight.shape[0], rows):
        yield start, np.ascontiguousarray(weight[start:start + rows])


def int_blocks(weight, bits, block):
    """[out, in] as MatMulNBits stores it: codes ui8[out, blocks, bytes], the
    first one lowest, and scales f32[out, blocks]. The zero point is the middle
    of the range, as MatMulNBits assumes where none is given."""
    rows, columns = weight.shape
    if columns % block:
        raise SystemExit(f"error: blocks of {block} do not divide a row of "
                         f"{columns}")
    per_byte, middle = 8 // bits, 1 << bits - 1
    codes = np.empty((rows, columns // block, block // per_byte), np.uint8)
    scales = np.empty((rows, columns // block), np.float32)
    for start, tile in _tiles(weight):
        tile = tile.reshape(len(tile), -1, block)
        # The value of largest magnitude becomes code 0.
        largest = np.abs(tile).argmax(axis=2)[..., None]
        scale = np.take_along_axis(tile, largest, 2) / np.float32(-middle)
        with np.errstate(divide="ignore"):
            inverse = np.where(scale == 0, np.float32(0), 1 / scale)
        code = np.clip(np.rint(tile * inverse) + middle, 0, 2 * middle - 1)
        code = code.astype(np.uint8)
        packed = codes[start:start + len(tile)]
        packed[...] = 0
        for i in range(per_byte):
            packed |= code[..., i::per_byte] << np.uint8(i * bits)
        scales[start:start + len(tile)] = scale[..., 0]
    return codes, scales


def int8_channels(weight):
    """[out, in] as signed codes and a scale for each row."""
    codes = np.empty(weight.shape, np.int8)
    scales = np.empty(weight.shape[0], np.float32)
    for start, tile in _tiles(weight):
        scale = np.maximum(np.abs(tile).max(axis=1, keepdims=True),
                           np.float32(1e-30)) / np.float32(127)
        codes[start:start + len(tile)] = np.rint(tile / scale)
        scales[start:start + len(tile)] = scale[:, 0]
    return codes, scales
