"""Lifts every model of a folder and compares how many ops of each kind it has with a table.

    python count_ops.py --zoo FOLDER --expect zoo-counts.txt [--write]

The table has a row per model; `--write` makes it anew. Ends with a line `N models, M differ`.
"""
import argparse, collections, pathlib, re, subprocess, sys, tempfile

OPS = ["linear", "embedding", "rms_norm", "layer_norm", "gelu", "silu", "rope", "attention"]


def count(model):
    """How many ops of each kind `model` has after llmc-lift."""
    with tempfile.TemporaryDirectory() as folder:
        module = pathlib.Path(folder) / "model.mlirbc"
        for command in (
                ["llmc-translate", str(model), "--emit-bytecode", "-o", str(module)],
                ["llmc-opt", str(module), "--llmc-lift", "--mlir-print-local-scope",
                 "--mlir-elide-resource-strings-if-larger=64"]):
            done = subprocess.run(command, capture_output=True)
            if done.returncode:
                raise RuntimeError(done.stderr.decode().strip())
    ops = collections.Counter(re.findall(r"= llmc\.(\w+)", done.stdout.decode()))
    return [ops[op] for op in OPS]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zoo", type=pathlib.Path, required=True)
    parser.add_argument("--expect", type=pathlib.Path, required=True)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    rows = {}
    for model in sorted(args.zoo.glob("*.onnx")):
        try:
            rows[model.stem] = count(model)
        except RuntimeError as problem:
            rows[model.stem] = [str(problem).splitlines()[0][:120]]
    lines = [f"{'model':24}" + "".join(f"{op:>11}" for op in OPS)]
    lines += [f"{name:24}" + "".join(f"{value:>11}" for value in row) for name, row in rows.items()]
    print("\n".join(lines))
    if args.write:
        args.expect.write_text("\n".join(lines) + "\n")
        return 0
    expected = args.expect.read_text().splitlines()
    wrong = [line for line in lines if line not in expected] + [line for line in expected if line not in lines]
    for line in wrong:
        print(f"{'expected' if line in expected else 'got':9}{line}")
    print(f"{len(rows)} models, {len(wrong)} lines differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
