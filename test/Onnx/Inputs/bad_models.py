"""Imports malformed models: bad_models.py LLMC_TRANSLATE FOLDER.

Each case is one way in which a file that somebody hands to the importer can be wrong. It must give exactly one error,
which is printed behind the case's name, exit code 1 and no output file."""

import os
import pathlib
import shutil
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def info(name, shape=(2, 3), dtype=FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def node(op, inputs, outputs, **kwargs):
    return helper.make_node(op, inputs, outputs, name=f"the_{op}", **kwargs)


def model(nodes, inputs=None, outputs=None, initializers=(), opset=18, ir=10, **kwargs):
    graph = helper.make_graph(nodes, "graph", inputs if inputs is not None else [info("x")],
                              outputs or [info("y")], initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir, **kwargs)


def weight(dims=(2, 3), dtype=FLOAT, raw=None, **fields):
    tensor = TensorProto(name="w", dims=dims, data_type=dtype, **fields)
    if raw is not None:
        tensor.raw_data = raw
    return tensor


def external(location, offset=None, length=None, dims=(2, 3)):
    tensor = weight(dims, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        if value is not None:
            tensor.external_data.add(key=key, value=str(value))
    return tensor


def with_weight(tensor):
    return model([node("Add", ["x", "w"], ["y"])], initializers=[tensor])


def good():
    return with_weight(numpy_helper.from_array(np.ones((2, 3), np.float32), "w"))


CASES = {}


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


# Files --------------------------------------------------------------------------------------------------------------

@case
def empty(path):
    return b""


@case
def truncated(path):
    return good().SerializeToString()[:-20]


@case
def garbage(path):
    return bytes(range(256)) * 4


@case
def no_graph(path):
    return onnx.ModelProto(ir_version=10).SerializeToString()


@case
def no_outputs(path):
    broken = good()
    del broken.graph.output[:]
    return broken


@case
def new_ir(path):
    return model([node("Abs", ["x"], ["y"])], ir=15)


@case
def new_opset(path):
    return model([node("Abs", ["x"], ["y"])], opset=29)


@case
def no_opset(path):
    broken = good()
    del broken.opset_import[:]
    return broken


@case
def directory(path):
    path.mkdir()
    return path


@case
def fifo(path):
    os.mkfifo(path)
    return path


@case
def nested_too_deep(path):
    # Each level is an If in the branch of the one before; onnx's own classes would refuse to write it.
    def field(number, content):
        size, length = len(content), b""
        while size >= 0x80:
            length, size = length + bytes([size & 0x7f | 0x80]), size >> 7
        return bytes([number << 3 | 2]) + length + bytes([size]) + content
    graph = field(2, b"deepest")
    for _ in range(10_000):
        attribute = field(1, b"then_branch") + field(6, graph)
        graph = field(1, field(4, b"If") + field(5, attribute))
    return b"\x08\x0a" + field(7, graph)


# External data ------------------------------------------------------------------------------------------------------

@case
def external_parent(path):
    return with_weight(external("../weights.bin"))


@case
def external_hidden_parent(path):
    return with_weight(external("here/../../weights.bin"))


@case
def external_absolute(path):
    return with_weight(external("/etc/passwd"))


@case
def external_link(path):
    folder = path.parent / (path.stem + ".folder")
    folder.mkdir(exist_ok=True)
    (path.parent / "outside.bin").write_bytes(bytes(24))
    link = folder / "inside.bin"
    link.unlink(missing_ok=True)
    os.symlink("../outside.bin", link)
    (folder / "model.onnx").write_bytes(with_weight(external("inside.bin")).SerializeToString())
    return folder / "model.onnx"


@case
def external_missing(path):
    return with_weight(external("nowhere.bin"))


@case
def external_folder(path):
    (path.parent / "folder.bin").mkdir(exist_ok=True)
    return with_weight(external("folder.bin"))


@case
def external_no_location(path):
    return with_weight(external(None))


def data_file(path):
    name = path.stem + ".bin"
    (path.parent / name).write_bytes(bytes(24))
    return name


@case
def external_past_end(path):
    return with_weight(external(data_file(path), offset=8))


@case
def external_huge_offset(path):
    return with_weight(external(data_file(path), offset=2**63 - 8))


@case
def external_negative_offset(path):
    return with_weight(external(data_file(path), offset=-8))


@case
def external_bad_offset(path):
    return with_weight(external(data_file(path), offset="four"))


@case
def external_wrong_length(path):
    return with_weight(external(data_file(path), length=20))


# Tensors ------------------------------------------------------------------------------------------------------------

@case
def overflow(path):
    return with_weight(weight(dims=(2**40, 2**40), raw=b""))


@case
def negative_dim(path):
    return with_weight(weight(dims=(2, -3), raw=b""))


@case
def unknown_type(path):
    return with_weight(weight(dtype=77, raw=bytes(24)))


@case
def string_type(path):
    return with_weight(helper.make_tensor("w", TensorProto.STRING, (2, 3), [b"a"] * 6))


@case
def huge_dilation(path):
    return model([node("MaxPool", ["x"], ["y"], kernel_shape=[3], dilations=[2**62])], [info("x", (1, 1, 9))],
                 [info("y", (1, 1, 7))])


@case
def empty_kernel(path):
    return model([helper.make_node("CausalConvWithState", ["x", "w"], ["y"], name="the_Conv")],
                 [info("x", (2, 4, 8)), info("w", (4, 1, 0))], [info("y", (2, 4, 8))], opset=27)


@case
def huge_output_padding(path):
    return model([node("ConvTranspose", ["x", "w"], ["y"], output_padding=[2**63 - 1])],
                 [info("x", (1, 1, 9)), info("w", (1, 1, 3))], [info("y", (1, 1, 7))])


@case
def huge_pads(path):
    return model([node("ConvTranspose", ["x", "w"], ["y"], pads=[-2**63, 0])],
                 [info("x", (1, 1, 9)), info("w", (1, 1, 3))], [info("y", (1, 1, 7))])


@case
def complex_type(path):
    return with_weight(weight(dtype=TensorProto.COMPLEX64, raw=bytes(48)))


@case
def short_data(path):
    return with_weight(weight(raw=bytes(20)))


@case
def no_data(path):
    return with_weight(weight())


@case
def short_typed_data(path):
    return with_weight(weight(float_data=[1, 2, 3]))


@case
def sparse_outside(path):
    broken = good()
    del broken.graph.initializer[:]
    values = numpy_helper.from_array(np.ones(1, np.float32), "w")
    indices = numpy_helper.from_array(np.array([6]))
    broken.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, (2, 3)))
    return broken


