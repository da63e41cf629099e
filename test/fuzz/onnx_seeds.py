"""Writes small ONNX models for the fuzzer to start from: onnx_seeds.py FOLDER.

The node tests of the onnx package cover every op; the malformed models of the importer's own test cover its errors."""

import pathlib
import shutil
import sys

import onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Onnx/Inputs"))
import bad_models  # noqa: E402

MAX_BYTES = 3000


def main():
    folder = pathlib.Path(sys.argv[1])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    data = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
    seeds = {path.parent.name: path.read_bytes() for path in sorted(data.glob("*/model.onnx"))
             if path.stat().st_size <= MAX_BYTES}
    if not seeds:
        sys.exit(f"error: no models in {data}")
    for name, function in bad_models.CASES.items():
        made = function(folder / f"{name}.onnx")
        if isinstance(made, onnx.ModelProto):
            made = made.SerializeToString()
        if isinstance(made, bytes) and len(made) <= MAX_BYTES:
            seeds[name] = made
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name, model in seeds.items():
        (folder / name).write_bytes(model)


if __name__ == "__main__":
    main()
