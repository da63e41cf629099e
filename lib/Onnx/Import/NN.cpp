//===- NN.cpp - builders of convolution and pooling -----------------------===//

#include "OpTable.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// The pads of SAME_UPPER and SAME_LOWER, which make a result of size
/// ceil(size / stride).
static void resolveAutoPad(OnnxNode &node, Value x, ArrayRef<int64_t> kernel,
                           ArrayRef<int64_t> strides,
                           ArrayRef<int64_t> dilations,
                           SmallVectorImpl<int64_t> &pads) {
  StringRef mode = node.stringAttr("auto_pad", "NOTSET");
  if (mode == "NOTSET")
    return;
  pads.assign(2 * kernel.size(), 0);
  if (mode == "VALID")
    return;
  if (mode != "SAME_UPPER" && mode != "SAME_LOWER") {
    (void)node.fail("auto_pad is '" + mode + "'");
    return;
  }
  for (size_t i = 0; i < kernel.size(); ++i) {
    int64_t size = node.staticDim(x, i + 2, "a spatial size under auto_pad");
    int64_t extent = (kernel[i] - 1) * dilations[i] + 1;
    int64_t count = llvm::divideCeil(size, strides[i]);
    int64_t total =
        std::max<int64_t>((count - 1) * strides[i] + extent - size, 0);
    pads[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    pads[kernel.size() + i] = total - pads[i];
  }
}

static LogicalResult importConv(OnnxNode &node) {
  Value x = node.input(0), weight = node.input(1), bias = node.input(2);
  int64_t spatial = node.rank(x) - 2;
  if (spatial < 1 || node.rank(weight) != spatial + 2)
    return node.fail("needs an input [batch, channels, spatial...] and a "
                     "weight of the same rank");
  auto attribute = [&](StringRef name, int64_t count, int64_t defaultValue) {
    SmallVector<int64_t> values = node.intsAttr(name);
    if (values.empty())
      values.assign(count, defaultValue);
    if (int64_t(values.size()) != count && !node.hasFailed())
      (void)node.fail(name + " has " + Twine(values.size()) +
                      " elements, not " + Twine(count));
    return values;
  };
  SmallVector<int64_t> strides = attribute("strides", spatial, 1),
                       dilations = attribute("dilations", spatial, 1),
                       pads = attribute("pads", 2 * spatial, 0), kernel;
  for (int64_t i = 0; i < spatial; ++i)
    kernel.push_back(node.staticDim(weight, i + 2, "the kernel's size"));
  if (node.hasFailed())
    return failure();
  for (int64_t i = 0; i < spatial; ++i)
    if (strides[i] < 1 || dilations[i] < 1)
      return node.fail("strides and dilations must be positive");
  resolveAutoPad(node, x, kernel, strides, dilations, pads);
  int64_t group = node.intAttr("group", 1);
  return node.result(node.create<ConvOp>(
      x, weight, bias, ArrayRef<int64_t>(strides), ArrayRef<int64_t>(pads),
      ArrayRef<int64_t>(dilations), group));
}

void onnx_detail::registerNNBuilders(OpTable &table) {
  table.add("Conv", 1, {2, 3}, importConv);
}
