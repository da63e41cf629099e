//===- Shape.cpp - builders of ops that move elements ---------------------===//

#include "../Types.h"
#include "OpTable.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult importIdentity(OnnxNode &node) {
  return node.result(node.input(0));
}

/// At inference dropout passes its input through.
static LogicalResult importDropout(OnnxNode &node) {
  if (node.hasInput(2)) {
    std::optional<SmallVector<int64_t>> training =
        node.constantInts(node.input(2));
    if (!training || training->size() != 1 || training->front() != 0)
      return node.fail("training_mode is not false; only inference is "
                       "supported");
  }
  Value x = node.input(0);
  if (node.wantsOutput(1)) {
    Value kept = node.scalar(node.getBuilder().getI1Type(), 1);
    node.setOutput(1, node.create<ExpandOp>(kept, node.shapeOf(x)));
  }
  return node.result(x);
}

static LogicalResult importShape(OnnxNode &node) {
  int64_t rank = node.rank(node.input(0));
  auto clamp = [&](int64_t position) {
    return std::clamp<int64_t>(position < 0 ? position + rank : position, 0,
                               rank);
  };
  int64_t start = clamp(node.intAttr("start", 0));
  int64_t end = clamp(node.intAttr("end", rank));
  return node.result(
      node.create<ShapeOp>(node.input(0), start, std::max(start, end)));
}

/// The product of an i64 vector's elements, as a scalar.
static Value product(OnnxNode &node, Value vector) {
  return node.reduce(ReduceKind::Prod, vector, {0}, /*keepdims=*/false);
}

static LogicalResult importSize(OnnxNode &node) {
  return node.result(product(node, node.shapeOf(node.input(0))));
}

static LogicalResult importReshape(OnnxNode &node) {
  bool allowzero = node.intAttr("allowzero", 0);
  return node.result(
      node.create<ReshapeOp>(node.input(0), node.input(1), allowzero));
}

/// Collapses the dimensions before `axis` and those from it on.
static LogicalResult importFlatten(OnnxNode &node) {
  Value x = node.input(0);
  int64_t rank = node.rank(x), axis = node.intAttr("axis", 1);
  // Unlike elsewhere the rank itself is an axis too.
  if (axis != rank)
    axis = node.normalizeAxis(axis, rank);
  auto flatten = [&](int64_t begin, int64_t end) -> Value {
    int64_t size = 1;
    for (int64_t i = begin; i < end; ++i) {
      if (ShapedType::isDynamic(node.dim(x, i)))
        return node.unsqueeze(
            product(node, node.create<ShapeOp>(x, begin, end)), {0});
      size *= node.dim(x, i);
    }
    return node.ints(size);
  };
  Value shape = node.concat({flatten(0, axis), flatten(axis, rank)}, 0);
  return node.result(node.create<ReshapeOp>(x, shape, /*allowzero=*/true));
}

static LogicalResult importTranspose(OnnxNode &node) {
  SmallVector<int64_t> perm = node.intsAttr("perm");
  if (!node.hasAttr("perm"))
    perm = llvm::to_vector(
        llvm::reverse(llvm::seq<int64_t>(0, node.rank(node.input(0)))));
  return node.result(node.transpose(node.input(0), perm));
}

static LogicalResult importUnsqueeze(OnnxNode &node) {
  std::optional<SmallVector<int64_t>> axes = node.intsAttrOrInput("axes", 1);
  if (!axes)
    return node.fail("axes are missing");
  Value x = node.input(0);
  SmallVector<int64_t> sorted =
      node.normalizeAxes(*axes, node.rank(x) + axes->size());
  llvm::sort(sorted);
  if (llvm::adjacent_find(sorted) != sorted.end())
    return node.fail("axes are not distinct");
  return node.result(node.unsqueeze(x, sorted));
}

