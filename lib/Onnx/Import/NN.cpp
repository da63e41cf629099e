//===- NN.cpp - builders of convolution and pooling -----------------------===//

#include "OpTable.h"
#include "Window.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

//===----------------------------------------------------------------------===//
// Convolution
//===----------------------------------------------------------------------===//

static LogicalResult importConv(OnnxNode &node) {
  Value x = node.input(0), weight = node.input(1), bias = node.input(2);
  Window window = readWindow(node, x, weight);
  resolveAutoPad(node, x, window);
  return node.result(node.create<ConvOp>(x, weight, bias, window.strides,
                                         window.pads, window.dilations,
                                         node.intAttr("group", 1)));
}

/// The pads of a transposed convolution whose result has the size that
/// output_shape or auto_pad asks for. What would have to be cut is shared
/// between both ends; what is missing is appended at the end.
static void resolveOutputShape(OnnxNode &node, Value x, Window &window,
                               ArrayRef<int64_t> outputPadding) {
  StringRef mode = node.stringAttr("auto_pad", "NOTSET");
  SmallVector<int64_t> shape = node.intsAttr("output_shape");
  size_t spatial = window.kernel.size();
  if (node.hasFailed() || (shape.empty() && mode == "NOTSET"))
    return;
  if (shape.empty() && mode == "VALID") {
    window.pads.assign(2 * spatial, 0);
    return;
  }
  // Old models give the batch and the channels too.
  if (shape.size() == spatial + 2)
    shape.erase(shape.begin(), shape.begin() + 2);
  if (!shape.empty() && shape.size() != spatial) {
    (void)node.fail("output_shape has " + Twine(shape.size()) + " elements");
    return;
  }
  SmallVector<int64_t> sizes;
  if (!shape.empty())
    for (size_t i = 0; i < spatial; ++i)
      sizes.push_back(
          node.staticDim(x, i + 2, "a spatial size under output_shape"));
  checkRange(node, "output_shape", shape, 0);
  checkRange(node, "the input's shape", sizes, 0);
  checkRange(node, "output_padding", outputPadding, INT32_MIN);
  if (node.hasFailed())
    return;
  for (size_t i = 0; i < spatial; ++i) {
    int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    // (size - 1) * stride + extent + padding, less what is asked for.
    int64_t total = extent + outputPadding[i] - window.strides[i];
    if (!shape.empty())
      total += sizes[i] * window.strides[i] - shape[i];
    int64_t half = std::max<int64_t>(total, 0) / 2;
    if (mode == "SAME_UPPER" || total < 0)
      window.pads[i] = half;
    else
      window.pads[i] = total - half;
    window.pads[spatial + i] = total - window.pads[i];
  }
}

static LogicalResult importConvTranspose(OnnxNode &node) {
  Value x = node.input(0), weight = node.input(1), bias = node.input(2);
  Window window = readWindow(node, x, weight);
  SmallVector<int64_t> outputPadding =
      readInts(node, "output_padding", window.strides.size(), 0);
  resolveOutputShape(node, x, window, outputPadding);
  return node.result(node.create<ConvTransposeOp>(
      x, weight, bias, window.strides, window.pads, window.dilations,
      outputPadding, node.intAttr("group", 1)));
}

