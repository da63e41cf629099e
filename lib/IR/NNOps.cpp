//===- NNOps.cpp - convolution and pooling --------------------------------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/NNOps.cpp.inc"

void LLMCDialect::registerNNOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/NNOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

/// Checks that the attributes of a sliding window have one element per spatial
/// dimension of the operand, two for pads. `kernel` is empty where the weight
/// has the window's shape.
static LogicalResult checkWindow(ShapeContext &shapes, Value operand,
                                 ArrayRef<int64_t> strides,
                                 ArrayRef<int64_t> pads,
                                 ArrayRef<int64_t> dilations,
                                 std::optional<ArrayRef<int64_t>> kernel) {
  int64_t spatial = shapes.rank(operand) - 2;
  if (spatial < 1)
    return shapes.fail("the operand must be [batch, channels, spatial...]");
  auto check = [&](StringRef name, ArrayRef<int64_t> values, int64_t count,
                   int64_t least) -> LogicalResult {
    if (int64_t(values.size()) != count)
      return shapes.fail(name + " has " + Twine(values.size()) +
                         " elements; the operand's " + Twine(spatial) +
                         " spatial dimensions need " + Twine(count));
    for (int64_t value : values)
      if (value < least || value > INT32_MAX)
        return shapes.fail(name + " holds " + Twine(value) +
                           "; it is at least " + Twine(least) +
                           " and at most " + Twine(INT32_MAX));
    return success();
  };
  if (failed(check("strides", strides, spatial, 1)) ||
      failed(check("dilations", dilations, spatial, 1)) ||
      failed(check("pads", pads, 2 * spatial, 0)))
    return failure();
  return kernel ? check("kernel_shape", *kernel, spatial, 1) : success();
}

/// The number of windows of `extent` elements that fit in a padded dimension.
static AffineExpr countWindows(ShapeContext &shapes, AffineExpr size,
                               AffineExpr extent, int64_t stride,
                               int64_t padBegin, int64_t padEnd, bool ceil) {
  AffineExpr room = size + (padBegin + padEnd) - extent;
  AffineExpr count = room.floorDiv(stride) + 1;
  std::optional<int64_t> known = getConstant(room);
  if (!known)
    // Whether a last window that sticks out counts depends on where it starts.
    return ceil && stride > 1 ? shapes.freshSymbol() : count;
  if (ceil && *known % stride != 0) {
    std::optional<int64_t> rounded = getConstant(count);
    // A window that would start in the padding behind the operand is dropped.
    if (*rounded * stride < *getConstant(size) + padBegin)
      count = count + 1;
  }
  std::optional<int64_t> result = getConstant(count);
  return shapes.constant(std::max<int64_t>(*result, 0));
}

/// [batch, `channels`, windows...] of an operand whose window is checked.
static ShapeInfo inferWindows(ShapeContext &shapes, Value operand,
                              AffineExpr channels, ArrayRef<AffineExpr> kernel,
                              ArrayRef<int64_t> strides, ArrayRef<int64_t> pads,
                              ArrayRef<int64_t> dilations, bool ceil) {
  ShapeInfo info{shapes.elementType(operand),
                 {shapes.dim(operand, 0), channels},
                 std::nullopt};
  for (size_t i = 0; i < kernel.size(); ++i)
    info.dims.push_back(countWindows(
        shapes, shapes.dim(operand, i + 2), (kernel[i] - 1) * dilations[i] + 1,
        strides[i], pads[i], pads[kernel.size() + i], ceil));
  return info;
}

/// Checks a weight of the operand's rank, and the channels that it takes.
static LogicalResult checkWeight(ShapeContext &shapes, Value operand,
                                 Value weight, Value bias, int64_t group,
                                 bool transposed) {
  if (failed(expectSameElementType(shapes, "operand", operand, "weight",
                                   weight)) ||
      failed(expectSameElementType(shapes, "operand", operand, "bias", bias)))
    return failure();
  if (shapes.rank(weight) != shapes.rank(operand))
    return shapes.fail("the weight has rank " + Twine(shapes.rank(weight)) +
                       ", the operand " + Twine(shapes.rank(operand)));
  if (group < 1)
    return shapes.fail("group is " + Twine(group));
  for (AffineExpr dim : shapes.dims(weight).drop_front(2))
    if (getConstant(dim) == 0)
      return shapes.fail("the weight has an empty kernel");
  std::optional<int64_t> channels = getConstant(shapes.dim(operand, 1)),
                         first = getConstant(shapes.dim(weight, 0)),
                         second = getConstant(shapes.dim(weight, 1));
  if (!first || !second)
    return shapes.fail("the weight's channels must be static");
  if (*first % group != 0)
    return shapes.fail("group " + Twine(group) + " does not divide " +
                       Twine(*first) + " channels of the weight");
  int64_t grouped;
  if (llvm::MulOverflow(*second, group, grouped))
    return shapes.fail("group " + Twine(group) + " times " + Twine(*second) +
                       " channels of the weight overflows");
  int64_t needed = transposed ? *first : grouped;
  if (channels && *channels != needed)
    return shapes.fail("the operand has " + Twine(*channels) +
                       " channels, the weight takes " + Twine(needed));
  int64_t produced = transposed ? grouped : *first;
  if (!bias)
    return success();
  if (shapes.rank(bias) != 1)
    return shapes.fail("the bias must be a vector");
  std::optional<int64_t> length = getConstant(shapes.dim(bias, 0));
  if (length && *length != produced)
    return shapes.fail("the bias has " + Twine(*length) + " elements for " +
                       Twine(produced) + " channels");
  return success();
}

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

