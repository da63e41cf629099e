//===- Index.cpp - builders of gathers, scatters, orders and searches -----===//

#include "../Types.h"
#include "OpTable.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult importGatherElements(OnnxNode &node) {
  int64_t axis =
      node.normalizeAxis(node.intAttr("axis", 0), node.rank(node.input(0)));
  return node.result(
      node.create<GatherElementsOp>(node.input(0), node.input(1), axis));
}

static LogicalResult importGatherND(OnnxNode &node) {
  return node.result(node.create<GatherNDOp>(
      node.input(0), node.input(1), uint64_t(node.intAttr("batch_dims", 0))));
}

static ScatterKind readReduction(OnnxNode &node) {
  StringRef name = node.stringAttr("reduction", "none");
  std::optional<ScatterKind> kind = symbolizeScatterKind(name);
  if (!kind)
    (void)node.fail("reduction '" + name +
                    "' is none of none, add, mul, max, min");
  return kind.value_or(ScatterKind::None);
}

static LogicalResult importScatterElements(OnnxNode &node) {
  ScatterKind kind = readReduction(node);
  int64_t axis =
      node.normalizeAxis(node.intAttr("axis", 0), node.rank(node.input(0)));
  return node.result(node.create<ScatterElementsOp>(
      kind, node.input(0), node.input(1), node.input(2), axis));
}

static LogicalResult importScatterND(OnnxNode &node) {
  ScatterKind kind = readReduction(node);
  return node.result(node.create<ScatterNDOp>(kind, node.input(0),
                                              node.input(1), node.input(2)));
}

/// 0, 1, ... up to the size of a dimension, as i64.
static Value positions(OnnxNode &node, Value value, int64_t axis) {
  Type i64 = node.getBuilder().getI64Type();
  return node.create<RangeOp>(node.scalar(i64, 0),
                              node.squeeze(node.dimOf(value, axis), {0}),
                              node.scalar(i64, 1));
}

/// The axes of a tensor of `rank` dimensions but for some.
static SmallVector<int64_t> otherAxes(int64_t rank, ArrayRef<int64_t> axes) {
  return llvm::filter_to_vector(llvm::seq<int64_t>(0, rank), [&](int64_t axis) {
    return !llvm::is_contained(axes, axis);
  });
}

/// Row `s` of the update replaces row `write_indices[b] + s` of the cache:
/// every row of the cache looks where in the update it would be.
static LogicalResult importTensorScatter(OnnxNode &node) {
  Value cache = node.input(0), update = node.input(1);
  int64_t rank = node.rank(cache);
  int64_t axis = node.normalizeAxis(node.intAttr("axis", -2), rank);
  StringRef mode = node.stringAttr("mode", "linear");
  if (mode != "linear" && mode != "circular")
    return node.fail("mode '" + mode + "' is neither linear nor circular");
  if (axis == 0 || node.rank(update) != rank)
    return node.fail("needs a cache and an update of one rank and an axis "
                     "that is not the batch");
  Type i64 = node.getBuilder().getI64Type();
  Value row = node.unsqueeze(positions(node, cache, axis), {0});
  if (node.hasInput(2)) {
    Value start = node.castTo(node.input(2), i64);
    row = node.create<SubOp>(row, node.unsqueeze(start, {1}));
  }
  Value zero = node.scalar(i64, 0);
  if (mode == "circular")
    row = node.create<ModOp>(row, node.squeeze(node.dimOf(cache, axis), {0}),
                             /*fmod=*/false);
  Value length = node.squeeze(node.dimOf(update, axis), {0});
  Value isNew = node.create<AndOp>(node.create<GreaterOrEqualOp>(row, zero),
                                   node.create<LessOp>(row, length));
  row = node.create<WhereOp>(isNew, row, zero);
  SmallVector<int64_t> others = otherAxes(rank, {0, axis});
  Value index =
      node.create<ExpandOp>(node.unsqueeze(row, others), node.shapeOf(cache));
  Value moved = node.create<GatherElementsOp>(update, index, axis);
  return node.result(
      node.create<WhereOp>(node.unsqueeze(isNew, others), moved, cache));
}

//===----------------------------------------------------------------------===//
// Ordering and searching
//===----------------------------------------------------------------------===//