static LogicalResult importDeformConv(OnnxNode &node) {
  Value x = node.input(0), weight = node.input(1);
  Window window = readWindow(node, x, weight);
  int64_t offsetGroup = node.intAttr("offset_group", 1);
  return node.result(node.create<DeformConvOp>(
      x, weight, node.input(2), node.input(3), node.input(4), window.strides,
      window.pads, window.dilations, node.intAttr("group", 1), offsetGroup));
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

static LogicalResult importMaxPool(OnnxNode &node) {
  Value x = node.input(0);
  Window window = readWindow(node, x, Value());
  resolveAutoPad(node, x, window);
  Operation *op = node.createOp<MaxPoolOp>(
      x, window.kernel, window.strides, window.pads, window.dilations,
      node.intAttr("ceil_mode", 0) != 0, node.intAttr("storage_order", 0) != 0);
  if (!op)
    return failure();
  if (node.wantsOutput(1))
    node.setOutput(1, op->getResult(1));
  return node.result(op->getResult(0));
}

static LogicalResult importAveragePool(OnnxNode &node) {
  Value x = node.input(0);
  Window window = readWindow(node, x, Value());
  resolveAutoPad(node, x, window);
  return node.result(node.create<AveragePoolOp>(
      x, window.kernel, window.strides, window.pads, window.dilations,
      node.intAttr("ceil_mode", 0) != 0,
      node.intAttr("count_include_pad", 0) != 0));
}

static LogicalResult importLpPool(OnnxNode &node) {
  Value x = node.input(0);
  Window window = readWindow(node, x, Value());
  resolveAutoPad(node, x, window);
  return node.result(node.create<LpPoolOp>(
      x, window.kernel, window.strides, window.pads, window.dilations,
      node.intAttr("ceil_mode", 0) != 0, node.intAttr("p", 2)));
}

/// Writes each element to the position that max pooling took it from, in a
/// tensor of zeros, which is cut or padded at its ends to `output_shape`.
static LogicalResult importMaxUnpool(OnnxNode &node) {
  Value x = node.input(0), indices = node.input(1);
  Window window = readWindow(node, x, Value());
  int64_t rank = node.rank(x), spatial = rank - 2, count = 1;
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < rank && !node.hasFailed(); ++i) {
    int64_t size = node.staticDim(x, i, "the shape of what is unpooled");
    if (i >= 2) {
      checkRange(node, "the input's shape", size, 0);
      if (node.hasFailed())
        break;
      size = (size - 1) * window.strides[i - 2] + window.kernel[i - 2] -
             window.pads[i - 2] - window.pads[spatial + i - 2];
    }
    shape.push_back(size);
    if (llvm::MulOverflow(count, size, count))
      return node.fail("the result's size overflows");
  }
  if (node.hasFailed())
    return failure();
  if (count < 0 || node.rank(indices) != rank)
    return node.fail("the pads leave nothing, or the indices do not have the "
                     "input's rank");
  Value zeros =
      node.splat(RankedTensorType::get({count}, node.elementType(x)), 0);
  Value flat = node.create<ScatterElementsOp>(
      ScatterKind::None, zeros, node.reshape(indices, {-1}),
      node.reshape(x, {-1}), /*axis=*/int64_t(0));
  Value result = node.reshape(flat, shape);
  if (Value target = node.input(2)) {
    if (node.rank(target) != 1 || node.dim(target, 0) != rank)
      return node.fail("output_shape must have " + Twine(rank) + " elements");
    Value missing = node.create<SubOp>(target, node.ints(shape));
    Value pads =
        node.concat({node.ints(SmallVector<int64_t>(rank, 0)), missing}, 0);
    result = node.create<PadOp>(PadMode::Constant, result, pads,
                                node.scalarLike(result, 0));
  }
  return node.result(result);
}

static SmallVector<int64_t> spatialAxes(OnnxNode &node, Value x) {
  int64_t rank = node.rank(x);
  if (rank < 2 && !node.hasFailed())
    (void)node.fail("needs an input [batch, channels, spatial...]");
  return llvm::to_vector(llvm::seq<int64_t>(2, std::max<int64_t>(rank, 2)));
}

static LogicalResult importGlobalAveragePool(OnnxNode &node) {
  Value x = node.input(0);
  return node.result(node.reduce(ReduceKind::Mean, x, spatialAxes(node, x)));
}

static LogicalResult importGlobalMaxPool(OnnxNode &node) {
  Value x = node.input(0);
  return node.result(node.reduce(ReduceKind::Max, x, spatialAxes(node, x)));
}

static LogicalResult importGlobalLpPool(OnnxNode &node) {
  Value x = node.input(0);
  double p = double(node.intAttr("p", 2));
  Value power =
      node.create<PowOp>(node.create<AbsOp>(x), node.scalarLike(x, p));
  Value sum = node.reduce(ReduceKind::Sum, power, spatialAxes(node, x));
  return node.result(node.create<PowOp>(sum, node.scalarLike(x, 1 / p)));
}

//===----------------------------------------------------------------------===//
// Normalization
//===----------------------------------------------------------------------===//

/// A vector along dimension 1 of a tensor of rank `rank`.
static Value alongChannels(OnnxNode &node, Value vector, int64_t rank) {
  SmallVector<int64_t> axes =
      llvm::to_vector(llvm::seq<int64_t>(1, std::max<int64_t>(rank - 1, 1)));
  return node.unsqueeze(vector, axes);
}

