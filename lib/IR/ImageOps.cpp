//===- ImageOps.cpp - sampling of images at computed positions ------------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/ImageOps.cpp.inc"

void LLMCDialect::registerImageOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/ImageOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// ResizeOp
//===----------------------------------------------------------------------===//

static std::optional<SmallVector<double>> constantFloats(Value value) {
  DenseFPElementsAttr elements;
  if (!value || !matchPattern(value, m_Constant(&elements)))
    return std::nullopt;
  SmallVector<double> result;
  for (APFloat element : elements.getValues<APFloat>()) {
    bool exact;
    element.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &exact);
    result.push_back(element.convertToDouble());
  }
  return result;
}

/// Keeps sizes far from overflow.
static constexpr double maxResizeFactor = 1 << 30;

/// The sizes of the resized axes where both they and the factors are known.
static void inferResizedDims(ShapeContext &shapes, ResizeOp::Adaptor adaptor,
                             SmallVectorImpl<AffineExpr> &dims) {
  ArrayRef<int64_t> axes = adaptor.getAxes();
  if (Value scales = adaptor.getScales()) {
    std::optional<SmallVector<double>> factors = constantFloats(scales);
    for (auto [index, axis] : llvm::enumerate(axes)) {
      std::optional<int64_t> size = getConstant(dims[axis]);
      if (factors && (*factors)[index] == 1)
        continue;
      // ONNX multiplies in f32.
      if (factors && size)
        dims[axis] = shapes.constant(
            int64_t(std::floor(float(*size) * float((*factors)[index]))));
      else
        dims[axis] = shapes.freshSymbol();
    }
    return;
  }
  std::optional<SmallVector<AffineExpr>> sizes =
      shapes.values(adaptor.getSizes());
  if (adaptor.getKeepAspectRatioPolicy() == "stretch") {
    for (auto [index, axis] : llvm::enumerate(axes))
      dims[axis] = sizes ? (*sizes)[index] : shapes.freshSymbol();
    return;
  }
  // One factor for all axes: the smallest or the largest.
  std::optional<double> factor;
  bool known = sizes.has_value();
  for (auto [index, axis] : llvm::enumerate(axes)) {
    std::optional<int64_t> from = getConstant(dims[axis]),
                           to = known ? getConstant((*sizes)[index])
                                      : std::nullopt;
    known &= from && to && *from > 0;
    if (!known)
      break;
    double ratio = double(*to) / double(*from);
    if (!factor)
      factor = ratio;
    else if (adaptor.getKeepAspectRatioPolicy() == "not_larger")
      factor = std::min(*factor, ratio);
    else
      factor = std::max(*factor, ratio);
  }
  for (int64_t axis : axes)
    dims[axis] = known ? shapes.constant(int64_t(std::floor(
                             *factor * double(*getConstant(dims[axis])) + 0.5)))
                       : shapes.freshSymbol();
}

LogicalResult ResizeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand();
  ArrayRef<int64_t> axes = adaptor.getAxes();
  SmallVector<bool> seen(shapes.rank(operand), false);
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= int64_t(seen.size()) || seen[axis])
      return shapes.fail("axes are not distinct dimensions of the operand");
    seen[axis] = true;
  }
  if (bool(adaptor.getScales()) == bool(adaptor.getSizes()))
    return shapes.fail("needs either scales or sizes");
  auto checkLength = [&](StringRef name, Value value,
                         size_t length) -> LogicalResult {
    if (!value)
      return success();
    if (shapes.rank(value) != 1)
      return shapes.fail(name + " must be a vector");
    std::optional<int64_t> size = getConstant(shapes.dim(value, 0));
    if (!size || *size != int64_t(length))
      return shapes.fail(name + " must have " + Twine(length) + " elements");
    return success();
  };
  if (failed(checkLength("scales", adaptor.getScales(), axes.size())) ||
      failed(checkLength("sizes", adaptor.getSizes(), axes.size())) ||
      failed(checkLength("roi", adaptor.getRoi(), 2 * axes.size())))
    return failure();
  if (!adaptor.getRoi() &&
      adaptor.getCoordinateTransformationMode() == "tf_crop_and_resize")
    return shapes.fail("tf_crop_and_resize needs roi");
  if (adaptor.getAntialias() && adaptor.getMode() == "nearest")
    return shapes.fail("antialias is for the modes linear and cubic");
  if (std::optional<SmallVector<double>> factors =
          constantFloats(adaptor.getScales()))
    for (double factor : *factors)
      if (!(factor > 0 && factor <= maxResizeFactor))
        return shapes.fail("scales must be positive, and at most " +
                           Twine(int64_t(maxResizeFactor)));
  if (Value sizes = adaptor.getSizes())
    if (auto values = shapes.values(sizes))
      for (AffineExpr value : *values)
        if (getConstant(value).value_or(0) < 0)
          return shapes.fail("sizes must not be negative");
  ShapeInfo info{shapes.elementType(operand),
                 SmallVector<AffineExpr>(shapes.dims(operand)), std::nullopt};
  inferResizedDims(shapes, adaptor, info.dims);
  results.push_back(std::move(info));
  return success();
}