template <typename Op> static LogicalResult importArg(OnnxNode &node) {
  Value x = node.input(0);
  int64_t axis = node.normalizeAxis(node.intAttr("axis", 0), node.rank(x));
  bool last = node.intAttr("select_last_index", 0);
  Value result = node.create<Op>(x, axis, last);
  if (!node.intAttr("keepdims", 1))
    result = node.squeeze(result, axis);
  return node.result(result);
}

/// 1 at the first largest element of the axis, 0 elsewhere; before opset 13
/// of all dimensions from the axis on.
static LogicalResult importHardmax(OnnxNode &node) {
  Value x = node.input(0);
  bool coerces = node.getOpset() < 13;
  int64_t rank = node.rank(x);
  int64_t axis =
      node.normalizeAxis(node.intAttr("axis", coerces ? 1 : -1), rank);
  Value operand = x;
  if (coerces && axis != rank - 1) {
    operand = node.create<ReshapeOp>(
        x,
        node.concat({node.create<ShapeOp>(x, int64_t(0), axis), node.ints(-1)},
                    0),
        /*allowzero=*/true);
  }
  Value best = node.create<ArgMaxOp>(operand, axis, /*last=*/false);
  Value place = positions(node, operand, axis);
  place = node.unsqueeze(place, otherAxes(node.rank(operand), axis));
  Value result =
      node.castTo(node.create<EqualOp>(place, best), node.elementType(x));
  if (operand != x)
    result = node.create<ReshapeOp>(result, node.shapeOf(x),
                                    /*allowzero=*/true);
  return node.result(result);
}

static LogicalResult importTopK(OnnxNode &node) {
  Value x = node.input(0), k;
  if (node.hasInput(1))
    k = node.castTo(node.input(1), node.getBuilder().getI64Type());
  else
    k = node.ints(node.requiredInt("k"));
  if (node.rank(k) == 0)
    k = node.unsqueeze(k, {0});
  int64_t axis = node.normalizeAxis(node.intAttr("axis", -1), node.rank(x));
  bool smallest = !node.intAttr("largest", 1);
  Operation *op = node.createOp<TopKOp>(x, k, axis, smallest);
  if (!op)
    return failure();
  node.setOutput(0, op->getResult(0));
  node.setOutput(1, op->getResult(1));
  return success();
}

template <typename Op> static LogicalResult importCumulative(OnnxNode &node) {
  Value x = node.input(0);
  SmallVector<int64_t> axes = node.requiredInts(1, "the axis");
  if (!node.hasFailed() && axes.size() != 1)
    return node.fail("the axis must be one number");
  int64_t axis =
      node.normalizeAxis(axes.empty() ? 0 : axes.front(), node.rank(x));
  bool exclusive = node.intAttr("exclusive", 0),
       reverse = node.intAttr("reverse", 0);
  return node.result(node.create<Op>(x, axis, exclusive, reverse));
}

static LogicalResult importNonZero(OnnxNode &node) {
  Value x = node.input(0);
  if (node.rank(x) == 0)
    x = node.unsqueeze(x, {0});
  return node.result(node.create<NonZeroOp>(x));
}

/// Rows of a matrix stand for the elements, or for the slices along an axis.
static LogicalResult importUnique(OnnxNode &node) {
  Value x = node.input(0), rows = x;
  int64_t axis = 0;
  if (node.hasAttr("axis")) {
    int64_t rank = node.rank(x);
    axis = node.normalizeAxis(node.intAttr("axis", 0), rank);
    SmallVector<int64_t> perm{axis};
    llvm::append_range(perm, otherAxes(rank, axis));
    Value shape = node.concat({node.dimOf(x, axis), node.ints(-1)}, 0);
    rows = node.create<ReshapeOp>(node.transpose(x, perm), shape,
                                  /*allowzero=*/true);
  } else {
    x = node.reshape(x, -1);
    rows = node.unsqueeze(x, {1});
  }
  bool sorted = node.intAttr("sorted", 1);
  Operation *op = node.createOp<UniqueOp>(rows, sorted);
  if (!op)
    return failure();
  node.setOutput(0, node.create<GatherOp>(x, op->getResult(0), axis));
  for (unsigned output = 1; output < 4; ++output)
    node.setOutput(output, op->getResult(output - 1));
  return success(!node.hasFailed());
}

static LogicalResult importCompress(OnnxNode &node) {
  Value x = node.input(0);
  int64_t axis = 0;
  if (node.hasAttr("axis"))
    axis = node.normalizeAxis(node.intAttr("axis", 0), node.rank(x));
  else
    x = node.reshape(x, -1);
  Value kept = node.squeeze(node.create<NonZeroOp>(node.input(1)), {0});
  return node.result(node.create<GatherOp>(x, kept, axis));
}