static LogicalResult importSqueeze(OnnxNode &node) {
  Value x = node.input(0);
  int64_t rank = node.rank(x);
  SmallVector<int64_t> sorted;
  if (std::optional<SmallVector<int64_t>> axes =
          node.intsAttrOrInput("axes", 1)) {
    sorted = node.normalizeAxes(*axes, rank);
  } else {
    for (int64_t i = 0; i < rank; ++i) {
      if (ShapedType::isDynamic(node.dim(x, i)))
        return node.fail("axes must be given for a tensor with dynamic "
                         "dimensions");
      if (node.dim(x, i) == 1)
        sorted.push_back(i);
    }
  }
  llvm::sort(sorted);
  sorted.erase(llvm::unique(sorted), sorted.end());
  return node.result(node.squeeze(x, sorted));
}

static LogicalResult importExpand(OnnxNode &node) {
  return node.result(node.create<ExpandOp>(node.input(0), node.input(1)));
}

static LogicalResult importConcat(OnnxNode &node) {
  for (Value input : node.getInputs()) {
    if (!input)
      return node.fail("an input is missing");
    if (node.elementType(input) != node.elementType(node.input(0)))
      return node.fail("operands differ in element type");
  }
  int64_t axis =
      node.normalizeAxis(node.requiredInt("axis"), node.rank(node.input(0)));
  return node.result(node.concat(node.getInputs(), axis));
}

static LogicalResult importGather(OnnxNode &node) {
  int64_t axis =
      node.normalizeAxis(node.intAttr("axis", 0), node.rank(node.input(0)));
  return node.result(node.create<GatherOp>(node.input(0), node.input(1), axis));
}

static LogicalResult importSlice(OnnxNode &node) {
  Value x = node.input(0), starts, ends, steps;
  Type i64 = node.getBuilder().getI64Type();
  SmallVector<int64_t> axes;
  if (node.getOpset() < 10) {
    starts = node.ints(node.intsAttr("starts"));
    ends = node.ints(node.intsAttr("ends"));
    axes = node.intsAttr("axes");
  } else {
    if (!node.hasInput(1) || !node.hasInput(2))
      return node.fail("starts or ends are missing");
    starts = node.castTo(node.input(1), i64);
    ends = node.castTo(node.input(2), i64);
    axes = node.requiredInts(3, "axes");
    steps = node.castTo(node.input(4), i64);
  }
  if (node.rank(starts) != 1 && !node.hasFailed())
    return node.fail("starts must be a vector");
  // Axes say how many starts there are even where their own length does not.
  bool hasAxes = node.hasInput(3) || node.hasAttr("axes");
  int64_t count = axes.size();
  if (!hasAxes || !ShapedType::isDynamic(node.dim(starts, 0)))
    count = node.staticDim(starts, 0, "the number of starts");
  if (!node.hasFailed() && count > node.rank(x))
    return node.fail("has " + Twine(count) + " starts for a tensor of rank " +
                     Twine(node.rank(x)));
  if (!hasAxes)
    axes = llvm::to_vector(llvm::seq<int64_t>(0, count));
  if (!node.hasFailed() && int64_t(axes.size()) != count)
    return node.fail("starts and axes differ in length");
  if (!steps)
    steps = node.ints(SmallVector<int64_t>(count, 1));
  axes = node.normalizeAxes(axes, node.rank(x));
  return node.result(
      node.create<SliceOp>(x, starts, ends, steps, ArrayRef<int64_t>(axes)));
}

