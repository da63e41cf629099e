//===- Window.cpp - attributes of sliding windows -------------------------===//

#include "Window.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

SmallVector<int64_t> onnx_detail::readInts(OnnxNode &node, StringRef name,
                                           int64_t count,
                                           int64_t defaultValue) {
  SmallVector<int64_t> values = node.intsAttr(name);
  if (values.empty())
    values.assign(count, defaultValue);
  if (int64_t(values.size()) != count && !node.hasFailed())
    (void)node.fail(name + " has " + Twine(values.size()) + " elements, not " +
                    Twine(count));
  return values;
}

void onnx_detail::checkRange(OnnxNode &node, StringRef name,
                             ArrayRef<int64_t> values, int64_t least) {
  for (int64_t value : values)
    if ((value < least || value > INT32_MAX) && !node.hasFailed())
      (void)node.fail(name + " holds " + Twine(value) + "; it is at least " +
                      Twine(least) + " and at most " + Twine(INT32_MAX));
}

void onnx_detail::resolveAutoPad(OnnxNode &node, Value x, Window &window) {
  StringRef mode = node.stringAttr("auto_pad", "NOTSET");
  if (mode == "NOTSET" || node.hasFailed())
    return;
  size_t spatial = window.kernel.size();
  window.pads.assign(2 * spatial, 0);
  if (mode == "VALID")
    return;
  if (mode != "SAME_UPPER" && mode != "SAME_LOWER") {
    (void)node.fail("auto_pad is '" + mode + "'");
    return;
  }
  for (size_t i = 0; i < spatial; ++i) {
    int64_t extent = (window.kernel[i] - 1) * window.dilations[i] + 1;
    int64_t stride = window.strides[i], total = extent - 1;
    if (stride != 1) {
      int64_t size =
          node.staticDim(x, i + 2, "a spatial size under auto_pad and strides");
      int64_t count = llvm::divideCeil(size, stride);
      total = std::max<int64_t>((count - 1) * stride + extent - size, 0);
    }
    window.pads[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.pads[spatial + i] = total - window.pads[i];
  }
}

Window onnx_detail::readWindow(OnnxNode &node, Value x, Value weight) {
  Window window;
  int64_t spatial = node.rank(x) - 2;
  if (spatial < 1 || (weight && node.rank(weight) != spatial + 2)) {
    (void)node.fail("needs an input [batch, channels, spatial...] and a "
                    "weight of the same rank");
    return window;
  }
  window.strides = readInts(node, "strides", spatial, 1);
  window.dilations = readInts(node, "dilations", spatial, 1);
  window.pads = readInts(node, "pads", 2 * spatial, 0);
  if (weight) {
    for (int64_t i = 0; i < spatial; ++i)
      window.kernel.push_back(
          node.staticDim(weight, i + 2, "the kernel's size"));
  } else if (!node.hasAttr("kernel_shape")) {
    if (!node.hasFailed())
      (void)node.fail("attribute 'kernel_shape' is missing");
  } else {
    window.kernel = readInts(node, "kernel_shape", spatial, 1);
  }
  checkRange(node, "kernel_shape", window.kernel, 1);
  checkRange(node, "strides", window.strides, 1);
  checkRange(node, "dilations", window.dilations, 1);
  // What output_shape asks for may make pads negative.
  checkRange(node, "pads", window.pads, INT32_MIN);
  return window;
}
