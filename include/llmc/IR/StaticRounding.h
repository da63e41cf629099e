//===- StaticRounding.h - activations on a constant grid --------*- C++ -*-===//

#ifndef LLMC_IR_STATICROUNDING_H
#define LLMC_IR_STATICROUNDING_H

#include "llmc/IR/Dialect.h"

namespace llmc {

/// Activations of f32 rounded to multiples, -128 to 127, of one scale for all
/// of them: llmc.quantize_linear, and llmc.dequantize_linear of its result by
/// the same scale and zero point. The latter is absent or the middle of the
/// range.
struct StaticRounding {
  QuantizeLinearOp quantize;
  DequantizeLinearOp dequantize;

  /// What is rounded.
  mlir::Value getOperand() { return quantize.getOperand(); }
  mlir::Value getScale() { return quantize.getScale(); }
};

/// The rounding whose result `value` is, if it is one of those.
std::optional<StaticRounding> matchStaticRounding(mlir::Value value);

} // namespace llmc

#endif // LLMC_IR_STATICROUNDING_H
