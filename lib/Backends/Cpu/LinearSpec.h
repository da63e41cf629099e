//===- LinearSpec.h - what a linear kernel computes ------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_LINEARSPEC_H
#define LLMC_LIB_BACKENDS_CPU_LINEARSPEC_H

#include "PanelLayout.h"

namespace llmc::cpu {

/// What is done to x before the products.
enum class Norm { None, RMS, Layer };

/// What is done to the sums.
enum class Epilogue {
  None,
  Add,  ///< plus another operand of the result's shape
  Silu, ///< silu of the first weight's outputs, times those of the second
  Gelu, ///< the same with gelu
  TanhGelu,
};

inline llvm::StringRef toString(Norm norm) {
  constexpr llvm::StringLiteral names[] = {"none", "rms", "layer"};
  return names[int(norm)];
}
inline llvm::StringRef toString(Epilogue epilogue) {
  constexpr llvm::StringLiteral names[] = {"none", "add", "silu", "gelu",
                                           "tanh_gelu"};
  return names[int(epilogue)];
}

/// The last value of an enum is the bound.
template <typename T> bool fromString(llvm::StringRef name, T &value, T last) {
  for (int i = 0; i <= int(last); ++i)
    if (toString(T(i)) == name) {
      value = T(i);
      return true;
    }
  return false;
}
inline bool fromString(llvm::StringRef name, Norm &value) {
  return fromString(name, value, Norm::Layer);
}
inline bool fromString(llvm::StringRef name, Epilogue &value) {
  return fromString(name, value, Epilogue::TanhGelu);
}

/// One or more linears that read one x, with what stands around them. The
/// kernel is
///
///     kernel(x, [norm scale, [norm bias]], [addend], panels, [scales],
///            [zeros], [codebook], [bias], y...)
///
/// x is [..., K] and there is one y [..., rows[i]] for each weight, or one
/// for a pair of weights that an epilogue multiplies.
struct LinearSpec {
  PanelLayout layout;
  llvm::SmallVector<int64_t> rows;       ///< of each weight
  FloatFormat format = FloatFormat::F32; ///< of x and y; sums are f32
  /// x is rounded to integers of 8 bits in blocks of the weight's.
  bool integers = false;
  Norm norm = Norm::None;
  float epsilon = 0;
  bool hasNormBias = false;
  bool hasBias = false; ///< [panels * lanes], packed
  Epilogue epilogue = Epilogue::None;
  int64_t rank = 0; ///< of x: launches of one kernel have one

  bool isGated() const { return epilogue >= Epilogue::Silu; }
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
    visit("norm", norm);
    visit("epsilon", epsilon);
    visit("norm_bias", hasNormBias);
    visit("bias", hasBias);
    visit("epilogue", epilogue);
    visit("rank", rank);
  }
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_LINEARSPEC_H
