//===- NormSpec.h - norms of rows ------------------------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_NORMSPEC_H
#define LLMC_LIB_BACKENDS_CPU_NORMSPEC_H

#include "llmc/IR/Dialect.h"
#include "llmc/IR/ShapeInference.h"

namespace llmc::cpu {

enum class Norm { None, RMS, Layer };

inline llvm::StringRef toString(Norm norm) {
  constexpr llvm::StringLiteral names[] = {"none", "rms", "layer"};
  return names[int(norm)];
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

/// llmc.rms_norm, or llmc.layer_norm over the last dimension, of f32.
struct NormSpec {
  Norm norm = Norm::None;
  float epsilon = 0;
  bool hasBias = false;

  explicit operator bool() const { return norm != Norm::None; }

  template <typename Visitor> void visit(Visitor &&visit) {
    visit("kind", norm);
    visit("epsilon", epsilon);
    visit("bias", hasBias);
  }
};

/// A norm as it stands in the graph.
struct NormMatch {
  NormSpec spec;
  llvm::SmallVector<mlir::Value> inputs; ///< x, scale and bias
  int64_t columns = 0;                   ///< of a row of x
};

/// The norm that `op` is, if it is one of f32 over rows.
std::optional<NormMatch> matchNorm(mlir::Operation *op, ShapeContext &shapes);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_NORMSPEC_H
