"""Artifacts for other architectures, run under qemu against the frameworks'
outputs: the zoo's models, its smallest ones unless --whole-zoo is given."""

import json
import pathlib
import platform
import shutil
import subprocess

import numpy as np
import pytest

import llmc
import test_cpu_bf16_attention as bf16_attention
import test_cpu_kv_cache as kv_cache
from kernels import (NF4, cast_linear, floats, halves, lookup, module, rng,
                     row_scaled, sparse, to_bf16, weight)

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSES = "llmc-lift"  # keeps past keys and values as inputs, as the cases have
SMALL = ("bert-op17-ts", "gpt2-kv-op18", "llama-op18", "lstm-op18",
         "resnet-op18")
# What qemu emulates for an architecture, beside what every machine has.
CPUS = {
    "aarch64": "cortex-a53",
    "neoverse-n1": "neoverse-n1",
    "riscv64": "rv64",
    "riscv64+v": "rv64,v=true,vext_spec=v1.0",
}

# Processors whose kernels differ, as what qemu emulates them, with no more than
# they need where it has one; and columns, of which 68 fill nothing.
KERNEL_CPUS = [
    ("aarch64", "cortex-a53", 96),
    ("aarch64+dotprod", "neoverse-n1", 68),
    ("aarch64+i8mm", "max", 68),
    ("aarch64+sve2+i8mm+bf16", "max", 96),
    ("riscv64", "rv64", 68),
    ("riscv64+v", "rv64,v=true,vext_spec=v1.0", 68),
    ("riscv64+v+zvl256b", "rv64,v=true,vext_spec=v1.0,vlen=256", 96),
    ("riscv64+v+zvl512b", "rv64,v=true,vext_spec=v1.0,vlen=512", 96),
]


def architecture(target):
    return "riscv64" if target.startswith("riscv64") else "aarch64"


@pytest.fixture(scope="session")
def runners(tmp_path_factory):
    """The runtime and a program that runs an artifact, per architecture."""
    built = {}

    def build(arch):
        needs = {f"qemu-{arch}": "qemu-user",
                 f"{arch}-linux-gnu-g++": f"g++-{arch}-linux-gnu",
                 "clang++-22": "clang-22"}
        for program, package in needs.items():
            if shutil.which(program) is None:
                pytest.skip(f"there is no {program} to run code for {arch}: "
                            f"install {package}")
        if arch in built:
            return built[arch]
        folder = tmp_path_factory.mktemp(arch)
        flags = [f"--target={arch}-linux-gnu", "-O1", f"-I{ROOT}/include"]
        subprocess.run(["clang-22", *flags, "-c",
                        ROOT / "test" / "cross" / "run-artifact.c",
                        "-o", folder / "main.o"], check=True)
        # The headers of nlohmann-json are in /usr/include.
        subprocess.run(
            ["clang++-22", *flags, "-std=c++17", '-DLLMC_VERSION="cross"',
             "-idirafter", "/usr/include",
             *sorted((ROOT / "lib" / "Runtime").glob("*.cpp")),
             folder / "main.o", "-fuse-ld=lld", "-static-libstdc++",
             "-static-libgcc", "-o", folder / "run-artifact"], check=True)
        built[arch] = folder / "run-artifact"
        return built[arch]

    return build


def run(runner, target, artifact, feeds, cpu=None):
    """The outputs of an artifact that runs once under qemu."""
    arch = architecture(target)
    manifest = json.loads((artifact / "manifest.json").read_text())
    source, result = artifact / "inputs", artifact / "outputs"
    with open(source, "wb") as file:
        for spec in manifest["inputs"]:
            value = np.asarray(feeds[spec["name"]], spec["dtype"])
            file.write(np.int64([value.ndim, *value.shape]).tobytes())
            file.write(value.tobytes())
    done = subprocess.run(
        [f"qemu-{arch}", "-L", f"/usr/{arch}-linux-gnu", "-cpu",
         cpu or CPUS[target], runner, artifact, source, result],
        capture_output=True, text=True, timeout=600)
    if "decode_save_opc: Assertion" in done.stderr:
        pytest.skip(f"qemu-{arch} ends itself: {done.stderr.strip()}")
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    data, at, outputs = result.read_bytes(), 0, {}
    for spec in manifest["outputs"]:
        rank = int(np.frombuffer(data, np.int64, 1, at)[0])
        shape = np.frombuffer(data, np.int64, rank, at + 8)
        at += 8 * (rank + 1)
        value = np.frombuffer(data, spec["dtype"], int(shape.prod()), at)
        at += value.nbytes
        outputs[spec["name"]] = value.reshape(shape)
    assert at == len(data)
    return outputs