static LogicalResult importReverseSequence(OnnxNode &node) {
  Value x = node.input(0);
  int64_t batch = node.intAttr("batch_axis", 1),
          time = node.intAttr("time_axis", 0);
  if (node.rank(x) < 2 || batch + time != 1 || (batch != 0 && batch != 1))
    return node.fail("batch_axis and time_axis must be 0 and 1");
  Value length = node.unsqueeze(
      node.castTo(node.input(1), node.getBuilder().getI64Type()), {time});
  Value place = node.unsqueeze(positions(node, x, time), {batch});
  Value mirrored = node.create<SubOp>(
      node.create<SubOp>(length, node.scalarLike(length, 1)), place);
  Value source =
      node.create<WhereOp>(node.create<LessOp>(place, length), mirrored, place);
  Value index = node.create<ExpandOp>(
      node.unsqueeze(source, otherAxes(node.rank(x), {0, 1})), node.shapeOf(x));
  return node.result(node.create<GatherElementsOp>(x, index, time));
}

//===----------------------------------------------------------------------===//
// Making and extending
//===----------------------------------------------------------------------===//

static Value toScalar(OnnxNode &node, Value value) {
  return node.rank(value) == 0
             ? value
             : node.create<ReshapeOp>(value, node.ints(ArrayRef<int64_t>()),
                                      /*allowzero=*/false);
}

static LogicalResult importRange(OnnxNode &node) {
  return node.result(node.create<RangeOp>(toScalar(node, node.input(0)),
                                          toScalar(node, node.input(1)),
                                          toScalar(node, node.input(2))));
}

/// [a, b] repeated [m, n] times is [1, a, 1, b] expanded to [m, a, n, b].
static LogicalResult importTile(OnnxNode &node) {
  Value x = node.input(0),
        repeats = node.castTo(node.input(1), node.getBuilder().getI64Type());
  int64_t rank = node.rank(x);
  if (node.rank(repeats) != 1 || node.dim(repeats, 0) != rank)
    return node.fail("repeats must be a vector of " + Twine(rank) +
                     " elements");
  if (rank == 0)
    return node.result(x);
  SmallVector<int64_t> added;
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < rank; ++i) {
    added.push_back(2 * i);
    sizes.push_back(node.slice(repeats, 0, i, i + 1));
    sizes.push_back(node.dimOf(x, i));
  }
  Value expanded =
      node.create<ExpandOp>(node.unsqueeze(x, added), node.concat(sizes, 0));
  Value shape = node.create<MulOp>(node.shapeOf(x), repeats);
  return node.result(
      node.create<ReshapeOp>(expanded, shape, /*allowzero=*/true));
}

/// The pads of every axis, those that are not named 0.
static Value readPads(OnnxNode &node, int64_t rank) {
  if (!node.hasInput(1))
    return node.ints(node.intsAttr("pads"));
  Value pads = node.castTo(node.input(1), node.getBuilder().getI64Type());
  if (!node.hasInput(3))
    return pads;
  SmallVector<int64_t> axes =
      node.normalizeAxes(node.requiredInts(3, "axes"), rank);
  int64_t count = axes.size();
  SmallVector<Value> all;
  for (int64_t side : {int64_t(0), count})
    for (int64_t i = 0; i < rank; ++i) {
      auto *found = llvm::find(axes, i);
      int64_t place = side + (found - axes.begin());
      all.push_back(found == axes.end()
                        ? node.ints(0)
                        : node.slice(pads, 0, place, place + 1));
    }
  return node.concat(all, 0);
}

static LogicalResult importPad(OnnxNode &node) {
  Value x = node.input(0);
  StringRef name = node.stringAttr("mode", "constant");
  std::optional<PadMode> mode = symbolizePadMode(name);
  if (!mode)
    return node.fail("mode '" + name +
                     "' is none of constant, reflect, edge, wrap");
  if (node.rank(x) == 0)
    return node.result(x);
  Value pads = readPads(node, node.rank(x)), value;
  if (*mode == PadMode::Constant)
    value = node.hasInput(2) ? toScalar(node, node.input(2))
                             : node.scalarLike(x, node.floatAttr("value", 0));
  return node.result(node.create<PadOp>(*mode, x, pads, value));
}