@case
def sparse_huge(path):
    broken = good()
    del broken.graph.initializer[:]
    values = numpy_helper.from_array(np.ones(1, np.float32), "w")
    indices = numpy_helper.from_array(np.array([0]))
    broken.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, (2**20, 2**20)))
    return broken


@case
def sparse_mostly_zero(path):
    broken = sparse_huge(path)
    broken.graph.sparse_initializer[0].dims[:] = [2**20, 2**8]
    return broken


# Graphs -------------------------------------------------------------------------------------------------------------

@case
def cycle(path):
    return model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"]), node("Abs", ["b"], ["y"])])


@case
def self_cycle(path):
    return model([node("Add", ["x", "y"], ["y"])])


@case
def undefined(path):
    return model([node("Add", ["x", "nothing"], ["y"])])


@case
def undefined_output(path):
    return model([node("Abs", ["x"], ["z"])])


@case
def defined_twice(path):
    return model([node("Abs", ["x"], ["y"]), node("Neg", ["x"], ["y"])])


@case
def cycle_through_branch(path):
    then = helper.make_graph([node("Abs", ["a"], ["t"])], "then", [], [info("t")])
    other = helper.make_graph([node("Neg", ["x"], ["e"])], "else", [], [info("e")])
    return model([node("If", ["c"], ["y"], then_branch=then, else_branch=other), node("Relu", ["y"], ["a"])],
                 [info("x"), info("c", (), TensorProto.BOOL)])


