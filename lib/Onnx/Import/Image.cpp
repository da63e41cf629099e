//===- Image.cpp - builders of ops that sample images ---------------------===//

#include "OpTable.h"
#include "Window.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

//===----------------------------------------------------------------------===//
// Resize and Upsample
//===----------------------------------------------------------------------===//

namespace {
/// What a resizing node asks for, in the form of llmc.resize.
struct ResizeSpec {
  Value roi, scales, sizes;
  SmallVector<int64_t> axes;
  StringRef mode = "nearest", coordinates = "half_pixel",
            nearest = "round_prefer_floor", policy = "stretch";
  double cubicCoefficient = -0.75, extrapolation = 0;
  bool excludeOutside = false, antialias = false;
};
} // namespace

static Value floatVector(OnnxNode &node, ArrayRef<double> values) {
  if (node.hasFailed())
    return {};
  SmallVector<float> narrow(values.begin(), values.end());
  auto type = RankedTensorType::get({int64_t(narrow.size())},
                                    node.getBuilder().getF32Type());
  return node.constant(DenseElementsAttr::get(type, ArrayRef<float>(narrow)));
}

/// Leaves out the axes that keep their size, and makes constant scales a
/// constant, where shape inference sees them: an initializer of floats is a
/// param.
static void simplifyResize(OnnxNode &node, Value x, ResizeSpec &spec) {
  if (node.hasFailed() || spec.coordinates == "tf_crop_and_resize")
    return;
  spec.roi = {};
  SmallVector<int64_t> kept;
  if (spec.scales) {
    std::optional<SmallVector<double>> scales =
        node.constantFloats(spec.scales);
    if (!scales || scales->size() != spec.axes.size())
      return;
    SmallVector<double> rest;
    for (auto [axis, scale] : llvm::zip(spec.axes, *scales)) {
      if (scale == 1)
        continue;
      kept.push_back(axis);
      rest.push_back(scale);
    }
    spec.scales = floatVector(node, rest);
  } else {
    std::optional<SmallVector<int64_t>> sizes = node.constantInts(spec.sizes);
    if (!sizes || sizes->size() != spec.axes.size() || spec.policy != "stretch")
      return;
    SmallVector<int64_t> rest;
    for (auto [axis, size] : llvm::zip(spec.axes, *sizes)) {
      if (size == node.dim(x, axis))
        continue;
      kept.push_back(axis);
      rest.push_back(size);
    }
    spec.sizes = node.ints(rest);
  }
  spec.axes = kept;
}

static LogicalResult createResize(OnnxNode &node, Value x, ResizeSpec &spec) {
  simplifyResize(node, x, spec);
  if (spec.axes.empty())
    return node.result(x);
  return node.result(node.create<ResizeOp>(
      x, spec.roi, spec.scales, spec.sizes, spec.axes, spec.mode,
      spec.coordinates, spec.nearest, spec.policy,
      APFloat(float(spec.cubicCoefficient)), APFloat(float(spec.extrapolation)),
      spec.excludeOutside, spec.antialias));
}

/// Empty tensors stand for absent inputs.
static Value inputUnlessEmpty(OnnxNode &node, unsigned index) {
  Value value = node.input(index);
  return value && node.dim(value, 0) != 0 ? value : Value();
}

static LogicalResult importResize(OnnxNode &node) {
  Value x = node.input(0);
  int64_t rank = node.rank(x);
  ResizeSpec spec;
  spec.roi = inputUnlessEmpty(node, 1);
  spec.scales = inputUnlessEmpty(node, 2);
  spec.sizes = inputUnlessEmpty(node, 3);
  spec.mode = node.stringAttr("mode", "nearest");
  spec.coordinates =
      node.stringAttr("coordinate_transformation_mode", "half_pixel");
  spec.nearest = node.stringAttr("nearest_mode", "round_prefer_floor");
  spec.policy = node.stringAttr("keep_aspect_ratio_policy", "stretch");
  spec.cubicCoefficient = node.floatAttr("cubic_coeff_a", -0.75);
  spec.extrapolation = node.floatAttr("extrapolation_value", 0);
  spec.excludeOutside = node.intAttr("exclude_outside", 0);
  spec.antialias = node.intAttr("antialias", 0);
  if (node.hasAttr("axes"))
    spec.axes = node.normalizeAxes(node.intsAttr("axes"), rank);
  else
    spec.axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  return createResize(node, x, spec);
}

/// Up to opset 10 positions are result positions divided by the factor.
static LogicalResult importUpsample(OnnxNode &node) {
  Value x = node.input(0);
  ResizeSpec spec;
  spec.mode = node.stringAttr("mode", "nearest");
  spec.coordinates = "asymmetric";
  spec.nearest = "floor";
  spec.axes = llvm::to_vector(llvm::seq<int64_t>(0, node.rank(x)));
  if (node.hasAttr("scales"))
    spec.scales = floatVector(node, node.floatsAttr("scales"));
  else if (node.hasInput(1))
    spec.scales = node.input(1);
  else
    return node.fail("scales are missing");
  return createResize(node, x, spec);
}