/// The sizes of the parts as i64 vectors of one element.
static SmallVector<Value> readSplitSizes(OnnxNode &node, Value x,
                                         int64_t axis) {
  unsigned count = node.getNumOutputs();
  SmallVector<Value> sizes;
  std::optional<SmallVector<int64_t>> known;
  if (node.hasAttr("split"))
    known = node.intsAttr("split");
  else if (node.hasInput(1))
    known = node.constantInts(node.input(1));
  if (known) {
    if (known->size() != count)
      (void)node.fail("has " + Twine(count) + " outputs, but split has " +
                      Twine(known->size()) + " sizes");
    for (int64_t size : *known)
      sizes.push_back(node.ints(size));
    return sizes;
  }
  if (node.hasInput(1)) {
    for (unsigned i = 0; i < count; ++i)
      sizes.push_back(node.slice(node.input(1), 0, i, i + 1));
    return sizes;
  }
  // Equal parts, the last of which takes what is left.
  int64_t parts = node.intAttr("num_outputs", count);
  if (parts != int64_t(count))
    (void)node.fail("num_outputs is " + Twine(parts) + ", but there are " +
                    Twine(count) + " outputs");
  if (int64_t size = node.dim(x, axis); !ShapedType::isDynamic(size)) {
    int64_t part = llvm::divideCeil(size, count);
    for (int64_t i = 0; i < count; ++i)
      sizes.push_back(node.ints(std::clamp<int64_t>(size - i * part, 0, part)));
    return sizes;
  }
  Value part = node.create<DivOp>(
      node.create<AddOp>(node.dimOf(x, axis), node.ints(count - 1)),
      node.ints(count));
  sizes.assign(count, part);
  return sizes;
}

static LogicalResult importSplit(OnnxNode &node) {
  Value x = node.input(0);
  if (node.getNumOutputs() == 0)
    return node.fail("has no outputs");
  int64_t axis = node.normalizeAxis(node.intAttr("axis", 0), node.rank(x));
  Value start = node.ints(0);
  for (auto [index, size] : llvm::enumerate(readSplitSizes(node, x, axis))) {
    Value end = node.create<AddOp>(start, size);
    std::optional<SmallVector<int64_t>> from = node.constantInts(start),
                                        to = node.constantInts(end);
    if (from && to) {
      start = node.ints(*from);
      end = node.ints(*to);
    }
    node.setOutput(index, node.create<SliceOp>(x, start, end, node.ints(1),
                                               ArrayRef<int64_t>(axis)));
    start = end;
  }
  return success(!node.hasFailed());
}

static LogicalResult importCast(OnnxNode &node) {
  int64_t to = node.requiredInt("to");
  Type type = getElementType(to, node.getContext());
  if (!type && !node.hasFailed())
    return node.fail("casts to " + getDataTypeName(to) +
                     ", which is not supported");
  bool saturate = node.intAttr("saturate", 1);
  StringRef roundMode = node.stringAttr("round_mode", "up");
  return node.result(
      node.create<CastOp>(node.input(0), type, saturate, roundMode));
}

static LogicalResult importCastLike(OnnxNode &node) {
  bool saturate = node.intAttr("saturate", 1);
  StringRef roundMode = node.stringAttr("round_mode", "up");
  return node.result(node.create<CastOp>(
      node.input(0), node.elementType(node.input(1)), saturate, roundMode));
}

static LogicalResult importBitCast(OnnxNode &node) {
  int64_t to = node.requiredInt("to");
  Type type = getElementType(to, node.getContext());
  if (!type && !node.hasFailed())
    return node.fail("casts to " + getDataTypeName(to) +
                     ", which is not supported");
  return node.result(node.create<BitCastOp>(node.input(0), type));
}

static LogicalResult importConstantOfShape(OnnxNode &node) {
  Value value = node.hasAttr("value")
                    ? node.tensorAttr("value")
                    : node.scalar(node.getBuilder().getF32Type(), 0);
  if (!node.hasFailed() && node.type(value).hasStaticShape() &&
      node.type(value).getNumElements() != 1)
    return node.fail("value must have one element");
  Value scalar = node.rank(value) == 0
                     ? value
                     : node.create<ReshapeOp>(value, node.ints({}), false);
  return node.result(node.create<ExpandOp>(scalar, node.input(0)));
}

/// Fails unless `x` is an image and squares of `block` elements make sense.
static LogicalResult checkBlocks(OnnxNode &node, Value x, int64_t block) {
  if (node.rank(x) != 4)
    return node.fail("needs an input [batch, depth, height, width]");
  if (block < 1 || block > INT32_MAX)
    return node.fail("blocksize is " + Twine(block) +
                     "; it is at least 1 and at most " + Twine(INT32_MAX));
  return success();
}

