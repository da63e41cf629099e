//===- HeadTrace.h - which weights make heads of attentions -----*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_HEADTRACE_H
#define LLMC_LIB_COMPRESS_HEADTRACE_H

#include "llmc/IR/Dialect.h"
#include "llvm/ADT/SetVector.h"

namespace llmc {

/// The linear that reads the heads; null if there is none.
LinearOp findOutputLinear(AttentionOp attention);

/// Follows elements of a value back to where they are computed, through ops
/// that move them, rotate or normalize heads, or append them to caches.
class HeadTrace {
public:
  /// All elements of the heads of `value`, [batch, heads, sequence, size].
  static HeadTrace ofHeads(mlir::Value value);
  /// All columns of what a linear reads.
  static HeadTrace ofColumns(LinearOp linear);

  /// Goes back to a linear or an attention. Fails at an op that it does not
  /// know, or where elements are of no one position along their axes; then
  /// getObstacle has it.
  mlir::LogicalResult run();
  mlir::Operation *getSource() const { return value.getDefiningOp(); }
  mlir::Operation *getObstacle() const { return obstacle; }

  /// The coordinate along `axis` of each element in the result of the source.
  std::vector<int64_t> getPlaces(int64_t axis) const;

  RopeOp rope;
  bool isNormalized = false;

private:
  /// A coordinate that may be any.
  static constexpr int64_t anywhere = -1;
  using Place = llvm::SmallVector<int64_t, 5>;

  mlir::LogicalResult step(mlir::Operation *op);
  mlir::LogicalResult stepReshape(ReshapeOp op);
  mlir::LogicalResult stepConcat(ConcatOp op);

  mlir::Value value;
  std::vector<Place> places;
  mlir::Operation *obstacle = nullptr;
};

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_HEADTRACE_H
