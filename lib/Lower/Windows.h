//===- Windows.h - sliding windows of convolution and pooling --*- C++ -*-===//

#ifndef LLMC_LIB_LOWER_WINDOWS_H
#define LLMC_LIB_LOWER_WINDOWS_H

#include "IndexMath.h"

namespace llmc {

/// Windows along one spatial dimension: `count` of them, each of `extent`
/// elements from `index * stride - pad` on.
struct WindowAxis {
  int64_t stride, padBegin, padEnd;
};

/// How many windows of `extent` elements fit in the padded `size`. With `ceil`
/// a last one may stick out at the end, as long as it starts before the
/// padding there.
mlir::OpFoldResult createWindowCount(mlir::OpBuilder &builder,
                                     mlir::Location location, mlir::Value size,
                                     mlir::Value extent, WindowAxis axis,
                                     bool ceil);

} // namespace llmc

#endif // LLMC_LIB_LOWER_WINDOWS_H
