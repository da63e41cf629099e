"""How models are put together: control flow, functions, where weights lie, and
every version of the format. What a model computes comes from ONNX Runtime, or
from ONNX's own reference where ONNX Runtime does not take the model, and must
be the same in llmc's compiled code, and in ONNX Runtime and in llmc on what llmc
exports."""

import numpy as np
import pytest

import llmc

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402
from onnx.reference import ReferenceEvaluator  # noqa: E402

rng = np.random.default_rng(9)
FLOAT, INT64, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
value = helper.make_tensor_value_info
node = helper.make_node
opset = helper.make_opsetid


def floats(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def tensor(array, name):
    return numpy_helper.from_array(np.asarray(array), name)


def make_model(graph, version=18, ir_version=9, domains=(), functions=()):
    return helper.make_model(
        graph, ir_version=ir_version, functions=list(functions),
        opset_imports=[opset("", version), *(opset(d, 1) for d in domains)])


def run_ort(model):
    options = ort.SessionOptions()
    options.log_severity_level = 4
    session = ort.InferenceSession(
        model if isinstance(model, str) else model.SerializeToString(), options,
        providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return lambda feeds: dict(zip(names, session.run(None, feeds)))


def run_reference(model):
    evaluator = ReferenceEvaluator(model)
    return lambda feeds: dict(zip(evaluator.output_names,
                                  evaluator.run(None, feeds)))


def compare(expected, got, atol=1e-5):
    assert list(got) == list(expected)
    for name, want in expected.items():
        assert got[name].dtype == want.dtype and got[name].shape == want.shape
        np.testing.assert_allclose(got[name], want, atol=atol, rtol=1e-5)


def check(model, tmp_path, *cases, reference=run_ort):
    """Returns the exported model."""
    source, target = tmp_path / "in.onnx", tmp_path / "out.onnx"
    if isinstance(model, onnx.ModelProto):
        onnx.save(model, source)
        expected = reference(model)
    else:
        source, expected = model, reference(str(model))
    llmc.Module.load(source).export_onnx(target)
    for run in (llmc.compile(source, opt_level=0), run_ort(str(target)),
                llmc.compile(target, opt_level=0)):
        for feeds in cases:
            compare(expected(feeds), run(feeds))
    return onnx.load(target)


def ops(graph):
    return [n.op_type for n in graph.node]


def dims(values):
    return {v.name: [d.dim_param or d.dim_value for d in
                     v.type.tensor_type.shape.dim] for v in values}


# Control flow ---------------------------------------------------------------

HEADS, SIZE, WORDS = 2, 4, 11


def decoder_nodes(prefix, cached):
    """One layer without a mask or positions, which is enough to tell the
    branches apart. Weights are around it, small integers are inside."""
    name = lambda n: f"{prefix}/{n}"  # noqa: E731
    nodes = [
        node("Gather", ["embed", "input_ids"], [name("x")]),
        node("MatMul", [name("x"), "w_k"], [name("flat")]),
        node("Reshape", [name("flat"), name("heads")], [name("split")]),
        node("Transpose", [name("split")], [name("new")], perm=[0, 2, 1, 3])]
    present = name("present")
    if cached:
        nodes.append(node("Concat", ["past.key", name("new")], [present],
                          axis=-2))
    else:
        nodes.append(node("Identity", [name("new")], [present]))
    nodes += [
        node("ReduceMean", [present, name("axes")], [name("mean")], keepdims=0),
        node("Reshape", [name("mean"), name("row")], [name("context")]),
        node("Add", [name("x"), name("context")], [name("sum")]),
        node("MatMul", [name("sum"), "w_out"], [name("logits")])]
    return helper.make_graph(
        nodes, prefix, [],
        [value(name("logits"), FLOAT, ["batch", "sequence", WORDS]),
         value(present, FLOAT, ["batch", HEADS, "total" if cached
                                else "sequence", SIZE])],
        [tensor(np.array([0, 0, HEADS, SIZE]), name("heads")),
         tensor(np.array([2]), name("axes")),
         tensor(np.array([0, 1, HEADS * SIZE]), name("row"))])


def merged_decoder(constant=None):
    hidden = HEADS * SIZE
    weights = [tensor(floats(*shape), name) for name, shape in [
        ("embed", (WORDS, hidden)), ("w_k", (hidden, hidden)),
        ("w_out", (hidden, WORDS))]]
    inputs = [value("input_ids", INT64, ["batch", "sequence"]),
              value("past.key", FLOAT, ["batch", HEADS, "past", SIZE])]
    if constant is None:
        inputs.append(value("use_cache_branch", BOOL, [1]))
    else:
        weights.append(tensor(np.array([constant]), "use_cache_branch"))
    graph = helper.make_graph(
        [node("If", ["use_cache_branch"], ["logits", "present.key"],
              name="optimum::if", then_branch=decoder_nodes("cached", True),
              else_branch=decoder_nodes("first", False))],
        "merged", inputs,
        [value("logits", FLOAT, ["batch", "sequence", WORDS]),
         value("present.key", FLOAT, ["batch", HEADS, "past + sequence", SIZE])],
        weights)
    return make_model(graph)


def decoder_feeds(flag, past=3, length=2):
    return {"input_ids": rng.integers(0, WORDS, (2, length)),
            "past.key": floats(2, HEADS, past, SIZE),
            **({} if flag is None else {"use_cache_branch": np.array([flag])})}


def test_merged_decoder(tmp_path):
    model = merged_decoder()
    made = check(model, tmp_path, decoder_feeds(False, past=0, length=5),
                 decoder_feeds(True, length=1), decoder_feeds(True),
                 decoder_feeds(False))
    # The condition of shape [1] becomes the scalar that it stands for.
    assert ops(made.graph) == ["Reshape", "If"]
    assert dims(made.graph.input) == dims(model.graph.input)
    assert {t.name for t in made.graph.initializer} >= {"embed", "w_k", "w_out"}


@pytest.mark.parametrize("branch", [False, True])
def test_merged_decoder_with_a_constant_condition(tmp_path, branch):
    made = check(merged_decoder(branch), tmp_path,
                 decoder_feeds(None, length=1), decoder_feeds(None))
    assert "If" not in ops(made.graph)
    assert ops(made.graph).count("Concat") == branch


def branches(condition, output, one, other):
    """An If whose branches are lists of nodes that end in `output`."""
    make = lambda name, nodes: helper.make_graph(  # noqa: E731
        nodes, name, [], [value(nodes[-1].output[0], FLOAT, None)])
    return node("If", [condition], [output], then_branch=make("t", one),
                else_branch=make("e", other))


def test_nested_if(tmp_path):
    """The inner branches read values of both graphs around them."""
    inner = branches("negative", "inner", [
        node("Neg", ["local"], ["i1"]), node("Add", ["i1", "x"], ["i2"])],
        [node("Mul", ["local", "outer"], ["i3"])])
    outer = branches("big", "y", [
        node("Mul", ["x", "w"], ["local"]), inner,
        node("Add", ["inner", "outer"], ["o1"])],
        [node("Identity", ["outer"], ["o2"])])
    graph = helper.make_graph(
        [node("Add", ["x", "w"], ["outer"]), outer], "nested",
        [value("x", FLOAT, ["n", 3]), value("big", BOOL, []),
         value("negative", BOOL, [])],
        [value("y", FLOAT, ["n", 3])], [tensor(floats(3), "w")])
    cases = [{"x": floats(4, 3), "big": np.array(big),
              "negative": np.array(negative)}
             for big in (False, True) for negative in (False, True)]
    made = check(make_model(graph), tmp_path, *cases)
    assert ops(made.graph) == ["Add", "If"]


def loop_model(body_nodes, body_outputs, outputs, inputs=(), trips="",
               condition="", initializers=()):
    body = helper.make_graph(
        body_nodes, "body",
        [value("i", INT64, []), value("go", BOOL, []),
         value("state", FLOAT, ["n", 3])],
        [value(name, kind, shape) for name, kind, shape in body_outputs])
    return make_model(helper.make_graph(
        [node("Loop", [trips, condition, "x"], [o for o, _ in outputs],
              body=body)],
        "loop", [value("x", FLOAT, ["n", 3]), *inputs],
        [value(o, FLOAT, shape) for o, shape in outputs], list(initializers)))


def test_loop_of_a_number_of_trips(tmp_path):
    """A state, and one row of each iteration; weights of the graph around."""
    model = loop_model(
        [node("MatMul", ["state", "w"], ["product"]),
         node("Tanh", ["product"], ["next"]),
         node("Cast", ["i"], ["step"], to=FLOAT),
         node("Mul", ["next", "step"], ["row"]),
         node("Identity", ["go"], ["again"])],
        [("again", BOOL, []), ("next", FLOAT, ["n", 3]),
         ("row", FLOAT, ["n", 3])],
        [("y", ["n", 3]), ("rows", ["trips", "n", 3])],
        [value("trips", INT64, [])], trips="trips",
        initializers=[tensor(floats(3, 3), "w")])
    check(model, tmp_path, *({"x": floats(2, 3), "trips": np.array(trips)}
                             for trips in (4, 1, 0)))


def test_loop_whose_state_grows(tmp_path):
    """The body is read again with the types that it turned out to have; weights
    inside and around it keep their names."""
    model = loop_model(
        [node("MatMul", ["state", "outer"], ["product"]),
         node("Add", ["product", "inner"], ["row"]),
         node("Concat", ["state", "row"], ["next"], axis=0),
         node("Identity", ["go"], ["again"])],
        [("again", BOOL, []), ("next", FLOAT, ["more", 3])],
        [("y", ["total", 3])], [value("trips", INT64, [])], trips="trips",
        initializers=[tensor(floats(3, 3), "outer")])
    # A fixed size at the start, so that the first reading has it.
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2
    body = model.graph.node[0].attribute[0].g
    body.initializer.append(tensor(floats(3), "inner"))
    made = check(model, tmp_path, *({"x": floats(2, 3), "trips": np.array(n)}
                                    for n in (3, 1, 0)))
    assert {t.name for t in made.graph.initializer} >= {"outer", "inner"}


def test_loop_until_a_condition_fails(tmp_path):
    model = loop_model(
        [node("Mul", ["state", "two"], ["next"]),
         node("ReduceMax", ["next"], ["most"], keepdims=0),
         node("Less", ["most", "limit"], ["again"])],
        [("again", BOOL, []), ("next", FLOAT, ["n", 3])],
        [("y", ["n", 3])], condition="start", initializers=[
            tensor(np.array(True), "start"), tensor(np.float32(2), "two"),
            tensor(np.float32(50), "limit")])
    check(model, tmp_path, {"x": np.abs(floats(2, 3)) + 1})


@pytest.mark.parametrize("direction", [0, 1])
def test_scan(tmp_path, direction):
    body = helper.make_graph(
        [node("Add", ["sum", "row"], ["next"]),
         node("Mul", ["next", "w"], ["out"])], "body",
        [value("sum", FLOAT, [3]), value("row", FLOAT, [3])],
        [value("next", FLOAT, [3]), value("out", FLOAT, [3])])
    model = make_model(helper.make_graph(
        [node("Scan", ["start", "x"], ["total", "sums"], body=body,
              num_scan_inputs=1, scan_input_directions=[direction])],
        "scan", [value("start", FLOAT, [3]), value("x", FLOAT, ["n", 3])],
        [value("total", FLOAT, [3]), value("sums", FLOAT, ["n", 3])],
        [tensor(floats(3), "w")]))
    check(model, tmp_path, *({"start": floats(3), "x": floats(n, 3)}
                             for n in (5, 1)))


# Functions ------------------------------------------------------------------

def reference_attribute(name, of, kind):
    return onnx.AttributeProto(name=name, ref_attr_name=of, type=kind)


def functions():
    """A function that calls another, with an overload; attributes that are
    passed on, and defaults; each with an opset of its own."""
    scaled = node("Cast", ["s0"], ["s"], to=FLOAT)
    constant = node("Constant", [], ["s0"])
    constant.attribute.append(
        reference_attribute("value_float", "factor", onnx.AttributeProto.FLOAT))
    scale = helper.make_function(
        "local", "Scale", ["x"], ["y"],
        [constant, scaled, node("Mul", ["x", "s"], ["y"])], [opset("", 18)],
        attribute_protos=[helper.make_attribute("factor", 3.0)])
    shift = helper.make_function(
        "local", "Scale", ["x"], ["y"],
        [constant, node("Add", ["x", "s0"], ["y"])], [opset("", 18)],
        ["factor"], overload="shift")
    # Opset 11, where the axes of ReduceSum are an attribute.
    call = node("Scale", ["t"], ["u"], domain="local")
    call.attribute.append(
        reference_attribute("factor", "alpha", onnx.AttributeProto.FLOAT))
    outer = helper.make_function(
        "local", "Outer", ["x", "bias"], ["y", "z"],
        [node("ReduceSum", ["x"], ["t"], axes=[1], keepdims=1), call,
         node("Add", ["u", "bias"], ["y"]),
         node("Scale", ["x"], ["z"], domain="local")],
        [opset("", 11), opset("local", 1)], ["alpha"])
    return [scale, shift, outer]


def test_functions(tmp_path):
    calls = [node("Outer", ["x", "b"], ["p", "q"], domain="local", alpha=0.5,
                  name="first"),
             node("Outer", ["q", "b"], ["r", "s"], domain="local", alpha=2.0,
                  name="second"),
             node("Scale", ["s"], ["t"], domain="local", overload="shift",
                  factor=7.0)]
    graph = helper.make_graph(
        calls, "calls", [value("x", FLOAT, ["n", 3])],
        [value("p", FLOAT, ["n", 1]), value("r", FLOAT, ["n", 1]),
         value("t", FLOAT, ["n", 3])], [tensor(floats(1), "b")])
    model = make_model(graph, 18, 10, ["local"], functions())
    x = floats(4, 3)
    b = numpy_helper.to_array(model.graph.initializer[0])
    q = 3 * x
    want = {"p": 0.5 * x.sum(1, keepdims=True) + b,
            "r": 2 * q.sum(1, keepdims=True) + b, "t": 3 * q + 7}
    made = check(model, tmp_path, {"x": x}, reference=lambda _: lambda _: want)
    assert not made.functions
    assert {n.domain for n in made.graph.node} == {""}


def test_function_with_weights(tmp_path):
    """Its calls share the weights."""
    weight = floats(40, 40)
    function = helper.make_function(
        "local", "Layer", ["x"], ["y"],
        [node("Constant", [], ["w"], value=tensor(weight, "w")),
         node("MatMul", ["x", "w"], ["y"])], [opset("", 18)])
    graph = helper.make_graph(
        [node("Layer", ["x"], ["t"], domain="local"),
         node("Layer", ["t"], ["y"], domain="local")], "layers",
        [value("x", FLOAT, ["n", 40])], [value("y", FLOAT, ["n", 40])])
    made = check(make_model(graph, 18, 8, ["local"], [function]), tmp_path,
                 {"x": floats(2, 40) / 40})
    assert len(made.graph.initializer) == 1


def test_function_that_calls_itself(tmp_path):
    again = helper.make_function("local", "F", ["x"], ["y"], [
        node("F", ["x"], ["y"], domain="local")],
        [opset("", 18), opset("local", 1)])
    graph = helper.make_graph(
        [node("F", ["x"], ["y"], domain="local", name="call")], "g",
        [value("x", FLOAT, [3])], [value("y", FLOAT, [3])])
    onnx.save(make_model(graph, 18, 10, ["local"], [again]), tmp_path / "m.onnx")
    with pytest.raises(llmc.Error, match="calls a function that calls itself"):
        llmc.Module.load(tmp_path / "m.onnx")


# Weights --------------------------------------------------------------------

def external(array, name, location, **place):
    result = TensorProto(name=name, dims=array.shape,
                         data_type=helper.np_dtype_to_tensor_dtype(array.dtype),
                         data_location=TensorProto.EXTERNAL)
    for key, text in {"location": location, **place}.items():
        result.external_data.add(key=key, value=str(text))
    return result


def test_external_data_in_several_files(tmp_path):
    """Offsets with and without alignment, lengths given and not, a folder, and
    two tensors in the same bytes."""
    a, b, c = floats(8, 8), floats(8, 4), floats(4)
    (tmp_path / "parts").mkdir()
    (tmp_path / "one.bin").write_bytes(b"skip" + a.tobytes() + c.tobytes())
    (tmp_path / "parts" / "two.bin").write_bytes(bytes(4096) + b.tobytes())
    size = a.nbytes
    graph = helper.make_graph(
        [node("MatMul", ["x", "a"], ["t"]), node("Add", ["t", "tied"], ["u"]),
         node("MatMul", ["u", "b"], ["v"]), node("Add", ["v", "c"], ["y"])],
        "external", [value("x", FLOAT, ["n", 8])],
        [value("y", FLOAT, ["n", 4])],
        [external(a, "a", "one.bin", offset=4, length=size),
         external(a[0], "tied", "one.bin", offset=4, length=32),
         external(b, "b", "parts/two.bin", offset=4096),
         external(c, "c", "one.bin", offset=4 + size, length=16)])
    onnx.save(make_model(graph), tmp_path / "model.onnx")
    x = floats(3, 8)
    want = {"y": (x @ a + a[0]) @ b + c}
    check(tmp_path / "model.onnx", tmp_path, {"x": x},
          reference=lambda _: lambda _: want)


@pytest.mark.parametrize("linear", [False, True])
def test_sparse_initializer(tmp_path, linear):
    dense = np.zeros((4, 3), np.float32)
    dense[[0, 2, 3], [1, 0, 2]] = [1.5, -2, 3]
    places = np.argwhere(dense)
    if linear:
        places = places @ np.array([3, 1])
    sparse = helper.make_sparse_tensor(
        tensor(dense[dense != 0], "w"), tensor(places, "indices"), [4, 3])
    graph = helper.make_graph(
        [node("MatMul", ["x", "w"], ["y"])], "sparse",
        [value("x", FLOAT, ["n", 4])], [value("y", FLOAT, ["n", 3])],
        sparse_initializer=[sparse])
    x = floats(2, 4)
    check(make_model(graph), tmp_path, {"x": x},
          reference=lambda _: lambda _: {"y": x @ dense})


# Versions -------------------------------------------------------------------

def reduce_axes(version, op, data, axes, output, since=13, **attributes):
    """`op` with its axes as an attribute, or from `since` on as an input."""
    if version < since:
        return [node(op, [data], [output], axes=axes, **attributes)], []
    name = f"{output}_axes"
    return ([node(op, [data, name], [output], **attributes)],
            [tensor(np.array(axes), name)])


def versioned(version):
    """Ops that have been written in several ways, each as `version` has it."""
    nodes, initializers = [], []

    def add(made):
        nodes.extend(made[0])
        initializers.extend(made[1])

    def switch(since, old, new):
        """A node with an attribute of old, inputs of late."""
        add((([node(*old[0], **old[1])], []) if version < since else
             ([node(*new[0], **new[1])], [tensor(np.array(v), n)
                                          for n, v in new[2].items()])))

    f32 = np.float32
    add(reduce_axes(version, "Unsqueeze", "x", [0, 3], "u"))     # 1,n,6,1,8
    add(reduce_axes(version, "Squeeze", "u", [0, 3], "s"))       # n,6,8
    add(reduce_axes(version, "ReduceSum", "s", [1], "rs", keepdims=1))
    add(reduce_axes(version, "ReduceMean", "s", [-1] if version >= 11 else [2],
                    "rm", since=18, keepdims=1))
    add(reduce_axes(version, "ReduceL2", "s", [2], "l2", since=18, keepdims=1))
    switch(10, (("Slice", ["s"], ["sl"]), {
        "axes": [1, 2], "starts": [1, -4], "ends": [5, 100]}),
        (("Slice", ["s", "starts", "ends", "axes"], ["sl"]), {},
         {"starts": [1, -4], "ends": [5, 100], "axes": [1, 2]}))  # n,4,4
    switch(11, (("Clip", ["sl"], ["cl"]), {"min": -0.5, "max": 0.75}),
           (("Clip", ["sl", "low", "high"], ["cl"]), {},
            {"low": f32(-0.5), "high": f32(0.75)}))
    switch(11, (("Pad", ["cl"], ["pd"]), {
        "pads": [0, 1, 0, 0, 0, 2], "value": 0.25, "mode": "constant"}),
        (("Pad", ["cl", "pads", "fill"], ["pd"]), {},
         {"pads": [0, 1, 0, 0, 0, 2], "fill": f32(0.25)}))        # n,5,6
    switch(13, (("Split", ["pd"], ["p0", "p1"]), {"axis": 2, "split": [2, 4]}),
           (("Split", ["pd", "sizes"], ["p0", "p1"]), {"axis": 2},
            {"sizes": [2, 4]}))
    switch(18, (("Split", ["p1"], ["h0", "h1"]), {"axis": 2}),
           (("Split", ["p1"], ["h0", "h1"]), {"axis": 2, "num_outputs": 2}, {}))
    switch(10, (("TopK", ["h0"], ["tk", "ti"]), {"k": 2, "axis": 1}),
           (("TopK", ["h0", "k"], ["tk", "ti"]), {"axis": 1}, {"k": [2]}))
    switch(12, (("Dropout", ["h1"], ["do"]), {"ratio": 0.5}),
           (("Dropout", ["h1", "ratio"], ["do"]), {}, {"ratio": f32(0.5)}))
    nodes.append(node("Softmax", ["s"], ["sm"], axis=2))
    nodes.append(node("BatchNormalization",
                      ["s", "gamma", "beta", "mean", "variance"], ["bn"]))
    nodes.append(node("Gemm", ["matrix", "weight", "weight_bias"], ["gm"],
                      transB=1))
    nodes.append(node("Unsqueeze", ["s", "first"], ["im"]) if version >= 13
                 else node("Unsqueeze", ["s"], ["im"], axes=[0]))
    scales = np.array([1, 1, 2, 2], f32)
    if version < 9:
        nodes.append(node("Upsample", ["im"], ["up"], mode="nearest",
                          scales=scales))
    elif version < 10:
        nodes.append(node("Upsample", ["im", "scales"], ["up"], mode="nearest"))
    elif version < 11:
        nodes.append(node("Resize", ["im", "scales"], ["up"], mode="nearest"))
    else:
        roi = "" if version >= 13 else "no_roi"
        initializers.append(tensor(np.zeros(0, f32), "no_roi"))
        nodes.append(node(
            "Resize", ["im", roi, "scales"], ["up"], mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor"))
    initializers += [
        tensor(np.array([0]), "first"), tensor(scales, "scales"),
        tensor(floats(6), "gamma"), tensor(floats(6), "beta"),
        tensor(floats(6), "mean"), tensor(np.abs(floats(6)), "variance"),
        tensor(floats(4, 5), "weight"), tensor(floats(4), "weight_bias")]
    read = {i for n in nodes for i in n.input}
    outputs = {"rs": 3, "rm": 3, "l2": 3, "p0": 3, "tk": 3, "do": 3, "sm": 3,
               "bn": 3, "gm": 2, "up": 4}
    return helper.make_graph(
        nodes, "versions", [value("x", FLOAT, ["n", 6, 8]),
                            value("matrix", FLOAT, ["m", 5])],
        [value(o, FLOAT, [f"{o}{i}" for i in range(rank)])
         for o, rank in outputs.items()]
        + [value("ti", INT64, ["ti0", "ti1", "ti2"])],
        [t for t in initializers if t.name in read])


# ONNX Runtime 1.31 refuses later opsets, and lacks ops of older ones.
ORT_OPSETS = range(7, 27)


@pytest.mark.parametrize("version", range(7, 29))
def test_opsets(tmp_path, version):
    model = make_model(versioned(version), version,
                       ir_version=3 if version < 9 else 8)
    if version < 9:
        # IR 3: initializers are inputs too.
        model.graph.input.extend(
            value(t.name, t.data_type, t.dims) for t in model.graph.initializer)
    feeds = {"x": floats(3, 6, 8), "matrix": floats(2, 5)}
    reference = run_ort if version in ORT_OPSETS else run_reference
    made = check(model, tmp_path, feeds, reference=reference)
    assert dims(made.graph.input) == {"x": ["n", 6, 8], "matrix": ["m", 5]}


@pytest.mark.parametrize("version", [6, 29])
def test_opset_that_is_not_supported(tmp_path, version):
    graph = helper.make_graph([node("Relu", ["x"], ["y"])], "g",
                              [value("x", FLOAT, [3])],
                              [value("y", FLOAT, [3])])
    onnx.save(make_model(graph, version), tmp_path / "m.onnx")
    with pytest.raises(llmc.Error, match=f"imports opset {version} of ONNX; "
                                         "7 to 28 are supported"):
        llmc.Module.load(tmp_path / "m.onnx")


@pytest.mark.parametrize("ir_version", range(3, 15))
def test_ir_versions(tmp_path, ir_version):
    w = floats(3, 3)
    graph = helper.make_graph(
        [node("MatMul", ["x", "w"], ["y"])], "g",
        [value("x", FLOAT, ["n", 3])] + (
            [value("w", FLOAT, [3, 3])] if ir_version == 3 else []),
        [value("y", FLOAT, ["n", 3])], [tensor(w, "w")])
    x = floats(2, 3)
    made = check(make_model(graph, 9, ir_version), tmp_path, {"x": x},
                 reference=lambda _: lambda _: {"y": x @ w})
    assert [i.name for i in made.graph.input] == ["x"]


def test_ir_version_that_is_not_supported(tmp_path):
    graph = helper.make_graph([node("Relu", ["x"], ["y"])], "g",
                              [value("x", FLOAT, [3])],
                              [value("y", FLOAT, [3])])
    onnx.save(make_model(graph, 18, 15), tmp_path / "m.onnx")
    with pytest.raises(llmc.Error, match="has IR version 15; versions up to 14"):
        llmc.Module.load(tmp_path / "m.onnx")


def test_split_by_as_many_sizes_as_there_are_outputs(tmp_path):
    """The number of sizes is not declared; the slices in the export know it."""
    model = make_model(helper.make_graph(
        [node("Split", ["x", "sizes"], ["a", "b", "c"])], "split",
        [value("x", FLOAT, [9]), value("sizes", INT64, ["n"])],
        [value(name, FLOAT, [f"n_{name}"]) for name in "abc"]))
    check(model, tmp_path, *({"x": floats(9), "sizes": np.array(sizes)}
                             for sizes in ([2, 3, 4], [9, 0, 0])))


def test_input_with_a_default_becomes_a_constant(tmp_path):
    """From IR 4 on an initializer of an input's name is a default."""
    graph = helper.make_graph(
        [node("Add", ["x", "b"], ["y"])], "g",
        [value("x", FLOAT, ["n"]), value("b", FLOAT, [1])],
        [value("y", FLOAT, ["n"])], [tensor(floats(1), "b")])
    made = check(make_model(graph, 18, 8), tmp_path, {"x": floats(3)})
    assert [i.name for i in made.graph.input] == ["x"]


# Dimensions and unknown nodes -------------------------------------------------

def test_names_of_dimensions_survive(tmp_path):
    batch, length, past = "batch_size", "sequence_length", "past_length"
    graph = helper.make_graph(
        [node("Concat", ["past", "x"], ["present"], axis=1),
         node("MatMul", ["x", "w"], ["y"])], "g",
        [value("x", FLOAT, [batch, length, 4]),
         value("past", FLOAT, [batch, past, 4])],
        [value("y", FLOAT, [batch, length, 2]),
         value("present", FLOAT, [batch, f"{past} + {length}", 4])],
        [tensor(floats(4, 2), "w")])
    model = make_model(graph)
    made = check(model, tmp_path,
                 *({"x": floats(b, s, 4), "past": floats(b, p, 4)}
                   for b, s, p in [(1, 3, 0), (2, 1, 5)]))
    for side in ("input", "output"):
        assert dims(getattr(made.graph, side)) == dims(getattr(model.graph,
                                                               side))


def test_unknown_node_survives(tmp_path):
    attributes = {"an_int": 7, "a_float": 0.1, "text": "naïve",
                  "ints": [1, -2, 2**40], "floats": [0.1, 1e-30],
                  "texts": ["a", ""], "tensor": tensor(floats(2, 3), "t"),
                  "halves": tensor(np.arange(3).astype(np.float16), "h"),
                  "flags": tensor(np.array([True, False]), "f")}
    unknown = node("Mystery", ["x", "", "w"], ["y", "z"], domain="com.example",
                   name="what", **attributes)
    graph = helper.make_graph(
        [unknown, node("Relu", ["y"], ["out"])], "g",
        [value("x", FLOAT, ["n", 3])],
        [value("out", FLOAT, ["n", 3]), value("z", INT64, ["k"])],
        [tensor(floats(3), "w")], value_info=[value("y", FLOAT, ["n", 3])])
    model = make_model(graph, 18, 8, ["com.example"])
    model.opset_import[1].version = 4
    onnx.save(model, tmp_path / "in.onnx")
    llmc.Module.load(tmp_path / "in.onnx").export_onnx(tmp_path / "out.onnx")
    made = onnx.load(tmp_path / "out.onnx")
    [got] = [n for n in made.graph.node if n.op_type == "Mystery"]
    assert (got.domain, list(got.input), len(got.output)) == (
        "com.example", ["x", "", "w"], 2)
    assert {i.domain: i.version for i in made.opset_import}["com.example"] == 4
    plain = lambda n: {a.name: a for a in n.attribute}  # noqa: E731
    wanted = plain(unknown)
    assert plain(got).keys() == wanted.keys()
    for name, want in wanted.items():
        have = plain(got)[name]
        for part in (want.t, have.t):
            part.ClearField("name")  # a value has none
        assert have.SerializeToString() == want.SerializeToString(), name
    with pytest.raises(llmc.Error, match="Mystery"):
        llmc.compile(tmp_path / "in.onnx")


def test_unknown_node_without_a_type_is_refused(tmp_path):
    graph = helper.make_graph(
        [node("Mystery", ["x"], ["y"], domain="com.example", name="what"),
         node("Relu", ["y"], ["out"])], "g", [value("x", FLOAT, ["n", 3])],
        [value("out", FLOAT, ["n", 3])])
    onnx.save(make_model(graph, 18, 8, ["com.example"]), tmp_path / "in.onnx")
    with pytest.raises(llmc.Error, match=(
            r"node 'what' \(com.example.Mystery\): op 'Mystery' of com.example "
            "version 1 is not known, and the model does not declare the type")):
        llmc.Module.load(tmp_path / "in.onnx")