//===----------------------------------------------------------------------===//
// Sampling and regions
//===----------------------------------------------------------------------===//

static LogicalResult importGridSample(OnnxNode &node) {
  StringRef mode = node.stringAttr("mode", "linear");
  // Names of opset 16.
  if (mode == "bilinear")
    mode = "linear";
  if (mode == "bicubic")
    mode = "cubic";
  StringRef padding = node.stringAttr("padding_mode", "zeros");
  bool alignCorners = node.intAttr("align_corners", 0);
  return node.result(node.create<GridSampleOp>(node.input(0), node.input(1),
                                               mode, padding, alignCorners));
}

static LogicalResult importRoiAlign(OnnxNode &node) {
  // Opset 10 has no half pixels.
  StringRef coordinates = node.stringAttr(
      "coordinate_transformation_mode",
      node.getOpset() < 16 ? "output_half_pixel" : "half_pixel");
  StringRef mode = node.stringAttr("mode", "avg");
  int64_t height = node.intAttr("output_height", 1),
          width = node.intAttr("output_width", 1),
          samples = node.intAttr("sampling_ratio", 0);
  APFloat scale(float(node.floatAttr("spatial_scale", 1)));
  return node.result(node.create<RoiAlignOp>(node.input(0), node.input(1),
                                             node.input(2), coordinates, mode,
                                             height, width, samples, scale));
}

static LogicalResult importNonMaxSuppression(OnnxNode &node) {
  Builder &builder = node.getBuilder();
  Value limit = node.input(2), threshold = node.input(3);
  if (!limit)
    limit = node.scalar(builder.getI64Type(), 0);
  if (!threshold)
    threshold = node.scalar(builder.getF32Type(), 0);
  bool centred = node.intAttr("center_point_box", 0);
  return node.result(node.create<NonMaxSuppressionOp>(
      node.input(0), node.input(1), limit, threshold, node.input(4), centred));
}

/// Adds up blocks into an image: a transposed convolution, one group per
/// channel, whose weight puts each row of the blocks at its place.
static LogicalResult importCol2Im(OnnxNode &node) {
  Value x = node.input(0);
  SmallVector<int64_t> image = node.requiredInts(1, "image_shape"),
                       block = node.requiredInts(2, "block_shape");
  int64_t spatial = image.size(), positions = 1;
  if (node.hasFailed())
    return failure();
  if (node.rank(x) != 3 || spatial < 1 || int64_t(block.size()) != spatial)
    return node.fail("needs an input [batch, channels * block, windows] and an "
                     "image_shape and block_shape of one length");
  SmallVector<int64_t> strides = readInts(node, "strides", spatial, 1),
                       dilations = readInts(node, "dilations", spatial, 1),
                       pads = readInts(node, "pads", 2 * spatial, 0);
  checkRange(node, "image_shape", image, 0);
  checkRange(node, "block_shape", block, 1);
  checkRange(node, "strides", strides, 1);
  checkRange(node, "dilations", dilations, 1);
  checkRange(node, "pads", pads, 0);
  int64_t rows = node.staticDim(x, 1, "the channels");
  if (node.hasFailed())
    return failure();
  SmallVector<int64_t> columns{0, rows}, weightShape, extra;
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t extent = (block[i] - 1) * dilations[i] + 1;
    int64_t room = image[i] + pads[i] + pads[spatial + i] - extent;
    if (room < 0)
      return node.fail("the block does not fit in the image");
    int64_t count = room / strides[i] + 1;
    columns.push_back(count);
    // What the strides leave over at the end.
    extra.push_back(room - (count - 1) * strides[i]);
    if (llvm::MulOverflow(positions, block[i], positions))
      return node.fail("the block's size overflows");
  }
  if (rows % positions != 0)
    return node.fail("the block's " + Twine(positions) +
                     " elements do not divide " + Twine(rows) + " channels");
  weightShape = {rows, 1};
  llvm::append_range(weightShape, block);
  // Computed, as it may be far larger than the model.
  auto number = [&](int64_t value) {
    return node.squeeze(node.ints(value), {0});
  };
  auto count = [&](int64_t limit) {
    return node.create<RangeOp>(number(0), number(limit), number(1));
  };
  Value place = node.create<ModOp>(count(rows), number(positions), false);
  Value isPlace =
      node.create<EqualOp>(node.unsqueeze(place, {1}), count(positions));
  Value weight =
      node.reshape(node.castTo(isPlace, node.elementType(x)), weightShape);
  return node.result(node.create<ConvTransposeOp>(
      node.reshape(x, columns), weight, Value(), strides, pads, dilations,
      extra, rows / positions));
}