/// 1 / sqrt(variance + epsilon)
static Value inverseDeviation(OnnxNode &node, Value variance, double epsilon) {
  Value shifted =
      node.create<AddOp>(variance, node.scalarLike(variance, epsilon));
  return node.create<ReciprocalOp>(node.create<SqrtOp>(shifted));
}

static Value meanSquare(OnnxNode &node, Value x, ArrayRef<int64_t> axes) {
  return node.reduce(ReduceKind::Mean, node.create<MulOp>(x, x), axes);
}

/// momentum * old + (1 - momentum) * current
static Value updateRunning(OnnxNode &node, Value old, Value current,
                           double momentum) {
  Type type = node.elementType(old);
  Value kept = node.create<MulOp>(old, node.scalarLike(old, momentum));
  Value added = node.create<MulOp>(node.castTo(current, type),
                                   node.scalarLike(old, 1 - momentum));
  return node.create<AddOp>(kept, added);
}

static LogicalResult importBatchNormalization(OnnxNode &node) {
  Value x = node.input(0), mean = node.input(3), variance = node.input(4);
  int64_t rank = node.rank(x);
  if (rank < 2)
    return node.fail("needs an input [batch, channels, ...]");
  Type type = node.elementType(x);
  double epsilon = node.floatAttr("epsilon", 1e-5);
  bool training = node.intAttr("training_mode", 0);
  if (!training && node.getNumOutputs() > 1 && node.wantsOutput(1))
    return node.fail("more than one output is for training_mode only");
  if (training) {
    SmallVector<int64_t> axes{0};
    llvm::append_range(axes, spatialAxes(node, x));
    double momentum = node.floatAttr("momentum", 0.9);
    SmallVector<int64_t> others = axes;
    Value current = node.reduce(ReduceKind::Mean, x, axes);
    Value centred = node.create<SubOp>(x, current);
    Value spread = meanSquare(node, centred, axes);
    current = node.squeeze(current, others);
    spread = node.squeeze(spread, others);
    if (node.wantsOutput(1))
      node.setOutput(1, updateRunning(node, mean, current, momentum));
    if (node.wantsOutput(2))
      node.setOutput(2, updateRunning(node, variance, spread, momentum));
    mean = current;
    variance = spread;
  }
  Value factor = node.create<MulOp>(
      node.castTo(node.input(1), type),
      node.castTo(inverseDeviation(node, variance, epsilon), type));
  Value centred =
      node.create<SubOp>(x, alongChannels(node, node.castTo(mean, type), rank));
  Value scaled = node.create<MulOp>(centred, alongChannels(node, factor, rank));
  Value bias = node.castTo(node.input(2), type);
  return node.result(
      node.create<AddOp>(scaled, alongChannels(node, bias, rank)));
}

/// (x - mean) / sqrt(variance + epsilon) over `axes`.
static Value normalize(OnnxNode &node, Value x, ArrayRef<int64_t> axes,
                       double epsilon) {
  Value centred = node.create<SubOp>(x, node.reduce(ReduceKind::Mean, x, axes));
  Value variance = meanSquare(node, centred, axes);
  return node.create<MulOp>(centred, inverseDeviation(node, variance, epsilon));
}

static Value scaleChannels(OnnxNode &node, Value x, Value scale, Value bias) {
  int64_t rank = node.rank(x);
  x = node.create<MulOp>(x, alongChannels(node, scale, rank));
  return node.create<AddOp>(x, alongChannels(node, bias, rank));
}

static LogicalResult importInstanceNormalization(OnnxNode &node) {
  Value x = node.input(0);
  if (node.rank(x) < 3)
    return node.fail("needs an input [batch, channels, spatial...]");
  Value normalized =
      normalize(node, x, spatialAxes(node, x), node.floatAttr("epsilon", 1e-5));
  return node.result(
      scaleChannels(node, normalized, node.input(1), node.input(2)));
}