def compile(module, target, folder):
    module.compile_artifact(folder, target=f"cpu:{target}")
    return folder


def pytest_generate_tests(metafunc):
    if "model" not in metafunc.fixturenames:
        return
    names = SMALL
    if metafunc.config.getoption("--whole-zoo"):
        from conftest import SHARED
        names = sorted(p.stem for p in (SHARED / "zoo").glob("*.onnx"))
    metafunc.parametrize("model", names)


@pytest.mark.parametrize("target", CPUS)
def test_zoo(model, target, shared, compare, runners, tmp_path):
    path = shared / "zoo" / f"{model}.onnx"
    if not path.is_file():
        pytest.skip(f"no shared data: {path}")
    runner = runners(architecture(target))
    done = subprocess.run(
        [ROOT / "build" / "bin" / "llmc-compile", path, "--passes", PASSES,
         "--target", f"cpu:{target}", "-o", tmp_path / "out"],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for feeds, expected in compare.cases(path.with_suffix(".npz")):
        outputs = run(runner, target, tmp_path / "out", feeds)
        assert compare.worst_error(feeds, expected, outputs) <= 1e-3


def rounded(x, block):
    """The numbers that llmc.quantize_dynamic makes of x."""
    rows, columns = x.shape
    x = np.pad(x, ((0, 0), (0, -columns % block))).reshape(rows, -1, block)
    largest = np.abs(x).max(axis=2, keepdims=True)
    inverse = np.divide(np.float32(127), largest, where=largest > 0,
                        out=np.zeros_like(largest))
    step = (largest / np.float32(127)).astype(np.float64)
    return (np.rint(x * inverse) * step).reshape(rows, -1)[:, :columns]


# Bits, block (0 is a row), zero points and whether activations are integers; or
# bits and codebooks of a lookup, 0 for one; or bits, block and columns of x that
# share a step. A few in each program.
FORMATS = {
    "blocks": [(4, 32, False, True), (4, 32, True, True), (3, 32, True, True),
               (2, 16, False, True), (7, 32, False, True)],
    "rows": [(8, 0, False, True), (8, 0, True, True), (6, 0, True, True),
             (4, 0, False, True)],
    "floats": [(4, 32, False, False), (3, 32, True, False), "bf16"],
    "lookups": [(2, 0), (3, 37), (4, 0), (5, 0)],
    "row scales": [(4, 32, 64), (3, 32, 96), (2, 16, 32), (7, 32, 4096)],
    "sparse": [(4, 32, False, True), (8, 64, True, True), (4, 32, True, False)],
}


def kernels():
    """All processors with all formats, except that lookups make floats, which
    AArch64's instructions for integers and bf16 leave alone."""
    return [(*cpu, formats) for cpu in KERNEL_CPUS for formats in FORMATS
            if formats != "lookups" or not cpu[0].startswith("aarch64+")]


@pytest.mark.parametrize("target, cpu, columns, formats", kernels())
def test_linear_kernels(target, cpu, columns, formats, runners, tmp_path):
    """The CPU backend's kernels with the instructions of each processor."""
    rows, count = 37, 17
    x = floats(count, columns)
    x[2] = 0
    x[5, 32:64] = 0
    x[7, 3] = 1e4
    x[9], x[10] = 1, -1
    params, body, weights, operands = {}, [], [], []
    for index, form in enumerate(FORMATS[formats]):
        name, operand, seen = f"n{index}", "x", x
        if form == "bf16":
            params["h"], values = halves(floats(rows, columns), "bf16")
            more = {}
            ops = (f"%h = llmc.weight @h : tensor<{rows}x{columns}xbf16>\n"
                   f"%{name}w = llmc.cast %h {{to = f32}} : (tensor<{rows}x"
                   f"{columns}xbf16>) -> tensor<{rows}x{columns}xf32>")
        elif len(form) == 2:
            bits, groups = form
            more, ops, values = lookup(
                rows, columns, bits, 32, groups, scales=True,
                codebook=NF4 if bits == 4 else None, name=name)
        else:
            if formats == "row scales":
                bits, block, step = form
                more, ops, values = row_scaled(name, rows, columns, bits, block)
            else:
                bits, block, zeros, integers = form
                block = block or columns
                make = sparse if formats == "sparse" else weight
                more, ops, values, *_ = make(name, rows, columns, bits, block,
                                             zeros)
                step = block if integers else 0
            if step:
                operand, seen = f"a{index}", rounded(x, min(step, columns))
                ops += (f"\n%{operand} = llmc.quantize_dynamic %x {{block = {step}"
                        f" : i64}} : (tensor<?x{columns}xf32>) -> "
                        f"tensor<?x{columns}xf32>")
        params.update(more)
        body.append(ops)
        weights.append((seen, values))
        operands.append((operand, name + "w"))
    for index, (operand, name) in enumerate(operands):
        body.append(f"%y{index} = llmc.linear %{operand}, %{name} : "
                    f"(tensor<?x{columns}xf32>, tensor<{rows}x{columns}xf32>) -> "
                    f"tensor<?x{rows}xf32>")
    width = rows * len(operands)
    body.append(
        f"%y = llmc.concat {', '.join(f'%y{i}' for i in range(len(operands)))} "
        f"{{axis = 1 : i64}} : "
        f"({', '.join([f'tensor<?x{rows}xf32>'] * len(operands))}) -> "
        f"tensor<?x{width}xf32>\nreturn %y : tensor<?x{width}xf32>")
    made = module(params, "\n".join(body),
                  f'%x: tensor<?x{columns}xf32> {{llmc.name = "x"}}',
                  f"tensor<?x{width}xf32>")
    artifact = tmp_path / "out"
    notices = made.compile_artifact(artifact, target=f"cpu:{target}")
    assert not any("no backend claims" in notice for notice in notices), notices

    def compute(x):
        return run(runners(architecture(target)), target, artifact, {"x": x},
                   cpu)["y"]

    whole = compute(x)
    assert whole.shape == (count, width)
    for index, (values, numbers) in enumerate(weights):
        got = whole[:, rows * index:rows * (index + 1)]
        values = values.astype(np.float64)
        # A number that is 0 may be a difference of two that are not.
        bound = 2e-6 * (np.abs(values).sum(axis=1, keepdims=True)
                        * np.abs(numbers).max(axis=1))
        assert np.all(np.abs(got - values @ numbers.T) <= bound), operands[index]
    for begin, end in ((0, 1), (3, 8), (2, 12), (0, 0)):
        np.testing.assert_array_equal(compute(x[begin:end]), whole[begin:end])


HALVES = """
func.func @main(%h: tensor<?xf16> {llmc.name = "h"},
                %f: tensor<?xf32> {llmc.name = "f"},
                %d: tensor<?xf64> {llmc.name = "d"},
                %i: tensor<?xi32> {llmc.name = "i"},
                %n: tensor<f32> {llmc.name = "n"})
    -> (tensor<?xf32> {llmc.name = "hf"}, tensor<?xf16> {llmc.name = "fh"},
        tensor<?xf16> {llmc.name = "dh"}, tensor<?xf16> {llmc.name = "ih"},
        tensor<?xf16> {llmc.name = "neg"}, tensor<?xf32> {llmc.name = "ib"},
        tensor<?xf32> {llmc.name = "range"}) {
  %hf = llmc.cast %h {to = f32} : (tensor<?xf16>) -> tensor<?xf32>
  %fh = llmc.cast %f {to = f16} : (tensor<?xf32>) -> tensor<?xf16>
  %dh = llmc.cast %d {to = f16} : (tensor<?xf64>) -> tensor<?xf16>
  %ih = llmc.cast %i {to = f16} : (tensor<?xi32>) -> tensor<?xf16>
  %neg = llmc.neg %h : (tensor<?xf16>) -> tensor<?xf16>
  %b = llmc.cast %i {to = bf16} : (tensor<?xi32>) -> tensor<?xbf16>
  %ib = llmc.cast %b {to = f32} : (tensor<?xbf16>) -> tensor<?xf32>
  %nb = llmc.cast %n {to = bf16} : (tensor<f32>) -> tensor<bf16>
  %minus = llmc.neg %nb : (tensor<bf16>) -> tensor<bf16>
  %one = llmc.div %nb, %nb : (tensor<bf16>, tensor<bf16>) -> tensor<bf16>
  %r = llmc.range %minus, %nb, %one
    : (tensor<bf16>, tensor<bf16>, tensor<bf16>) -> tensor<?xbf16>
  %range = llmc.cast %r {to = f32} : (tensor<?xbf16>) -> tensor<?xf32>
  return %hf, %fh, %dh, %ih, %neg, %ib, %range
    : tensor<?xf32>, tensor<?xf16>, tensor<?xf16>, tensor<?xf16>,
      tensor<?xf16>, tensor<?xf32>, tensor<?xf32>
}"""


@pytest.mark.parametrize("target", CPUS)
@pytest.mark.parametrize("cache", ["f16", "int8", "int4"])
def test_kv_cache(cache, target, runners, tmp_path):
    """Attention that rotates, rounds and reads its cache, against numpy."""
    spec = kv_cache.MODELS["halves"]
    module = kv_cache.model(*spec, cache, in_place=False)
    artifact = compile(module, target, tmp_path / "out")
    feeds = kv_cache.inputs(1, 70, *spec, cache)
    y = run(runners(architecture(target)), target, artifact, feeds)["y"]
    np.testing.assert_allclose(
        y, kv_cache.expected(feeds, *spec, cache, True), rtol=2e-5, atol=5e-6)


@pytest.mark.parametrize("target,cpu", [
    ("aarch64+bf16", "max"), ("aarch64", None), ("riscv64+v", None)])
@pytest.mark.parametrize("columns", [63, 128])
def test_bf16_linear(columns, target, cpu, runners, tmp_path):
    """Pairs of bf16, with and without an instruction for them."""
    stored, weight = halves(floats(40, columns), "bf16")
    artifact = compile(cast_linear(40, columns, "bf16", stored, True), target,
                       tmp_path / "out")
    x = floats(11, columns)
    read = to_bf16(x)
    bound = 4e-6 * (np.abs(read) @ np.abs(weight.T))
    whole, part, one = (run(runners(architecture(target)), target, artifact,
                            {"x": rows}, cpu)["y"]
                        for rows in (x, x[:5], x[10:]))
    assert np.all(np.abs(whole - read @ weight.T.astype(np.float64)) <= bound)
    assert np.array_equal(part, whole[:5]) and np.array_equal(one, whole[10:])


@pytest.mark.parametrize("target,cpu", [
    ("aarch64+bf16", "max"), ("aarch64", None), ("riscv64+v", None)])
@pytest.mark.parametrize("size", [5, 40])
def test_bf16_attention(size, target, cpu, runners, tmp_path):
    def compute(module, inputs):
        artifact = compile(module, target, tmp_path / "out")
        return [run(runners(architecture(target)), target, artifact, feeds,
                    cpu)["y"] for feeds in inputs]

    bf16_attention.check(
        bf16_attention.attention(6, 2, size, 24, ", causal"), "bf16" in target,
        compute, bf16_attention.inputs(6, 2, size, 24, (1, 5, 70), (2, 1, 3)),
        causal=True)



@pytest.mark.parametrize("opt_level", [0, 2])
@pytest.mark.parametrize("target", ["x86-64", "aarch64", "riscv64"])
def test_halves(target, opt_level, runners, tmp_path):
    """f16 and bf16 on CPUs with and without instructions for f16, against
    numpy."""
    artifact = tmp_path / "out"
    llmc.Module.parse(HALVES).compile_artifact(
        artifact, target=f"cpu:{target}", opt_level=opt_level)
    h = np.arange(2**16).astype(np.uint16).view(np.float16)
    exact = h[np.isfinite(h)].astype(np.float64)
    between = np.sort(exact)
    between = (between[1:] + between[:-1]) / 2  # ties, then beside them
    d = np.concatenate([between, between * (1 + 2.0**-40),
                        between * (1 - 2.0**-40),
                        [np.inf, -np.inf, np.nan, 1e-300, 65519.9, 65520, 1e9]])
    f = np.concatenate([between, between * (1 + 2.0**-22), rng.standard_normal(
        9999) * 1e-6, [np.inf, np.nan, 1e-40, 65519.9, 1e9]])
    feeds = {"h": h, "d": d, "f": f.astype(np.float32),
             "i": np.int32([0, 1, -2049, 65519, 65520, 257, 259, -769, 16777217,
                           2**31 - 1, -2**31]),
             "n": np.float32(100)}
    if target == "x86-64":
        if platform.machine() != "x86_64":
            pytest.skip("this machine runs no code for x86-64")
        outputs = llmc.Artifact(artifact)(feeds)
    else:
        outputs = run(runners(target), target, artifact, feeds)
    with np.errstate(over="ignore"):
        expected = {"hf": h.astype(np.float32),
                    "fh": feeds["f"].astype(np.float16),
                    "dh": d.astype(np.float16),
                    "ih": feeds["i"].astype(np.float16), "neg": -h,
                    "ib": to_bf16(feeds["i"].astype(np.float32)),
                    "range": np.arange(-100, 100)}
    for name, want in expected.items():
        np.testing.assert_array_equal(outputs[name], want, err_msg=name)


@pytest.mark.parametrize("target", [
    "x86-64-v2", "x86-64-v3", "aarch64+fullfp16", "riscv64+zfhmin", "riscv64+v",
    "riscv64+v+zfhmin", "riscv64+v+zvfhmin", "riscv64+v+zfhmin+zvfhmin"])
def test_halves_take_no_library(target, tmp_path):
    """The compiler's own has functions that convert f16; the C library none."""
    artifact = compile(llmc.Module.parse(HALVES), target, tmp_path / "out")
    code = (artifact / "module.so").read_bytes()
    assert b"llmc_invoke" in code
    for name in (b"__extendhf", b"__truncsfhf", b"__truncdfhf",
                 b"__truncsfbf"):
        assert name not in code



IDENTITY = """
func.func @main(%x: tensor<2xf32> {llmc.name = "x"})
    -> (tensor<2xf32> {llmc.name = "y"}) {
  return %x : tensor<2xf32>
}"""


@pytest.mark.parametrize("target, cpu, missing", [
    ("cortex-a53+dotprod", "cortex-a53", "dotprod"),
    ("aarch64+sve+i8mm", "cortex-a76", "sve, i8mm"),
    ("riscv64+v", "rv64", "v"),
    ("riscv64+v+zvl512b", "rv64,v=true,vext_spec=v1.0,vlen=256", "zvl512b"),
])
def test_refuses_machines_without_a_feature(target, cpu, missing, runners,
                                            tmp_path):
    artifact = compile(llmc.Module.parse(IDENTITY), target, tmp_path / "out")
    runner = runners(architecture(target))
    with pytest.raises(RuntimeError, match="needs the CPU features .*"
                                           f"\\b{missing}\\b.*, which this "
                                           "machine does not have"):
        run(runner, target, artifact, {"x": [1, 2]}, cpu)


@pytest.mark.parametrize("target, cpu", [
    ("cortex-a76", "cortex-a76"),
    ("aarch64+sve2+i8mm+bf16", "max"),
    ("riscv64+v+zvl256b", "rv64,v=true,vext_spec=v1.0,vlen=256"),
])
def test_accepts_machines_with_the_features(target, cpu, runners, tmp_path):
    artifact = compile(llmc.Module.parse(IDENTITY), target, tmp_path / "out")
    outputs = run(runners(architecture(target)), target, artifact,
                  {"x": [1, 2]}, cpu)
    np.testing.assert_array_equal(outputs["y"], np.float32([1, 2]))


def test_refuses_other_architectures(tmp_path):
    artifact = compile(llmc.Module.parse(IDENTITY), "riscv64",
                       tmp_path / "out")
    with pytest.raises(llmc.Error, match="the artifact is for riscv64-unknown-"
                                         "linux-gnu, and this machine is"):
        llmc.Artifact(artifact)


def test_leaves_extensions_unused_that_no_runtime_checks(tmp_path):
    """A vendor's own, which the CPU has and code generation would use."""
    notices = llmc.Module.parse(IDENTITY).compile_artifact(
        tmp_path / "out", target="cpu:xiangshan-nanhu+xtheadba")
    assert any("leaves extensions unused that the runtime cannot check: " in n
               and "xtheadba" in n for n in notices), notices
    features = json.loads((tmp_path / "out" / "manifest.json").read_text())[
        "target"]["features"]
    assert {"f", "d", "c", "zba", "zbb"} <= set(features)