/// Blocks of the depth become blocks of the plane.
static LogicalResult importDepthToSpace(OnnxNode &node) {
  int64_t block = node.requiredInt("blocksize");
  StringRef mode = node.stringAttr("mode", "DCR");
  Value x = node.input(0);
  if (failed(checkBlocks(node, x, block)))
    return failure();
  int64_t depth = node.staticDim(x, 1, "the depth");
  if (depth % (block * block) != 0)
    return node.fail("blocksize does not divide the depth");
  int64_t rest = depth / (block * block);
  Value batch = node.dimOf(x, 0), height = node.dimOf(x, 2),
        width = node.dimOf(x, 3), b = node.ints(block), r = node.ints(rest);
  bool depthFirst = mode == "DCR";
  Value blocks = node.create<ReshapeOp>(
      x,
      depthFirst ? node.concat({batch, b, b, r, height, width}, 0)
                 : node.concat({batch, r, b, b, height, width}, 0),
      true);
  Value moved = depthFirst ? node.transpose(blocks, {0, 3, 4, 1, 5, 2})
                           : node.transpose(blocks, {0, 1, 4, 2, 5, 3});
  Value shape = node.concat(
      {batch, r, node.create<MulOp>(height, b), node.create<MulOp>(width, b)},
      0);
  return node.result(node.create<ReshapeOp>(moved, shape, true));
}

static LogicalResult importSpaceToDepth(OnnxNode &node) {
  int64_t block = node.requiredInt("blocksize");
  Value x = node.input(0);
  if (failed(checkBlocks(node, x, block)))
    return failure();
  int64_t depth = node.staticDim(x, 1, "the depth"), deep;
  if (llvm::MulOverflow(depth, block * block, deep))
    return node.fail("blocksize makes a depth that overflows");
  Value batch = node.dimOf(x, 0), b = node.ints(block), d = node.ints(depth);
  Value height = node.create<DivOp>(node.dimOf(x, 2), b),
        width = node.create<DivOp>(node.dimOf(x, 3), b);
  Value blocks = node.create<ReshapeOp>(
      x, node.concat({batch, d, height, b, width, b}, 0), true);
  Value moved = node.transpose(blocks, {0, 3, 5, 1, 2, 4});
  Value shape = node.concat({batch, node.ints(deep), height, width}, 0);
  return node.result(node.create<ReshapeOp>(moved, shape, true));
}

void onnx_detail::registerShapeBuilders(OpTable &table) {
  table.add("Identity", 1, {1, 1}, importIdentity);
  table.add("Dropout", 7, {1, 3}, importDropout);
  table.add("Shape", 1, {1, 1}, importShape);
  table.add("Size", 1, {1, 1}, importSize);
  table.add("Reshape", 5, {2, 2}, importReshape);
  table.add("Flatten", 1, {1, 1}, importFlatten);
  table.add("Transpose", 1, {1, 1}, importTranspose);
  table.add("Unsqueeze", 1, {1, 2}, importUnsqueeze);
  table.add("Squeeze", 1, {1, 2}, importSqueeze);
  table.add("Expand", 8, {2, 2}, importExpand);
  table.add("Concat", 4, {1, variadic}, importConcat);
  table.add("Gather", 1, {2, 2}, importGather);
  table.add("Slice", 1, {1, 5}, importSlice);
  table.add("Split", 2, {1, 2}, importSplit);
  table.add("Cast", 6, {1, 1}, importCast);
  table.add("BitCast", 26, {1, 1}, importBitCast);
  table.add("CastLike", 15, {2, 2}, importCastLike);
  table.add("ConstantOfShape", 9, {1, 1}, importConstantOfShape);
  table.add("DepthToSpace", 1, {1, 1}, importDepthToSpace);
  table.add("SpaceToDepth", 1, {1, 1}, importSpaceToDepth);
}
