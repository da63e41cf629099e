"""numpy arrays as the extensions take and return them: the name of the element
type, the shape and the bytes, which covers types that numpy itself lacks."""

import functools

import numpy as np

from ._errors import Error


@functools.cache
def dtype_of(name):
    """The numpy type of that name; ml_dtypes has those that numpy lacks."""
    try:
        return np.dtype(name)
    except TypeError:
        pass
    try:
        import ml_dtypes
        return np.dtype(getattr(ml_dtypes, name))
    except ImportError:
        raise Error(f"the type {name} needs the package ml_dtypes") from None
    except AttributeError:
        raise Error(f"the type {name} has no equivalent in numpy") from None


def to_bytes(spec, value):
    """`value`, for the input that `spec` describes, as (type, shape, array); not
    copied where it is contiguous."""
    dtype = dtype_of(spec.dtype)
    array = np.asarray(value)
    # Plain Python numbers have no type of their own.
    if not isinstance(value, np.ndarray) and not hasattr(value, "__array__"):
        array = array.astype(dtype, casting="same_kind")
    if array.dtype != dtype:
        raise Error(f"input '{spec.name}' has type {array.dtype}, expected "
                    f"{spec.dtype}")
    # ascontiguousarray makes an array of rank 0 one of rank 1.
    return spec.dtype, array.shape, np.ascontiguousarray(array)


def from_bytes(dtype, shape, memory):
    """An array over `memory`, an object with the buffer protocol."""
    return np.ndarray(shape, dtype_of(dtype), memory)


def bind_inputs(specs, feeds):
    """The feeds in the order of the specs; names must fit exactly."""
    unknown = set(feeds) - {spec.name for spec in specs}
    if unknown:
        raise Error("there is no input " + ", ".join(
            f"'{name}'" for name in sorted(unknown)) + "; the inputs are "
            + ", ".join(f"'{spec.name}'" for spec in specs))
    missing = [spec.name for spec in specs if spec.name not in feeds]
    if missing:
        raise Error("no value for the input " + ", ".join(
            f"'{name}'" for name in missing))
    return [to_bytes(spec, feeds[spec.name]) for spec in specs]
