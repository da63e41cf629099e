//===- Window.h - attributes of sliding windows -----------------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_IMPORT_WINDOW_H
#define LLMC_LIB_ONNX_IMPORT_WINDOW_H

#include "OnnxNode.h"

namespace llmc::onnx_detail {

/// The window of a convolution or pooling node, one element per spatial
/// dimension and two for pads.
struct Window {
  llvm::SmallVector<int64_t> kernel, strides, dilations, pads;
};

/// An attribute of `count` integers, `defaultValue` each when it is absent.
llvm::SmallVector<int64_t> readInts(OnnxNode &node, llvm::StringRef name,
                                    int64_t count, int64_t defaultValue);

/// Fails when one of `values` is less than `least` or more than INT32_MAX,
/// which keeps the arithmetic of windows far from overflow.
void checkRange(OnnxNode &node, llvm::StringRef name,
                llvm::ArrayRef<int64_t> values, int64_t least);

/// Reads and checks a window over `x`, without auto_pad; the kernel's shape is
/// the weight's, or, without a weight, an attribute.
Window readWindow(OnnxNode &node, mlir::Value x, mlir::Value weight);

/// The pads of auto_pad. SAME_UPPER and SAME_LOWER make a result of size
/// ceil(size / stride).
void resolveAutoPad(OnnxNode &node, mlir::Value x, Window &window);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_WINDOW_H