@case
def input_twice(path):
    return model([node("Abs", ["x"], ["y"])], [info("x"), info("x")])


@case
def output_twice(path):
    return model([node("Abs", ["x"], ["y"])], outputs=[info("y"), info("y")])


@case
def initializer_twice(path):
    broken = good()
    broken.graph.initializer.append(broken.graph.initializer[0])
    return broken


@case
def unnamed_input(path):
    return model([node("Abs", ["x"], ["y"])], [info("x"), info("")])


@case
def unnamed_initializer(path):
    broken = good()
    broken.graph.initializer[0].name = ""
    return broken


@case
def name_not_utf8(path):
    return model([node("Abs", ["nothing"], ["y"])]).SerializeToString().replace(b"nothing", b"no\xffhing")


@case
def no_node_outputs(path):
    return model([node("Abs", ["x"], ["y"]), node("Neg", ["x"], [])])


@case
def unknown_op(path):
    return model([node("Frobnicate", ["x"], ["z"]), node("Abs", ["z"], ["y"])])


@case
def unknown_domain(path):
    return model([node("Add", ["x"], ["z"], domain="acme"), node("Abs", ["z"], ["y"])])


@case
def too_old(path):
    return model([node("Gelu", ["x"], ["z"]), node("Abs", ["z"], ["y"])])


@case
def missing_input(path):
    return model([node("Add", ["x", ""], ["y"])])


@case
def extra_unique_output(path):
    return model([node("Unique", ["x"], ["y", "a", "b", "c", "d"])], outputs=[info("y", ("n",))])


@case
def too_many_inputs(path):
    return model([node("Add", ["x", "x", "x"], ["y"])])


@case
def extra_output(path):
    return model([node("Abs", ["x"], ["y", "z"])])


@case
def wrong_attribute(path):
    return model([node("Concat", ["x", "x"], ["y"], axis="one")])


@case
def missing_attribute(path):
    return model([node("Concat", ["x", "x"], ["y"])])


@case
def bad_axis(path):
    return model([node("Softmax", ["x"], ["y"], axis=5)])


@case
def pool_of_a_vector(path):
    return model([node("GlobalMaxPool", ["x"], ["y"])], [info("x", (3,))], [info("y", (3,))])


@case
def mixed_types(path):
    return model([node("Add", ["x", "i"], ["y"])], [info("x"), info("i", dtype=INT64)])


@case
def mixed_types_inside(path):
    return model([node("PRelu", ["x", "i"], ["y"])], [info("x"), info("i", (3,), INT64)])


@case
def mixed_types_in_product(path):
    return model([node("Einsum", ["x", "i"], ["y"], equation="ij,jk->ik")], [info("x"), info("i", (3, 4), INT64)],
                 [info("y", (2, 4))])


@case
def unknown_dft_axis(path):
    return model([node("DFT", ["x", "", "i"], ["y"])], [info("x", (1, 4, 3, 2)), info("i", (), INT64)],
                 [info("y", (1, 4, 3, 2))], opset=20)


@case
def slice_bounds(path):
    bounds = [numpy_helper.from_array(np.array(value), name) for name, value in
              (("starts", [0, 0]), ("ends", [1]))]
    return model([node("Slice", ["x", "starts", "ends"], ["y"])], initializers=bounds)


@case
def huge_starts(path):
    return model([node("Slice", ["x", "i", "i"], ["y"])], [info("x"), info("i", (2**40,), INT64)])


@case
def huge_blocksize(path):
    return model([node("DepthToSpace", ["x"], ["y"], blocksize=2**32)], [info("x", (1, 4, 1, 1))],
                 [info("y", (1, 1, 2, 2))])


@case
def huge_depth(path):
    return model([node("SpaceToDepth", ["x"], ["y"], blocksize=2**31 - 1)], [info("x", (1, 2**10, 1, 1))],
                 [info("y", (1, 1, 2, 2))])


