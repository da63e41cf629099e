"""Statistics for tests, the weights that passes made of them, and their
errors."""

import make_statistics as statistics
import numpy as np


def read(module, folder, rows, param="w"):
    """Gives the linear of `param` statistics of these rows. Their Gram matrix,
    as exactly as it is stored."""
    statistics.write(folder / "s.safetensors", {(param,): rows})
    module.run(f"llmc-read-statistics{{file={folder / 's.safetensors'}}}")
    return statistics.gather(rows)["gram"].astype("f4").astype("f8")


def unpack(packed, bits):
    """The inverse of test_quantize_rtn.pack."""
    stream = np.unpackbits(packed, axis=-1, bitorder="little")
    count = stream.shape[-1] // bits
    stream = stream[..., :count * bits].reshape(*stream.shape[:-1], count, bits)
    return (stream << np.arange(bits, dtype=np.uint8)).sum(-1).astype(np.uint8)


def stored(resources, rows, blocks, bits, dtype=np.float32, name="w"):
    """Codes [rows, blocks, block], scales and zeros [rows, blocks]."""
    codes = unpack(resources[f"{name}.q"].reshape(rows, blocks, -1), bits)
    scales = resources[f"{name}.scales"].view(dtype).reshape(rows, blocks)
    zeros = np.full((rows, blocks), 2**(bits - 1), np.uint8)
    if f"{name}.zeros" in resources:
        zeros = unpack(resources[f"{name}.zeros"].reshape(rows, -1),
                       bits)[:, :blocks]
    return codes, scales, zeros


def output_error(difference, gram):
    return np.einsum("ri,ij,rj->", difference, gram, difference)