LogicalResult ConvOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                  SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), weight = adaptor.getWeight();
  if (failed(checkWindow(shapes, operand, adaptor.getStrides(),
                         adaptor.getPads(), adaptor.getDilations(),
                         std::nullopt)) ||
      failed(checkWeight(shapes, operand, weight, adaptor.getBias(),
                         adaptor.getGroup(), /*transposed=*/false)))
    return failure();
  SmallVector<AffineExpr> dims(shapes.dims(weight));
  results.push_back(inferWindows(
      shapes, operand, dims[0], ArrayRef(dims).drop_front(2),
      adaptor.getStrides(), adaptor.getPads(), adaptor.getDilations(), false));
  return success();
}

LogicalResult
ConvTransposeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                             SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), weight = adaptor.getWeight();
  ArrayRef<int64_t> strides = adaptor.getStrides(), pads = adaptor.getPads(),
                    dilations = adaptor.getDilations(),
                    extra = adaptor.getOutputPadding();
  size_t spatial = shapes.rank(operand) - 2;
  // Pads cut the result here, so that a resolved output_shape may make them
  // negative.
  SmallVector<int64_t> cut(pads.size(), 0);
  if (failed(checkWindow(shapes, operand, strides, cut, dilations,
                         std::nullopt)) ||
      failed(checkWeight(shapes, operand, weight, adaptor.getBias(),
                         adaptor.getGroup(), /*transposed=*/true)))
    return failure();
  if (extra.size() != spatial)
    return shapes.fail("output_padding needs " + Twine(spatial) + " elements");
  for (ArrayRef<int64_t> values : {extra, pads})
    for (int64_t value : values)
      if (!llvm::isInt<32>(value))
        return shapes.fail("pads or output_padding holds " + Twine(value) +
                           ", which is too large");
  ShapeInfo info{shapes.elementType(operand),
                 {shapes.dim(operand, 0),
                  shapes.dim(weight, 1) * int64_t(adaptor.getGroup())},
                 std::nullopt};
  for (size_t i = 0; i < spatial; ++i)
    info.dims.push_back((shapes.dim(operand, i + 2) - 1) * strides[i] +
                        (shapes.dim(weight, i + 2) - 1) * dilations[i] + 1 +
                        (extra[i] - pads[i] - pads[spatial + i]));
  results.push_back(std::move(info));
  return success();
}

LogicalResult DeformConvOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                        SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), weight = adaptor.getWeight();
  if (shapes.rank(operand) != 4 || shapes.rank(adaptor.getOffset()) != 4 ||
      (adaptor.getMask() && shapes.rank(adaptor.getMask()) != 4))
    return shapes.fail("deformable convolution is defined on images, [batch, "
                       "channels, height, width]");
  if (failed(checkWindow(shapes, operand, adaptor.getStrides(),
                         adaptor.getPads(), adaptor.getDilations(),
                         std::nullopt)) ||
      failed(checkWeight(shapes, operand, weight, adaptor.getBias(),
                         adaptor.getGroup(), /*transposed=*/false)))
    return failure();
  int64_t groups = adaptor.getOffsetGroup();
  SmallVector<AffineExpr> dims(shapes.dims(weight));
  std::optional<int64_t> height = getConstant(dims[2]),
                         width = getConstant(dims[3]),
                         channels = getConstant(dims[1]);
  if (!height || !width)
    return shapes.fail("the weight's shape must be static");
  if (groups < 1 || *channels * int64_t(adaptor.getGroup()) % groups != 0)
    return shapes.fail("offset_group " + Twine(groups) +
                       " does not divide the channels");
  auto check = [&](StringRef name, Value value,
                   int64_t needed) -> LogicalResult {
    for (int64_t factor : {groups, *height, *width})
      if (llvm::MulOverflow(needed, factor, needed))
        return shapes.fail("offset_group " + Twine(groups) +
                           " times the kernel's size overflows");
    std::optional<int64_t> size =
        value ? getConstant(shapes.dim(value, 1)) : std::nullopt;
    if (size && *size != needed)
      return shapes.fail(name + " has " + Twine(*size) + " channels, not " +
                         Twine(needed));
    return success();
  };
  if (failed(check("offset", adaptor.getOffset(), 2)) ||
      failed(check("mask", adaptor.getMask(), 1)))
    return failure();
  results.push_back(inferWindows(
      shapes, operand, dims[0], ArrayRef(dims).drop_front(2),
      adaptor.getStrides(), adaptor.getPads(), adaptor.getDilations(), false));
  return success();
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

template <typename Adaptor>
static LogicalResult inferPool(ShapeContext &shapes, Adaptor adaptor,
                               SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand();
  ArrayRef<int64_t> kernel = adaptor.getKernelShape();
  if (failed(checkWindow(shapes, operand, adaptor.getStrides(),
                         adaptor.getPads(), adaptor.getDilations(), kernel)))
    return failure();
  SmallVector<AffineExpr> sizes;
  for (int64_t size : kernel)
    sizes.push_back(shapes.constant(size));
  results.push_back(inferWindows(
      shapes, operand, shapes.dim(operand, 1), sizes, adaptor.getStrides(),
      adaptor.getPads(), adaptor.getDilations(), adaptor.getCeilMode()));
  return success();
}

LogicalResult MaxPoolOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  if (failed(inferPool(shapes, adaptor, results)))
    return failure();
  ShapeInfo indices = results.back();
  indices.elementType = IntegerType::get(shapes.getContext(), 64);
  results.push_back(std::move(indices));
  return success();
}

LogicalResult AveragePoolOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                         SmallVectorImpl<ShapeInfo> &results) {
  return inferPool(shapes, adaptor, results);
}

LogicalResult LpPoolOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  if (int64_t(adaptor.getP()) < 1)
    return shapes.fail("p must be positive");
  return inferPool(shapes, adaptor, results);
}
