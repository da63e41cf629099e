"""The command llmc on a language model that can be computed by hand."""

import json
import math
import subprocess
import sys

import numpy as np
import onnx
import pytest
import toy

import llmc
from llmc.cli import main
from llmc.evaluate import protocol, windows_of


@pytest.fixture(scope="session")
def model(tmp_path_factory):
    return toy.write(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def artifact(model):
    out = model.parent / "toy.llmc"
    assert main(["compile", str(model), "-o", str(out)]) == 0
    return out


@pytest.fixture
def run(capsys):
    """Runs the command; its JSON, or the text of its error."""
    def run(*arguments, status=0):
        capsys.readouterr()
        assert main([str(a) for a in arguments]) == status
        out, err = capsys.readouterr()
        if status:
            assert out == ""
            return err
        return json.loads(out) if "--json" in arguments else out
    return run


@pytest.fixture(scope="session")
def text(tmp_path_factory):
    """A text of 200 tokens."""
    rng = np.random.default_rng(3)
    path = tmp_path_factory.mktemp("text") / "text.txt"
    path.write_text(" ".join(rng.choice(toy.WORDS, 200)))
    return path


def ids_of(path):
    return np.array([toy.VOCABULARY.index(w) for w in path.read_text().split()])


# inspect

def test_inspect(run, model):
    info = run("inspect", model, "--json")
    assert info["kind"] == "model"
    assert info["inputs"] == [{"name": "input_ids", "dtype": "int64",
                               "shape": ["batch", "sequence"]}]
    assert info["outputs"][0]["shape"] == ["batch", "sequence",
                                           len(toy.VOCABULARY)]
    assert info["dims"] == ["batch", "sequence"]
    assert info["layers"] == 1
    size = 4 * len(toy.VOCABULARY) * toy.HIDDEN
    assert [(p["name"], p["bytes"]) for p in info["params"]] == [
        ("embed", size), ("layers.0.head", size)]
    assert info["bytes"] == 2 * size
    assert [(w["name"], w["op"], w["format"]) for w in info["weights"]] == [
        ("embed", "embedding", "float32"),
        ("layers.0.head", "linear", "float32")]
    assert info["ops"]["llmc.linear"] == 1
    text = run("inspect", model)
    assert "input_ids int64 [batch, sequence]" in text
    assert "2 x float32" in text


def test_inspect_artifact(run, model, artifact, tmp_path):
    out = tmp_path / "reference.llmc"
    run("compile", model, "-o", out, "--target", "reference")
    info = run("inspect", out, "--json")
    assert info["kind"] == "artifact"
    assert info["target"]["triple"]
    size = 4 * len(toy.VOCABULARY) * toy.HIDDEN
    assert info["bytes"] == 2 * size
    # Kernels read panels of 16 or 32 rows, the last of them padded.
    packed = run("inspect", artifact, "--json")["bytes"]
    assert packed == 2 * 4 * (len(toy.VOCABULARY) + 1) * toy.HIDDEN


# compress

def test_compress(run, model, tmp_path):
    out, report = tmp_path / "small.onnx", tmp_path / "report.json"
    result = run("compress", model, "-o", out, "--bits", 4, "--group", 32,
                 "--report", report, "--json")
    assert json.loads(report.read_text()) == result
    assert [w["param"] for w in result["weights"]] == ["embed",
                                                       "layers.0.head"]
    count = len(toy.VOCABULARY) * toy.HIDDEN
    expected = count // 2 + count // 32 * 4 + len(toy.VOCABULARY)
    assert result["param_bytes_after"] == 2 * expected
    assert result["param_bytes_before"] == 2 * 4 * count
    assert out.stat().st_size == result["file_bytes"]
    assert result["notices"] == []
    # What was written reads back as what was made.
    info = run("inspect", out, "--json")
    assert info["bytes"] == 2 * expected
    assert [w["format"] for w in info["weights"]] == 2 * ["4 bit, block 32"]


def test_compress_joins_notices(model, tmp_path, capsys):
    arguments = ["compress", str(model), "-o", str(tmp_path / "small.onnx"),
                 "--bits", "2", "--group", "12"]
    assert main(arguments) == 0
    padded = [line for line in capsys.readouterr().err.splitlines()
              if "padded" in line]
    assert len(padded) == 1
    assert padded[0].endswith("(and 1 more of this kind)")
    assert main([*arguments, "--json"]) == 0
    notices = json.loads(capsys.readouterr().out)["notices"]
    assert sum("padded" in line for line in notices) == 2


def test_compress_loads_no_numpy(model, tmp_path):
    # It takes longer to load than small models to compress.
    code = ("import sys; from llmc.cli import main; "
            "assert main(sys.argv[1:]) == 0 and 'numpy' not in sys.modules")
    subprocess.run([sys.executable, "-c", code, "compress", model, "-o",
                    tmp_path / "small.onnx", "--group", "4"], check=True)


def test_compressed_model_runs_in_onnxruntime(run, model, tmp_path):
    import onnxruntime
    out = tmp_path / "small.onnx"
    run("compress", model, "-o", out, "--bits", 8, "--group", 32)
    session = onnxruntime.InferenceSession(str(out))
    ids = np.arange(20).reshape(2, 10)
    got, = session.run(None, {"input_ids": ids})
    # Both round the activations, in the same blocks.
    ours = llmc.compile(out, opt_level=0)({"input_ids": ids})["logits"]
    np.testing.assert_allclose(got, toy.logits(ids), atol=0.1)
    np.testing.assert_allclose(ours, got, atol=0.01)


@pytest.mark.parametrize("method", ["gptq", "awq", "awq+gptq"])
def test_compress_with_data(run, model, text, tmp_path, method):
    """What the linear computes on the text of the calibration is nearer to the
    float model's than with the nearest integers; ONNX Runtime computes it too,
    with scales of 8 bits that it folds when it loads the model."""
    import onnxruntime
    ids = ids_of(text)[None]
    errors = []
    for arguments in (["--method", method, "--calibration", text, "--samples",
                       4, "--sample-length", 50], []):
        out = tmp_path / "small.mlirbc"
        result = run("compress", model, "-o", out, "--bits", 3, "--group", 16,
                     "--what", "linear", "--scales", "int8", "--activations",
                     "float", "--json", *arguments)
        assert "layers.0.head" in [w["param"] for w in result["weights"]
                                   if "relative_error" in w]
        got = llmc.compile(out, opt_level=0)({"input_ids": ids})["logits"]
        errors.append(np.linalg.norm(got - toy.logits(ids)))
    assert errors[0] < 0.97 * errors[1], errors

    out = tmp_path / "small.onnx"
    run("compress", model, "-o", out, "--bits", 4, "--group", 16, "--scales",
        "int8", "--method", method, "--calibration", text, "--samples", 4,
        "--sample-length", 50, "--activations", "float")
    info = run("inspect", out, "--json")
    assert [w["format"] for w in info["weights"]] == 2 * ["4 bit, block 16"]
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    session = onnxruntime.InferenceSession(str(out), options)
    got, = session.run(None, {"input_ids": ids})
    ours = llmc.compile(out, opt_level=0)({"input_ids": ids})["logits"]
    np.testing.assert_allclose(got, ours, atol=1e-3)
    graph = onnx.load(tmp_path / "optimized.onnx").graph
    fused, = (node for node in graph.node if node.op_type == "MatMulNBits")
    assert fused.input[2] in {value.name for value in graph.initializer}


@pytest.mark.parametrize("method", ["rtn", "gptq", "awq", "awq+gptq"])
def test_compress_with_progressive_scales(run, model, text, tmp_path, method):
    """They are another form of what there is without them."""
    ids = ids_of(text)[None]
    data = [] if method == "rtn" else [
        "--calibration", text, "--samples", 4, "--sample-length", 50]
    errors = []
    for scales in (["progressive"], ["progressive", "--activation-group", 0],
                   ["float32"]):
        out = tmp_path / "small.mlirbc"
        result = run("compress", model, "-o", out, "--group", 16,
                     "--symmetric", "--method", method, "--scales", *scales,
                     "--json", *data)
        assert result["scales"] == scales[0]
        assert not any("is rounded" in line for line in result["notices"])
        assert result.get("activation_group") == (
            {1: 128, 3: 0}[len(scales)] if scales[0] == "progressive" else None)
        got = llmc.compile(out, opt_level=0)({"input_ids": ids})["logits"]
        errors.append(np.linalg.norm(got - toy.logits(ids)))
    assert max(errors) < 1.15 * errors[2], errors


@pytest.mark.parametrize("scales", ["int8", "float16", "float32"])
def test_compress_by_hqq(run, model, text, tmp_path, scales):
    """Without data and with zero points that are floats, which ONNX has too."""
    import onnxruntime
    ids = ids_of(text)[None]
    errors = []
    for method in ("rtn", "hqq"):
        out = tmp_path / "small.onnx"
        run("compress", model, "-o", out, "--method", method, "--bits", 3,
            "--group", 16, "--scales", scales, "--activations", "float")
        got = llmc.compile(out, opt_level=0)({"input_ids": ids})["logits"]
        errors.append(np.linalg.norm(got - toy.logits(ids)))
    assert errors[1] < errors[0]
    info = run("inspect", out, "--json")
    assert [w["format"] for w in info["weights"]] == \
        2 * ["3 bit, block 16, float zeros"]
    want, = onnxruntime.InferenceSession(str(out)).run(None, {"input_ids": ids})
    np.testing.assert_allclose(got, want, atol=1e-4)


@pytest.mark.parametrize("method", [None, "awq+gptq", "rtn", "hqq"])
def test_compress_to_a_budget(run, model, text, tmp_path, method):
    """The file has no more bytes than asked for; with fewer of them the error
    is larger, but less than with weights of one number of bits."""
    ids = ids_of(text)[None]
    data = [] if method in ("rtn", "hqq") else [
        "--calibration", text, "--samples", 4, "--sample-length", 50]
    options = ["--group", 16, *([] if method is None else ["--method", method]),
               "--activations", "float", "--json"]
    size = sum(f.stat().st_size for f in model.parent.glob("model.onnx*"))
    errors = []
    for budget in (["--budget", "14.5kB"], ["--target-ratio", size / 16000]):
        out = tmp_path / "small.onnx"
        result = run("compress", model, "-o", out, *budget, *options, *data)
        assert out.stat().st_size == result["file_bytes"]
        assert result["file_bytes"] <= result["file_budget"]
        bits = {w["param"]: w["bits"] for w in result["weights"]
                if w["pass"] == "llmc-allocate-bits"}
        assert set(bits) == {"embed", "layers.0.head"}
        made = {w["param"]: w["bits"] for w in result["weights"]
                if "relative_error" in w}
        assert made == bits
        got = llmc.compile(out, opt_level=0)({"input_ids": ids})["logits"]
        errors.append(np.linalg.norm(got - toy.logits(ids)))
    assert errors[1] < errors[0]


@pytest.mark.parametrize("method", [None, "kmeans", "rtn"])
@pytest.mark.parametrize("target", [None, "cpu:x86-64-v3"])
def test_compress_to_a_latency(run, model, text, tmp_path, method, target):
    """By what the backend says of the model that was written a token takes no
    longer than asked for; in less time there are fewer bits. With a budget both
    hold."""
    data = [] if method == "rtn" else [
        "--calibration", text, "--samples", 4, "--sample-length", 50]
    options = ["--group", 16, *([] if method is None else ["--method", method]),
               *([] if target is None else ["--target", target]), "--json"]
    target, out = target or "host", tmp_path / "small.onnx"

    def compress(*bounds):
        result = run("compress", model, "-o", out, *bounds, *options, *data)
        written = llmc.Module.load(out)
        written.lift()
        cost = written.cost(target=target)
        assert cost["unknown"] == 0
        assert cost["seconds"] == pytest.approx(result["predicted_seconds"])
        made = {w["param"]: w["bits"] for w in result["weights"]
                if "relative_error" in w}
        chosen = {w["param"]: w for w in result["weights"]
                  if w["pass"] == "llmc-allocate-bits"}
        assert made == {name: w["bits"] for name, w in chosen.items()}
        for weight in chosen.values():
            assert weight["model_milliseconds"] / 1e3 == pytest.approx(
                cost["seconds"])
        assert result["file_bytes"] <= result.get("file_budget", 1e9)
        return (cost["seconds"], sum(made.values()),
                sum(w["bytes"] for w in chosen.values()))

    most = compress("--latency", "1s")
    assert most[1] == 16
    # Between the fastest choice, which the error says, and this one.
    error = run("compress", model, "-o", out, "--latency", "1 us", *options,
                *data, status=1)
    least = float(error.split("fastest choice takes ")[1].split(" ms")[0]) / 1e3
    middle = (least + most[0]) / 2
    less = compress("--latency", f"{middle * 1e6}us")
    assert least <= less[0] <= middle
    assert less[1] < most[1]
    both = compress("--latency", f"{middle * 1e3}ms", "--budget",
                    2 * 4096 + int(0.85 * less[2]))
    assert both[0] <= middle and both[2] <= 0.85 * less[2]
    assert both[1] < less[1]


@pytest.mark.parametrize("scales", ["int8", "float16", "float32"])
def test_compress_to_a_budget_counts_scales(run, model, tmp_path, scales):
    result = run("compress", model, "-o", tmp_path / "small.onnx", "--group", 16,
                 "--budget", "15.8kB", "--scales", scales, "--method", "rtn",
                 "--json")
    assert result["file_bytes"] <= result["file_budget"]
    assert result["param_bytes_after"] == sum(
        w["bytes"] for w in result["weights"]
        if w["pass"] == "llmc-allocate-bits")


def test_compress_by_clusters(run, model, text, tmp_path):
    ids = ids_of(text)[None]
    errors = []
    for method in ("kmeans", "gptq"):
        out = tmp_path / "small.onnx"
        run("compress", model, "-o", out, "--method", method, "--calibration",
            text, "--samples", 4, "--sample-length", 50, "--bits", 3,
            "--group", 16, "--activations", "float")
        got = llmc.compile(out, opt_level=0)({"input_ids": ids})["logits"]
        errors.append(np.linalg.norm(got - toy.logits(ids)))
    assert errors[0] < errors[1]


def test_compress_what_and_skip(run, model, tmp_path):
    out = tmp_path / "small.onnx"
    for arguments, names in [(["--what", "linear"], ["layers.0.head"]),
                             (["--what", "embedding"], ["embed"]),
                             (["--skip", "head$"], ["embed"])]:
        result = run("compress", model, "-o", out, "--json", *arguments)
        assert [w["param"] for w in result["weights"]] == names


def test_compress_errors(run, model, tmp_path):
    out = tmp_path / "small.onnx"
    assert "rows of 64 weights are padded to 96" in run(
        "compress", model, "-o", out, "--group", 48, "--strict", status=1)
    assert "there is no weight to quantize" in run(
        "compress", model, "-o", out, "--skip", ".", status=1)
    assert "must be named" in run("compress", model, "-o", tmp_path / "m.bin",
                                  status=1)
    assert "there is no model" in run("compress", tmp_path / "none.onnx",
                                      "-o", out, status=1)
    for wrong, message in (
            (["--type", "bf16", "--bits", 4], "bits is of integers, not of the "
                                              "type bf16"),
            (["--type", "f16", "--group", 0], "group is of integers"),
            (["--type", "f16", "--symmetric"], "symmetric is of integers"),
            (["--type", "bf16", "--scales", "float32"], "scales is of integers"),
            (["--type", "f16", "--activations", "bf16"],
             "activations are float with the type f16, not 'bf16'"),
            (["--activations", "bf16"], "activations are int8 or float"),
            (["--type", "bf16", "--method", "rtn"], "method is of integers"),
            (["--method", "gptq"], "needs a text to calibrate on"),
            (["--calibration", model], "--calibration is for the methods"),
            (["--calibration", model, "--method", "hqq"],
             "--calibration is for the methods"),
            (["--method", "hqq", "--symmetric"], "leaves out the zero points"),
            (["--method", "kmeans", "--activations", "int8"],
             "--calibration"),
            (["--budget", "1MB"], "need a text to calibrate on"),
            (["--budget", "1MB", "--bits", 4], "leave --bits out"),
            (["--budget", "1MB", "--target-ratio", 2], "exclude each other"),
            (["--budget", "1MB", "--recipe", "int8"], "exclude each other"),
            (["--latency", "1ms"], "need a text to calibrate on"),
            (["--latency", "1ms", "--bits", 4], "leave --bits out"),
            (["--latency", "1ms", "--recipe", "int8"], "exclude each other"),
            (["--latency", "1ms", "--method", "rtn", "--target", "cpu:no"],
             "target 'cpu:no'"),
            (["--target", "host"], "the machine of a --latency"),
            (["--latency", "1us", "--method", "rtn"],
             "latency is 0.001 ms; the fastest choice takes 0.005"),
            (["--budget", "5kB", "--method", "rtn"], "needs without weights"),
            (["--budget", "9kB", "--method", "rtn"],
             "with 2 bits parameters take"),
            (["--scales", "progressive"], "add --symmetric"),
            (["--scales", "progressive", "--symmetric", "--bits", 8],
             "of 2 to 7 bits"),
            (["--scales", "progressive", "--method", "hqq"],
             "not of the method hqq"),
            (["--scales", "progressive", "--symmetric", "--budget", "1MB",
              "--method", "rtn"], "exclude a budget and a latency"),
            (["--scales", "progressive", "--symmetric", "--latency", "1s",
              "--method", "rtn"], "exclude a budget and a latency"),
            (["--activation-group", 64], "goes with progressive scales"),
            (["--scales", "progressive", "--symmetric", "--activations",
              "float", "--activation-group", 64], "and int8 activations"),
            (["--type", "bf16", "--activation-group", 64],
             "activation_group is of integers"),
            (["--activation-group", 64, "--recipe", "int8"],
             "--activation-group and --recipe exclude each other"),
            (["--type", "bf16", "--skip", "."], "no weight to cast")):
        assert message in run("compress", model, "-o", out, *wrong, status=1)
    assert list(tmp_path.iterdir()) == []
    for wrong in (["--type", "f8"], ["--bits", "9"], ["--group", "-1"], ["--what", "some"],
                  ["--budget", "much"], ["--latency", "3"],
                  ["--latency", "0ms"], ["--latency", "3h"], ["--target-ratio", "1"]):
        with pytest.raises(SystemExit) as stopped:
            main(["compress", str(model), "-o", str(out), *wrong])
        assert stopped.value.code == 2


@pytest.mark.parametrize("kind,epsilon", [("bf16", 2**-8), ("f16", 2**-11)])
@pytest.mark.parametrize("activations", [None, "float"])
def test_compress_to_floats(run, model, tmp_path, kind, epsilon, activations):
    """Half the bytes, for ONNX Runtime too, and the same again from ONNX."""
    import onnxruntime
    out = tmp_path / "small.onnx"
    options = ["--activations", activations] if activations else []
    result = run("compress", model, "-o", out, "--type", kind, *options,
                 "--json")
    count = len(toy.VOCABULARY) * toy.HIDDEN
    assert result["param_bytes_after"] == 2 * 2 * count
    assert [w["param"] for w in result["weights"]] == ["embed",
                                                       "layers.0.head"]
    assert all(0 < w["relative_error"] <= epsilon for w in result["weights"])
    rounds = kind == "bf16" and not activations
    assert result["activations"] == ("bf16" if rounds else "float")
    again = llmc.Module.load(out)
    again.lift()
    casts = again.ops().get("llmc.cast", 0)
    assert casts == (4 if rounds else 2), again
    assert again.run("llmc-claim-kernels").notices == []
    ids = np.arange(20).reshape(2, 10)
    session = onnxruntime.InferenceSession(str(out))
    got, = session.run(None, {"input_ids": ids})
    ours = llmc.compile(out, opt_level=0)({"input_ids": ids})["logits"]
    want = toy.logits(ids)
    largest = 4 * epsilon * np.abs(want).max()
    np.testing.assert_allclose(got, want, atol=largest)
    np.testing.assert_allclose(ours, got, atol=1e-5 * np.abs(want).max())


# run

def greedy(ids, count):
    """The most probable continuation."""
    made = []
    for _ in range(count):
        made.append(int(toy.logits(np.array([ids[-1]]))[0].argmax()))
        ids = [*ids, made[-1]]
        if made[-1] == 2:
            break
    return made


def test_run(run, artifact):
    result = run("run", artifact, "--prompt", "w1 w2 w3", "--max-tokens", 12,
                 "--json")
    assert result["prompt_tokens"] == 3
    assert result["tokens"] == greedy([toy.VOCABULARY.index("w3")], 12)
    words = [toy.VOCABULARY[t] for t in result["tokens"]]
    assert result["text"].split() == [w for w in words if w in toy.WORDS]
    assert result["generated_tokens"] == len(result["tokens"])
    assert result["tokens_per_second"] > 0
    assert run("run", artifact, "--prompt", "w1 w2 w3", "--max-tokens",
               12).strip() == result["text"]


def test_run_compiles_a_model(run, model, artifact, capsys):
    arguments = ["--prompt", "w9", "--max-tokens", "5", "--json"]
    assert main(["run", str(model), *arguments]) == 0
    out, err = capsys.readouterr()
    assert "temporary artifact" in err
    assert json.loads(out)["text"] == run("run", artifact, *arguments)["text"]


def test_run_with_a_model_that_chooses(run, model, artifact, tmp_path, capsys):
    out = tmp_path / "choosing.llmc"
    run("compile", model, "-o", out, "--top-k", 4)
    for how in ([], ["--temperature", 2, "--top-k", 4],
                ["--temperature", 2, "--top-k", 9], ["--temperature", 2]):
        got, want = (run("run", which, "--prompt", "w1", "--max-tokens", 8,
                         "--json", *how)["tokens"] for which in (out, artifact))
        assert got == want
    assert main(["compile", str(model), "-o", str(out), "--top-k", "64"]) != 0
    assert "the vocabulary has 63 tokens" in capsys.readouterr().err


def test_compile_with_bf16_attention(run, model, artifact, tmp_path, capsys):
    out = tmp_path / "narrow.llmc"
    run("compile", model, "-o", out, "--attention", "bf16")
    narrow, wide = (run("run", which, "--prompt", "w1", "--max-tokens", 8,
                        "--json")["tokens"] for which in (out, artifact))
    assert narrow == wide
    none = tmp_path / "none.mlir"
    none.write_text("""func.func @main(%x: tensor<?x4xf32> {llmc.name = "x"}) ->
        (tensor<?x4xf32> {llmc.name = "y"}) { return %x : tensor<?x4xf32> }""")
    assert main(["compile", str(none), "-o", str(tmp_path / "none.llmc"),
                 "--attention", "bf16"]) == 0
    assert "found no attention" in capsys.readouterr().err
    with pytest.raises(llmc.Error, match="f32 or bf16, not 'f16'"):
        llmc.Module.load(str(model)).compile_artifact(out, attention="f16")


def test_run_samples(run, artifact):
    def tokens(*arguments):
        return run("run", artifact, "--prompt", "w1", "--max-tokens", 8,
                   "--json", *arguments)["tokens"]

    hot = ["--temperature", 5]
    assert tokens(*hot, "--seed", 1) == tokens(*hot, "--seed", 1)
    assert len({tuple(tokens(*hot, "--seed", s)) for s in range(4)}) > 1
    assert tokens(*hot, "--top-k", 1) == tokens()
    assert tokens(*hot, "--top-p", 1e-6) == tokens()


def test_run_chat(run, artifact):
    """The template ends with <|start|>, which decides the first token."""
    result = run("run", artifact, "--prompt", "w1", "--chat", "--max-tokens", 3,
                 "--json")
    assert result["prompt_tokens"] == 4
    assert result["tokens"] == greedy([toy.VOCABULARY.index("<|start|>")], 3)


def test_run_errors(run, artifact, tmp_path):
    bare = toy.write(tmp_path / "bare", tokenizer=False)
    assert "there is no tokenizer" in run("run", bare, "--prompt", "w1",
                                          status=1)
    assert "there is no model or artifact" in run(
        "run", tmp_path / "none.onnx", "--prompt", "w1", "--tokenizer",
        artifact / "tokenizer.json", status=1)
    assert "the prompt is empty" in run("run", artifact, "--prompt", "",
                                        status=1)


# eval

def perplexity_by_hand(ids, context, stride, limit=0):
    """Straight from the definition, token by token."""
    context = min(context, len(ids))
    scores, seen = [], set()
    starts = [b for b in range(0, len(ids), stride) if b + context <= len(ids)]
    for begin in starts[:limit or None]:
        window = toy.log_probabilities(ids[begin:begin + context])
        for i, score in enumerate(window):
            position = begin + i + 1
            if position not in seen:
                seen.add(position)
                scores.append(score)
    return math.exp(-np.mean(scores)), len(scores)


@pytest.mark.parametrize("context,stride,limit", [
    (50, 0, 0), (64, 0, 0), (64, 16, 0), (300, 0, 0), (200, 0, 0), (20, 0, 3),
    (20, 5, 4), (2, 0, 0), (30, 1, 7)])
def test_eval(run, artifact, text, context, stride, limit):
    result = run("eval", artifact, "--text", text, "--context", context,
                 "--stride", stride, "--windows", limit, "--json")
    expected, count = perplexity_by_hand(ids_of(text), context,
                                         stride or context, limit)
    entry, = result["models"]
    assert entry["perplexity"] == pytest.approx(expected, rel=1e-5)
    assert entry["predictions"] == result["protocol"]["predictions"] == count
    assert entry["ratio"] == 1


def test_protocol_counts():
    assert windows_of(10, 4, 4) == [(0, 4, 0), (4, 8, 0)]
    assert windows_of(10, 4, 2) == [(0, 4, 0), (2, 6, 1), (4, 8, 1),
                                    (6, 10, 1)]
    assert windows_of(3, 8, 8) == [(0, 3, 0)]
    assert protocol(10, 4) == {"context": 4, "stride": 4, "windows": 2,
                               "tokens": 8, "predictions": 6}
    for wrong in [(1, 4, 4), (9, 1, 1), (9, 4, 5), (9, 4, 0)]:
        with pytest.raises(llmc.Error):
            windows_of(*wrong)


def test_eval_compares(run, model, artifact, text, tmp_path, capsys):
    small = tmp_path / "small.onnx"
    run("compress", model, "-o", small, "--bits", 4, "--group", 64)
    result = run("eval", artifact, small, "--tokenizer",
                 artifact / "tokenizer.json", "--text", text, "--context", 100,
                 "--json")
    first, second = result["models"]
    assert first["ratio"] == 1
    assert second["ratio"] == second["perplexity"] / first["perplexity"] != 1
    assert second["weight_bytes"] < first["weight_bytes"]
    lines = run("eval", artifact, "--text", text, "--context", 100)
    assert "windows 2" in lines and f"{first['perplexity']:.4f}" in lines


def test_eval_refuses_what_cannot_be_compared(run, artifact, text, tmp_path):
    other = toy.write(tmp_path / "other")
    file = other.with_name("tokenizer.json")
    words = json.loads(file.read_text())
    vocabulary = words["model"]["vocab"]
    vocabulary["w1"], vocabulary["w2"] = vocabulary["w2"], vocabulary["w1"]
    file.write_text(json.dumps(words))
    assert "other tokens" in run("eval", artifact, other, "--text", text,
                                 status=1)
    assert "the context is 600" in run(
        "eval", artifact, "--context", 600, "--text",
        _long_text(tmp_path / "long.txt"), status=1)


def _long_text(path):
    path.write_text("w1 " * 700)
    return path


# as a program

def test_program(model):
    def llmc_command(*arguments):
        return subprocess.run([sys.executable, "-m", "llmc", *arguments],
                              capture_output=True, text=True,
                              env={"PYTHONPATH": ":".join(sys.path)})

    done = llmc_command("inspect", str(model), "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["layers"] == 1
    failed = llmc_command("inspect", "/no/such/model.onnx")
    assert failed.returncode == 1
    assert failed.stderr == ("llmc: error: there is no model or artifact "
                             "'/no/such/model.onnx'\n")
    wrong = llmc_command("transmogrify")
    assert wrong.returncode == 2