/// Up to opset 20 scale and bias are per group, then per channel.
static LogicalResult importGroupNormalization(OnnxNode &node) {
  Value x = node.input(0), scale = node.input(1), bias = node.input(2);
  Type type = node.elementType(x);
  int64_t groups = node.requiredInt("num_groups");
  int64_t channels = node.staticDim(x, 1, "the number of channels");
  if (node.hasFailed())
    return failure();
  if (groups < 1 || channels % groups != 0)
    return node.fail("num_groups " + Twine(groups) + " does not divide " +
                     Twine(channels) + " channels");
  Type precision = node.intAttr("stash_type", 1) == 1
                       ? Type(node.getBuilder().getF32Type())
                       : type;
  Value grouped = node.castTo(node.reshape(x, {0, groups, -1}), precision);
  Value normalized =
      normalize(node, grouped, {2}, node.floatAttr("epsilon", 1e-5));
  if (node.getOpset() < 21) {
    normalized = scaleChannels(node, normalized, node.castTo(scale, precision),
                               node.castTo(bias, precision));
    normalized = node.castTo(normalized, type);
    return node.result(node.create<ReshapeOp>(normalized, node.shapeOf(x)));
  }
  normalized = node.castTo(normalized, type);
  normalized = node.create<ReshapeOp>(normalized, node.shapeOf(x));
  return node.result(scaleChannels(node, normalized, scale, bias));
}

/// Local response normalization: the mean of squares over `size` neighbouring
/// channels is an average pool whose spatial dimensions are the channels and
/// all that follow.
static LogicalResult importLRN(OnnxNode &node) {
  Value x = node.input(0);
  int64_t size = node.requiredInt("size"), spatial = node.rank(x) - 1;
  if (spatial < 1 || size < 1)
    return node.fail("needs an input [batch, channels, ...] and a positive "
                     "size");
  double alpha = node.floatAttr("alpha", 1e-4),
         beta = node.floatAttr("beta", 0.75), bias = node.floatAttr("bias", 1);
  Value squares = node.unsqueeze(node.create<MulOp>(x, x), {1});
  SmallVector<int64_t> kernel(spatial, 1), ones(spatial, 1),
      pads(2 * spatial, 0);
  kernel[0] = size;
  pads[0] = (size - 1) / 2;
  pads[spatial] = size / 2;
  Value mean = node.create<AveragePoolOp>(squares, kernel, ones, pads, ones,
                                          /*ceil_mode=*/false,
                                          /*count_include_pad=*/true);
  mean = node.squeeze(mean, {1});
  Value base =
      node.create<AddOp>(node.create<MulOp>(mean, node.scalarLike(x, alpha)),
                         node.scalarLike(x, bias));
  return node.result(node.create<DivOp>(
      x, node.create<PowOp>(base, node.scalarLike(x, beta))));
}

/// (x - mean) / standard deviation over `axes`.
static LogicalResult importMeanVarianceNormalization(OnnxNode &node) {
  Value x = node.input(0);
  SmallVector<int64_t> axes = node.intsAttr("axes");
  if (!node.hasAttr("axes"))
    axes = {0, 2, 3};
  axes = node.normalizeAxes(axes, node.rank(x));
  llvm::sort(axes);
  Value centred = node.create<SubOp>(x, node.reduce(ReduceKind::Mean, x, axes));
  Value deviation = node.create<SqrtOp>(meanSquare(node, centred, axes));
  Value floor = node.scalarLike(x, 1e-9);
  return node.result(
      node.create<DivOp>(centred, node.create<AddOp>(deviation, floor)));
}

void onnx_detail::registerNNBuilders(OpTable &table) {
  constexpr Arity one{1, 1};
  table.add("Conv", 1, {2, 3}, importConv);
  table.add("ConvTranspose", 1, {2, 3}, importConvTranspose);
  table.add("DeformConv", 19, {3, 5}, importDeformConv);
  table.add("MaxPool", 1, one, importMaxPool);
  table.add("AveragePool", 7, one, importAveragePool);
  table.add("LpPool", 2, one, importLpPool);
  table.add("MaxUnpool", 9, {2, 3}, importMaxUnpool);
  table.add("GlobalAveragePool", 1, one, importGlobalAveragePool);
  table.add("GlobalMaxPool", 1, one, importGlobalMaxPool);
  table.add("GlobalLpPool", 2, one, importGlobalLpPool);
  table.add("BatchNormalization", 7, {5, 5}, importBatchNormalization);
  table.add("InstanceNormalization", 6, {3, 3}, importInstanceNormalization);
  table.add("GroupNormalization", 18, {3, 3}, importGroupNormalization);
  table.add("LRN", 1, one, importLRN);
  table.add("MeanVarianceNormalization", 9, one,
            importMeanVarianceNormalization);
}