/// Column minus row for each element of the last two dimensions.
static Value diagonals(OnnxNode &node, Value x) {
  int64_t rank = node.rank(x);
  return node.create<SubOp>(node.unsqueeze(positions(node, x, rank - 1), {0}),
                            node.unsqueeze(positions(node, x, rank - 2), {1}));
}

static LogicalResult importTrilu(OnnxNode &node) {
  Value x = node.input(0);
  if (node.rank(x) < 2)
    return node.fail("needs a matrix or a batch of them");
  Type i64 = node.getBuilder().getI64Type();
  Value k =
      node.hasInput(1) ? toScalar(node, node.input(1)) : node.scalar(i64, 0);
  Value diagonal = diagonals(node, x), kept;
  if (node.intAttr("upper", 1))
    kept = node.create<GreaterOrEqualOp>(diagonal, k);
  else
    kept = node.create<LessOrEqualOp>(diagonal, k);
  return node.result(node.create<WhereOp>(kept, x, node.scalarLike(x, 0)));
}

static LogicalResult importEyeLike(OnnxNode &node) {
  Value x = node.input(0);
  if (node.rank(x) != 2)
    return node.fail("needs a matrix");
  Type type = node.elementType(x);
  if (node.hasAttr("dtype")) {
    int64_t dtype = node.intAttr("dtype", 0);
    type = getElementType(dtype, node.getContext());
    if (!type)
      return node.fail("has dtype " + getDataTypeName(dtype) +
                       ", which is not supported");
  }
  Value k = node.scalar(node.getBuilder().getI64Type(), node.intAttr("k", 0));
  return node.result(
      node.castTo(node.create<EqualOp>(diagonals(node, x), k), type));
}

/// Indices outside [-depth, depth) match no position.
static LogicalResult importOneHot(OnnxNode &node) {
  Type i64 = node.getBuilder().getI64Type();
  Value index = node.castTo(node.input(0), i64),
        depth = node.castTo(toScalar(node, node.input(1)), i64),
        values = node.input(2);
  int64_t rank = node.rank(index) + 1;
  int64_t axis = node.normalizeAxis(node.intAttr("axis", -1), rank);
  Value zero = node.scalar(i64, 0);
  index = node.create<WhereOp>(node.create<LessOp>(index, zero),
                               node.create<AddOp>(index, depth), index);
  Value place = node.create<RangeOp>(zero, depth, node.scalar(i64, 1));
  Value hit =
      node.create<EqualOp>(node.unsqueeze(index, {axis}),
                           node.unsqueeze(place, otherAxes(rank, axis)));
  auto value = [&](int64_t i) {
    return node.squeeze(node.slice(values, 0, i, i + 1), {0});
  };
  return node.result(node.create<WhereOp>(hit, value(1), value(0)));
}

void onnx_detail::registerIndexBuilders(OpTable &table) {
  table.add("GatherElements", 11, {2, 2}, importGatherElements);
  table.add("GatherND", 11, {2, 2}, importGatherND);
  table.add("Scatter", 9, {3, 3}, importScatterElements);
  table.add("ScatterElements", 11, {3, 3}, importScatterElements);
  table.add("ScatterND", 11, {3, 3}, importScatterND);
  table.add("TensorScatter", 24, {2, 3}, importTensorScatter);
  table.add("ArgMax", 1, {1, 1}, importArg<ArgMaxOp>);
  table.add("ArgMin", 1, {1, 1}, importArg<ArgMinOp>);
  table.add("Hardmax", 1, {1, 1}, importHardmax);
  table.add("TopK", 1, {1, 2}, importTopK);
  table.add("CumSum", 11, {2, 2}, importCumulative<CumSumOp>);
  table.add("CumProd", 26, {2, 2}, importCumulative<CumProdOp>);
  table.add("NonZero", 9, {1, 1}, importNonZero);
  table.add("Unique", 11, {1, 1}, importUnique);
  table.add("Compress", 9, {2, 2}, importCompress);
  table.add("ReverseSequence", 10, {2, 2}, importReverseSequence);
  table.add("Range", 11, {3, 3}, importRange);
  table.add("Tile", 6, {2, 2}, importTile);
  table.add("Pad", 2, {1, 4}, importPad);
  table.add("Trilu", 14, {1, 2}, importTrilu);
  table.add("EyeLike", 9, {1, 1}, importEyeLike);
  table.add("OneHot", 9, {3, 3}, importOneHot);
}