@case
def huge_block(path):
    sizes = [numpy_helper.from_array(np.array([2**32, 2**32]), name) for name in ("image", "block")]
    return model([node("Col2Im", ["x", "image", "block"], ["y"])], [info("x", (1, 4, 1))], [info("y", (1, 2, 1, 1))],
                 sizes)


@case
def huge_unpooled(path):
    return model([node("MaxUnpool", ["x", "i"], ["y"], kernel_shape=[2**30] * 2, strides=[2**30] * 2)],
                 [info("x", (1, 1, 9, 9)), info("i", (1, 1, 9, 9), INT64)], [info("y", (1, 1, 9, 9))])


@case
def negative_output_shape(path):
    return model([node("ConvTranspose", ["x", "w"], ["y"], output_shape=[-2**63])],
                 [info("x", (1, 1, 9)), info("w", (1, 1, 3))], [info("y", (1, 1, 7))])


@case
def huge_group(path):
    return model([node("Conv", ["x", "w"], ["y"], group=2**62)], [info("x", (1, 8, 9)), info("w", (0, 8, 3))],
                 [info("y", (1, 1, 7))])


@case
def huge_offset_group(path):
    return model([node("DeformConv", ["x", "w", "o"], ["y"], offset_group=2**62)],
                 [info("x", (1, 0, 9, 9)), info("w", (1, 0, 3, 3)), info("o", (1, 8, 7, 7))],
                 [info("y", (1, 1, 7, 7))], opset=19)


@case
def huge_heads(path):
    return model([node("GroupQueryAttention", ["x"], ["y"], domain="com.microsoft", num_heads=2**62,
                       kv_num_heads=2**62)], [info("x", (1, 2, 8))], [info("y", (1, 2, 8))])


@case
def huge_hidden_sizes(path):
    return model([node("Attention", ["x", "w"], ["y"], domain="com.microsoft", num_heads=1,
                       qkv_hidden_sizes=[2**62, 2**62, 2**63 - 1])], [info("x", (1, 2, 3)), info("w", (3, 9))],
                 [info("y", (1, 2, 3))])


@case
def huge_columns(path):
    tensors = [info("w", (1, 1, 1), TensorProto.UINT8), info("s", (1,)), info("z", (1,), TensorProto.UINT8)]
    return model([node("MatMulNBits", ["x", "w", "s", "z"], ["y"], domain="com.microsoft", N=1, K=2**63 - 1, bits=8,
                       block_size=1)], [info("x"), *tensors], [info("y", (2, 1))])


@case
def overflowing_reshape(path):
    shape = numpy_helper.from_array(np.array([2**40, 2**40, -1]), "shape")
    return model([node("Reshape", ["x", "shape"], ["y"])], initializers=[shape], outputs=[info("y", (1, 2, 3))])


@case
def too_many_dimensions(path):
    ones = numpy_helper.from_array(np.ones(33, np.int64), "ones")
    return model([node("Tile", ["x", "ones"], ["y"])], [info("x", (1,) * 33)], [info("y", (1,) * 33)], [ones])


@case
def concat_sizes(path):
    return model([node("Concat", ["x", "z"], ["y"], axis=0)], [info("x"), info("z", (2, 4))])


@case
def attention_mask_of_integers(path):
    tensors = [info(name, (1, 2, 3, 4)) for name in "qkv"]
    return model([node("Attention", ["q", "k", "v", "i"], ["y"])], [*tensors, info("i", (3, 2), INT64)],
                 [info("y", (1, 2, 3, 4))], opset=23)


@case
def negative_shape(path):
    shape = numpy_helper.from_array(np.array([-3, -2]), "shape")
    return model([node("Reshape", ["x", "shape"], ["y"])], initializers=[shape])


@case
def overflowing_result(path):
    shape = numpy_helper.from_array(np.array([2**40, 2**40, 1, 1]), "shape")
    return model([node("Expand", ["x", "shape"], ["y"])], initializers=[shape], outputs=[info("y", (1, 1, 2, 3))])


