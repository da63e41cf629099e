//===- LinearSpec.h - what a linear kernel computes ------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_LINEARSPEC_H
#define LLMC_LIB_BACKENDS_CPU_LINEARSPEC_H

#include "NormSpec.h"
#include "PanelLayout.h"

namespace llmc::cpu {

/// What is done to the sums, before the epilogue.
enum class Activation { None, Relu, Silu, Gelu, TanhGelu };

enum class Epilogue {
  None,
  Add,  ///< plus another operand of the result's shape
  Gate, ///< the first weight's outputs times those of the second, which have
        ///< no activation
};

inline llvm::StringRef toString(Activation activation) {
  constexpr llvm::StringLiteral names[] = {"none", "relu", "silu", "gelu",
                                           "tanh_gelu"};
  return names[int(activation)];
}
inline llvm::StringRef toString(Epilogue epilogue) {
  constexpr llvm::StringLiteral names[] = {"none", "add", "gate"};
  return names[int(epilogue)];
}

inline bool fromString(llvm::StringRef name, Activation &value) {
  return fromString(name, value, Activation::TanhGelu);
}
inline bool fromString(llvm::StringRef name, Epilogue &value) {
  return fromString(name, value, Epilogue::Gate);
}

/// One or more linears that read one x, with what stands around them. The
/// kernel is
///
///     kernel(x, [norm scale, [norm bias]], [step], [addend], panels,
///            [scales, [row scales]], [zeros], [codebook], [bias], y...)
///
/// x is [..., K] and there is one y [..., rows[i]] for each weight, or one
/// for a pair of weights that the epilogue multiplies.
struct LinearSpec {
  PanelLayout layout;
  llvm::SmallVector<int64_t> rows;       ///< of each weight
  FloatFormat format = FloatFormat::F32; ///< of x and y; sums are f32
  /// x is rounded to integers of 8 bits in blocks of the weight's, or of
  /// `stepColumns` where scales are integers times a number of their row.
  bool integers = false;
  int64_t stepColumns = 0; ///< whole blocks
  bool hasStep = false; ///< all of them multiples of one number that is given
  bool pairs = false;   ///< x is rounded to bf16, as its weights are
  NormSpec norm;        ///< of x, before it is rounded
  bool hasBias = false; ///< [panels * lanes], packed
  Activation activation = Activation::None;
  Epilogue epilogue = Epilogue::None;
  int64_t rank = 0; ///< of x: launches of one kernel have one

  int64_t getBlocksOfStep() const { return stepColumns / layout.block; }
  /// Steps of a row of x, where `stepColumns` is set.
  int64_t getNumSteps() const {
    return llvm::divideCeil(layout.columns, stepColumns);
  }
  bool isGated() const { return epilogue == Epilogue::Gate; }
  /// Of all weights.
  int64_t getNumPanels() const {
    int64_t panels = 0;
    for (int64_t count : rows)
      panels += layout.getNumPanels(count);
    return panels;
  }

  template <typename Visitor> void visit(Visitor &&visit) {
    visit("layout", layout);
    visit("rows", rows);
    visit("format", format);
    visit("integers", integers);
    visit("step_columns", stepColumns);
    visit("step", hasStep);
    visit("pairs", pairs);
    visit("norm", norm);
    visit("bias", hasBias);
    visit("activation", activation);
    visit("epilogue", epilogue);
    visit("rank", rank);
  }
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_LINEARSPEC_H