//===----------------------------------------------------------------------===//
// Grids and borders
//===----------------------------------------------------------------------===//

/// `size` (an i64 scalar) evenly spaced coordinates from -1 to 1, which are the
/// centres of the first and last element when corners are aligned, else their
/// outer edges.
static Value createCoordinates(OnnxNode &node, Value size, Type element,
                               bool alignCorners) {
  Type i64 = node.getBuilder().getI64Type();
  Value one = node.scalar(i64, 1), two = node.scalar(i64, 2);
  Value index = node.create<RangeOp>(node.scalar(i64, 0), size, one);
  Value numerator = node.create<MulOp>(index, two), denominator = size;
  if (alignCorners)
    denominator = node.create<MaxOp>(node.create<SubOp>(size, one), one);
  else
    numerator = node.create<AddOp>(numerator, one);
  Value ratio = node.create<DivOp>(node.castTo(numerator, element),
                                   node.castTo(denominator, element));
  return node.create<SubOp>(ratio, node.scalar(element, 1));
}

/// Coordinates of every position of the result, times the matrices `theta`.
static LogicalResult importAffineGrid(OnnxNode &node) {
  Value theta = node.input(0), size = node.input(1);
  int64_t spatial = node.dim(theta, 1);
  if (node.rank(theta) != 3 || (spatial != 2 && spatial != 3) ||
      node.dim(theta, 2) != spatial + 1 || node.dim(size, 0) != spatial + 2)
    return node.fail("needs theta [batch, n, n + 1] and a size of n + 2 "
                     "elements, n 2 or 3");
  Type element = node.elementType(theta);
  bool alignCorners = node.intAttr("align_corners", 0);
  Value shape = node.slice(size, 0, 2, spatial + 2);
  Value full = node.concat({shape, node.ints({1})}, 0);
  // The last dimension's coordinate comes first, and 1 at the end.
  SmallVector<Value> columns;
  for (int64_t i = spatial - 1; i >= 0; --i) {
    Value length = node.squeeze(node.slice(shape, 0, i, i + 1), {0});
    Value line = createCoordinates(node, length, element, alignCorners);
    line = node.unsqueeze(
        line, llvm::to_vector(llvm::seq<int64_t>(1, spatial + 1 - i)));
    columns.push_back(node.create<ExpandOp>(line, full));
  }
  columns.push_back(node.create<ExpandOp>(node.scalar(element, 1), full));
  Value points = node.reshape(node.concat(columns, spatial), {-1, spatial + 1});
  Value moved = node.create<MatMulOp>(points, node.transpose(theta, {0, 2, 1}));
  Value resultShape =
      node.concat({node.dimOf(theta, 0), shape, node.ints({spatial})}, 0);
  return node.result(node.create<ReshapeOp>(moved, resultShape));
}

/// Cuts or pads both ends of axes evenly; what is odd goes to the end.
static LogicalResult importCenterCropPad(OnnxNode &node) {
  Value x = node.input(0), target = node.input(1);
  int64_t rank = node.rank(x);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  if (node.hasAttr("axes"))
    axes = node.normalizeAxes(node.intsAttr("axes"), rank);
  if (node.rank(target) != 1 || node.dim(target, 0) != int64_t(axes.size()))
    return node.fail("shape must have an element for each of the axes");
  target = node.castTo(target, node.getBuilder().getI64Type());
  SmallVector<Value> pads(2 * rank, node.ints({0}));
  for (auto [index, axis] : llvm::enumerate(axes)) {
    Value missing = node.create<SubOp>(node.slice(target, 0, index, index + 1),
                                       node.dimOf(x, axis));
    // Rounds towards 0, for cutting and for padding.
    Value begin = node.create<DivOp>(missing, node.ints({2}));
    pads[axis] = begin;
    pads[rank + axis] = node.create<SubOp>(missing, begin);
  }
  return node.result(node.create<PadOp>(
      PadMode::Constant, x, node.concat(pads, 0), node.scalarLike(x, 0)));
}

void onnx_detail::registerImageBuilders(OpTable &table) {
  table.add("Upsample", 7, {1, 2}, importUpsample);
  table.add("Resize", 10, {2, 2}, importUpsample);
  table.add("Resize", 11, {1, 4}, importResize);
  table.add("GridSample", 16, {2, 2}, importGridSample);
  table.add("RoiAlign", 10, {3, 3}, importRoiAlign);
  table.add("NonMaxSuppression", 10, {2, 5}, importNonMaxSuppression);
  table.add("AffineGrid", 20, {2, 2}, importAffineGrid);
  table.add("CenterCropPad", 18, {2, 2}, importCenterCropPad);
  table.add("Col2Im", 18, {3, 3}, importCol2Im);
}