@case
def wrong_element_type(path):
    return model([node("Sqrt", ["i"], ["z"]), node("Abs", ["z"], ["y"])], [info("i", dtype=INT64)])


@case
def no_broadcast(path):
    return model([node("Add", ["x", "z"], ["y"])], [info("x"), info("z", (2, 4))])


@case
def wrong_output_type(path):
    return model([node("Abs", ["x"], ["y"])], outputs=[info("y", dtype=INT64)])


@case
def input_without_shape(path):
    return model([node("Abs", ["x"], ["y"])], [helper.make_tensor_value_info("x", FLOAT, None)])


@case
def sequence_input(path):
    return model([node("Abs", ["x"], ["y"])], [helper.make_tensor_sequence_value_info("x", FLOAT, (2,))])


@case
def overflowing_input(path):
    return model([node("Abs", ["x"], ["y"])], [info("x", (2**40, 2**40))])


@case
def recursive_function(path):
    body = [helper.make_node("f", ["a"], ["b"], domain="local")]
    function = helper.make_function("local", "f", ["a"], ["b"], body, [helper.make_opsetid("local", 1)])
    return model([node("f", ["x"], ["y"], domain="local")], functions=[function])


@case
def exploding_functions(path):
    opsets = [helper.make_opsetid("local", 1), helper.make_opsetid("", 18)]
    functions = [helper.make_function("local", "f0", ["a"], ["b"], [helper.make_node("Abs", ["a"], ["b"])], opsets)]
    for i in range(1, 40):
        body = [helper.make_node(f"f{i - 1}", ["a"], ["m"], domain="local"),
                helper.make_node(f"f{i - 1}", ["m"], ["b"], domain="local")]
        functions.append(helper.make_function("local", f"f{i}", ["a"], ["b"], body, opsets))
    return model([node("f39", ["x"], ["y"], domain="local")], functions=functions)


@case
def deep_functions(path):
    opsets = [helper.make_opsetid("local", 1), helper.make_opsetid("", 18)]
    functions = [helper.make_function("local", "f0", ["a"], ["b"], [helper.make_node("Abs", ["a"], ["b"])], opsets)]
    for i in range(1, 10_000):
        functions.append(helper.make_function("local", f"f{i}", ["a"], ["b"], [
            helper.make_node(f"f{i - 1}", ["a"], ["b"], domain="local")], opsets))
    return model([node("f9999", ["x"], ["y"], domain="local")], functions=functions)


@case
def negative_scan_inputs(path):
    body = helper.make_graph([node("Abs", ["a"], ["b"])], "body", [info("a", (3,))], [info("b", (3,))])
    return model([node("Scan", ["x"], ["y"], body=body, num_scan_inputs=-2**63)])


@case
def branches_differ(path):
    then = helper.make_graph([node("Abs", ["x"], ["t"])], "then", [], [info("t")])
    other = helper.make_graph([node("Size", ["x"], ["e"])], "else", [], [info("e", (), INT64)])
    return model([node("If", ["c"], ["y"], then_branch=then, else_branch=other)],
                 [info("x"), info("c", (), TensorProto.BOOL)])


def main():
    tool, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, function in CASES.items():
        path = folder / f"{name}.onnx"
        made = function(path)
        if isinstance(made, pathlib.Path):
            path = made
        else:
            path.write_bytes(made if isinstance(made, bytes) else made.SerializeToString())
        output = folder / f"{name}.mlirbc"
        run = subprocess.run([tool, path, "-o", output], capture_output=True, text=True, errors="backslashreplace",
                             timeout=300)
        prefix = f"{path}: error: "
        if run.returncode != 1 or run.stdout or not run.stderr.startswith(prefix) or run.stderr.count("\n") != 1:
            sys.exit(f"{name}: not one error: exit code {run.returncode}\n{run.stdout}{run.stderr}")
        if list(folder.glob(f"{name}.mlirbc*")):
            sys.exit(f"{name}: left an output file")
        print(f"{name}: {run.stderr[len(prefix):]}", end="")


if __name__ == "__main__":
    main()
