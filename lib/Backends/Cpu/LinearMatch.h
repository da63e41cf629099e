//===- LinearMatch.h - ops that one linear kernel computes -----*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_LINEARMATCH_H
#define LLMC_LIB_BACKENDS_CPU_LINEARMATCH_H

#include "LinearSpec.h"
#include "llmc/IR/StaticRounding.h"

namespace llmc::cpu {

/// Linears that read one operand, and what around them one kernel computes
/// with them.
struct LinearMatch {
  LinearSpec spec;
  /// In the order of the kernel's arguments, up to the parameters.
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::Value> weights;
  llvm::SmallVector<mlir::Value> biases; ///< null where there is none
  llvm::SmallVector<mlir::Value> outputs;
};

/// How a kernel reads `linear`'s weight, if one can: as PanelLayout::of, with
/// scales as integers times a number of their row where they are and it sums
/// the products of those with integers of the operand.
std::optional<PanelLayout> getLayout(LinearOp linear, int64_t lanes);

/// The rounding of `linear`'s operand, if a kernel whose weight has this layout
/// multiplies what it rounds to.
QuantizeDynamicOp getRounding(LinearOp linear, const PanelLayout &layout);

/// Columns that share a step of that rounding where scales are stored so, whole
/// blocks; otherwise 0.
int64_t getStepColumns(QuantizeDynamicOp rounding, const PanelLayout &layout);

/// The same of a rounding by a constant scale, for blocks of any size.
std::optional<StaticRounding> getStaticRounding(LinearOp linear,
                                                const PanelLayout &layout);

/// What brings `linear`'s operand to bf16 and back, if it does.
CastOp getRoundingCast(LinearOp linear);

/// What a kernel with vectors of `lanes` words computes that ends in `op`: a
/// linear, with those before it that read the same; a product of an activated
/// linear with another one; or a sum with a linear.
std::optional<LinearMatch> matchLinear(mlir::Operation *op,
                                       ShapeContext &shapes, int64_t lanes);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_LINEARMATCH_H