//===----------------------------------------------------------------------===//
// GridSampleOp, RoiAlignOp, NonMaxSuppressionOp
//===----------------------------------------------------------------------===//

LogicalResult GridSampleOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                        SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), grid = adaptor.getGrid();
  int64_t rank = shapes.rank(operand), spatial = rank - 2;
  std::optional<int64_t> coordinates;
  if (spatial >= 1 && shapes.rank(grid) == rank)
    coordinates = getConstant(shapes.dim(grid, rank - 1));
  if (!coordinates || *coordinates != spatial)
    return shapes.fail("needs an operand [batch, channels, spatial...] and a "
                       "grid [batch, out..., number of spatial dimensions]");
  if (failed(expectEqual(shapes, "batches of operand and grid",
                         shapes.dim(operand, 0), shapes.dim(grid, 0))))
    return failure();
  ShapeInfo info{shapes.elementType(operand),
                 {shapes.dim(operand, 0), shapes.dim(operand, 1)},
                 std::nullopt};
  for (int64_t i = 0; i < spatial; ++i)
    info.dims.push_back(shapes.dim(grid, i + 1));
  results.push_back(std::move(info));
  return success();
}

LogicalResult RoiAlignOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                      SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), rois = adaptor.getRois();
  if (shapes.rank(operand) != 4 || shapes.rank(rois) != 2 ||
      getConstant(shapes.dim(rois, 1)).value_or(4) != 4 ||
      shapes.rank(adaptor.getBatchIndices()) != 1)
    return shapes.fail("needs an operand [batch, channels, height, width], "
                       "rois [count, 4] and batch_indices [count]");
  if (failed(expectEqual(shapes, "counts of rois and batch_indices",
                         shapes.dim(rois, 0),
                         shapes.dim(adaptor.getBatchIndices(), 0))) ||
      failed(expectSameElementType(shapes, "operand", operand, "rois", rois)))
    return failure();
  if (int64_t(adaptor.getOutputHeight()) < 1 ||
      int64_t(adaptor.getOutputWidth()) < 1 ||
      int64_t(adaptor.getSamplingRatio()) < 0)
    return shapes.fail("output_height and output_width must be positive, "
                       "sampling_ratio not negative");
  results.push_back({shapes.elementType(operand),
                     {shapes.dim(rois, 0), shapes.dim(operand, 1),
                      shapes.constant(adaptor.getOutputHeight()),
                      shapes.constant(adaptor.getOutputWidth())},
                     std::nullopt});
  return success();
}

LogicalResult
NonMaxSuppressionOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  if (shapes.rank(adaptor.getBoxes()) != 3 ||
      getConstant(shapes.dim(adaptor.getBoxes(), 2)).value_or(4) != 4 ||
      shapes.rank(adaptor.getScores()) != 3)
    return shapes.fail("needs boxes [batch, boxes, 4] and scores [batch, "
                       "classes, boxes]");
  Value boxes = adaptor.getBoxes(), scores = adaptor.getScores();
  if (failed(expectEqual(shapes, "batches of boxes and scores",
                         shapes.dim(boxes, 0), shapes.dim(scores, 0))) ||
      failed(expectEqual(shapes, "numbers of boxes in boxes and scores",
                         shapes.dim(boxes, 1), shapes.dim(scores, 2))))
    return failure();
  for (Value limit :
       {Value(adaptor.getMaxOutputBoxesPerClass()),
        Value(adaptor.getIouThreshold()), Value(adaptor.getScoreThreshold())})
    if (limit && (shapes.rank(limit) > 1 ||
                  (shapes.rank(limit) == 1 &&
                   getConstant(shapes.dim(limit, 0)).value_or(1) != 1)))
      return shapes.fail("limits and thresholds must be one number each");
  results.push_back({IntegerType::get(shapes.getContext(), 64),
                     {shapes.freshSymbol(), shapes.constant(3)},
                     std::nullopt});
  return success();
}
