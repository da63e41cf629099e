//===- HeadTrace.h - which weights make heads of attentions -----*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_HEADTRACE_H
#define LLMC_LIB_COMPRESS_HEADTRACE_H

#include "UnitGroup.h"
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

/// A linear that heads are rows or columns of.
struct HeadWeight {
  LinearOp linear;
  MatrixParam matrix;
  /// Null without one.
  ParamOp bias;
  /// The row, or column, of each element of the heads.
  std::vector<int64_t> places;
  bool isNormalized = false;
  RopeOp rope;

  /// The linear that makes `heads`, which messages call `what`. Returns why
  /// there is none whose weight passes can change, or nothing; `advice` is what
  /// to do about one that is quantized.
  std::string findRows(mlir::Value heads, llvm::StringRef what,
                       llvm::StringRef advice);
  /// The same of the linear that reads the heads of an attention.
  std::string findColumns(AttentionOp attention, llvm::StringRef advice);

  bool isLike(const HeadWeight &other) const {
    return matrix.param == other.matrix.param &&
           matrix.transposed == other.matrix.transposed && bias == other.bias &&
           places == other.places;
  }

private:
  std::string read(llvm::StringRef advice);
};

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_HEADTRACE_H
