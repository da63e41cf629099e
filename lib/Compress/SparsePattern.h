//===- SparsePattern.h - which weights are pruned together ------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_SPARSEPATTERN_H
#define LLMC_LIB_COMPRESS_SPARSEPATTERN_H

#include "llmc/Calibrate/Matrix.h"
#include "llmc/Compress/Passes.h"
#include "llvm/Support/Error.h"

namespace llmc {

struct SparsePattern {
  /// Of each `m` successive columns of a row, `n` are kept; 0 for any columns.
  int64_t n = 0, m = 0;
  /// What is pruned as a whole.
  int64_t tileRows = 1, tileColumns = 1;

  /// "" (any weights), "n:m" or "block:RxC".
  static llvm::Expected<SparsePattern> parse(llvm::StringRef text);
  std::string str() const;

  bool isNM() const { return m != 0; }
  bool isBlock() const { return tileRows != 1 || tileColumns != 1; }
  /// Why a weight [rows, columns] cannot have it; empty if it can.
  std::string getObstacle(int64_t rows, int64_t columns) const;
};

/// Zeroes the lowest of `count` scores, `number` of them, the first ones among
/// equals: calls `prune` with the place of each.
void selectLowest(llvm::ArrayRef<float> scores, int64_t number,
                  llvm::function_ref<void(int64_t)> prune);

/// Zeroes in `weights` what has the lowest `scores`: a part `sparsity` of each
/// row or of all weights, or what n:m asks for. Tiles have the sum of the
/// squares of their scores. `scope` is not Global, unless the pattern is n:m.
void pruneLowest(MatrixRef<float> weights, MatrixRef<const float> scores,
                 const SparsePattern &pattern, PruneScope scope,
                 double sparsity, mlir::MLIRContext *context);

/// The score below which a part of all scores of several weights lie, found in
/// two passes over them without keeping any.
class ThresholdSearch {
public:
  /// Adds non-negative scores; in the second pass, the same in any order.
  void add(llvm::ArrayRef<float> scores);
  /// Between the passes, and at the end. `sparsity` is that of all scores.
  void next(double sparsity);
  /// Whether a score is among the lowest. Asked once for each score, in any
  /// fixed order: of those that equal the threshold, the first ones are.
  bool isLow(float score);

private:
  std::vector<int64_t> counts = std::vector<int64_t>(1 << 16);
  int64_t total = 0, ties = 0;
  uint32_t threshold = 0;
  bool isSecond = false;
};

/// The scores of tiles, [rows / tileRows, columns / tileColumns]: the sum of
/// squares. `scores` itself when tiles are 1x1.
Matrix<float> sumTiles(MatrixRef<const float> scores,
                       const SparsePattern &pattern);

/// Zeroes a tile.
void zeroTile(MatrixRef<float> weights, const SparsePattern &pattern,
              int64_t tile);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_SPARSEPATTERN_H
