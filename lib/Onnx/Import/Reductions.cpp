//===- Reductions.cpp - builders of reductions and softmax ----------------===//

#include "OpTable.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// What a reduction node says, with axes normalised.
struct Reduction {
  SmallVector<int64_t> axes;
  bool keepdims;
};
} // namespace

static Reduction readReduction(OnnxNode &node) {
  int64_t rank = node.rank(node.input(0));
  Reduction result;
  result.keepdims = node.intAttr("keepdims", 1);
  SmallVector<int64_t> axes =
      node.intsAttrOrInput("axes", 1).value_or(SmallVector<int64_t>());
  if (axes.empty() && !node.intAttr("noop_with_empty_axes", 0))
    result.axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  else
    result.axes = node.normalizeAxes(axes, rank);
  llvm::sort(result.axes);
  result.axes.erase(llvm::unique(result.axes), result.axes.end());
  return result;
}

static LogicalResult importReduce(OnnxNode &node, ReduceKind kind) {
  Reduction reduction = readReduction(node);
  Value x = node.input(0);
  // The extremes of bools are those of bytes.
  bool isBool = node.elementType(x).isInteger(1);
  if (isBool)
    x = node.castTo(x, node.getBuilder().getIntegerType(8, /*isSigned=*/false));
  Value result = node.reduce(kind, x, reduction.axes, reduction.keepdims);
  if (isBool)
    result = node.castTo(result, node.getBuilder().getI1Type());
  return node.result(result);
}

/// Square roots and logarithms of integers are taken in floats.
static Value toFloat(OnnxNode &node, Value value) {
  Type type = node.elementType(value);
  if (isa<FloatType>(type))
    return value;
  Builder &builder = node.getBuilder();
  return node.castTo(value, type.getIntOrFloatBitWidth() > 16
                                ? Type(builder.getF64Type())
                                : Type(builder.getF32Type()));
}

static LogicalResult importReduceL1(OnnxNode &node) {
  Reduction reduction = readReduction(node);
  Value x = node.create<AbsOp>(node.input(0));
  return node.result(
      node.reduce(ReduceKind::Sum, x, reduction.axes, reduction.keepdims));
}

static LogicalResult importReduceSumSquare(OnnxNode &node) {
  Reduction reduction = readReduction(node);
  Value x = node.create<MulOp>(node.input(0), node.input(0));
  return node.result(
      node.reduce(ReduceKind::Sum, x, reduction.axes, reduction.keepdims));
}

static LogicalResult importReduceL2(OnnxNode &node) {
  Reduction reduction = readReduction(node);
  Value x = toFloat(node, node.input(0));
  Value sum = node.reduce(ReduceKind::Sum, node.create<MulOp>(x, x),
                          reduction.axes, reduction.keepdims);
  return node.result(
      node.castTo(node.create<SqrtOp>(sum), node.elementType(node.input(0))));
}

static LogicalResult importReduceLogSum(OnnxNode &node) {
  Reduction reduction = readReduction(node);
  Value sum = node.reduce(ReduceKind::Sum, toFloat(node, node.input(0)),
                          reduction.axes, reduction.keepdims);
  return node.result(
      node.castTo(node.create<LogOp>(sum), node.elementType(node.input(0))));
}

/// log(sum(exp(x - m))) + m with the largest element as m, which cannot
/// overflow; an infinite m is left out, as it would give NaN.
static LogicalResult importReduceLogSumExp(OnnxNode &node) {
  Reduction reduction = readReduction(node);
  Value x = toFloat(node, node.input(0));
  Value largest = node.reduce(ReduceKind::Max, x, reduction.axes);
  Value isInfinite = node.create<IsInfOp>(largest, true, true);
  largest =
      node.create<WhereOp>(isInfinite, node.scalarLike(largest, 0), largest);
  Value terms = node.create<ExpOp>(node.create<SubOp>(x, largest));
  Value sum = node.reduce(ReduceKind::Sum, terms, reduction.axes);
  Value result = node.create<AddOp>(node.create<LogOp>(sum), largest);
  if (!reduction.keepdims)
    result = node.squeeze(result, reduction.axes);
  return node.result(node.castTo(result, node.elementType(node.input(0))));
}

/// Before opset 13 (Log)Softmax is over all dimensions from `axis` on.
static LogicalResult importSoftmax(OnnxNode &node) {
  bool isLog = node.getOpType() == "LogSoftmax";
  bool coerces = node.getOpset() < 13;
  Value x = node.input(0);
  int64_t rank = node.rank(x);
  int64_t axis =
      node.normalizeAxis(node.intAttr("axis", coerces ? 1 : -1), rank);
  if (!coerces || axis == rank - 1)
    return node.result(node.create<SoftmaxOp>(x, axis, isLog));

  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(axis, rank));
  Value shifted = node.create<SubOp>(x, node.reduce(ReduceKind::Max, x, axes));
  Value exponentials = node.create<ExpOp>(shifted);
  Value sum = node.reduce(ReduceKind::Sum, exponentials, axes);
  if (isLog)
    return node.result(node.create<SubOp>(shifted, node.create<LogOp>(sum)));
  return node.result(node.create<DivOp>(exponentials, sum));
}

void onnx_detail::registerReductionBuilders(OpTable &table) {
  constexpr Arity reduction{1, 2};
  for (auto [name, kind] : {std::pair("ReduceSum", ReduceKind::Sum),
                            std::pair("ReduceMean", ReduceKind::Mean),
                            std::pair("ReduceProd", ReduceKind::Prod),
                            std::pair("ReduceMax", ReduceKind::Max),
                            std::pair("ReduceMin", ReduceKind::Min)})
    table.add(name, 1, reduction, [kind = kind](OnnxNode &node) {
      return importReduce(node, kind);
    });
  table.add("ReduceL1", 1, reduction, importReduceL1);
  table.add("ReduceL2", 1, reduction, importReduceL2);
  table.add("ReduceLogSum", 1, reduction, importReduceLogSum);
  table.add("ReduceLogSumExp", 1, reduction, importReduceLogSumExp);
  table.add("ReduceSumSquare", 1, reduction, importReduceSumSquare);
  table.add("Softmax", 1, {1, 1}, importSoftmax);
  table.add("LogSoftmax", 1, {1, 1}, importSoftmax);
}
