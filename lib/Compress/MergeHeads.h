//===- MergeHeads.h - one head in the place of several ----------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_MERGEHEADS_H
#define LLMC_LIB_COMPRESS_MERGEHEADS_H

#include "llmc/Calibrate/Matrix.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

namespace llmc {

/// Elements of a head that may be mixed with each other.
struct HeadPart {
  llvm::SmallVector<int64_t> elements;
  /// Two elements (a, b) that a rope rotates. What is made of a + ib has to
  /// commute with that: it is multiplied by a complex number.
  bool rotated = false;
};

/// Heads h_i = W_i x, each of `size` elements, and what their errors cost.
struct Heads {
  int64_t count, size;
  /// E[h h^T] of all heads, one after the other.
  Matrix<double> products;
  /// Of each head M_i, so that an error e of it costs e^T M_i e.
  std::vector<Matrix<double>> costs;
  std::vector<HeadPart> parts;
};

/// A head `rows` (h_1; h_2; ...) that stands for some, each of which is `maps`
/// times it.
struct MergedHead {
  /// [size, number * size].
  Matrix<double> rows;
  std::vector<Matrix<double>> maps;
};

MergedHead meanOfHeads(int64_t number, int64_t size);

/// The head and the maps at which errors cost the least, each part for itself.
/// Fails when an eigenvalue is not found.
llvm::FailureOr<MergedHead> mergeHeads(const Heads &heads,
                                       llvm::ArrayRef<int64_t> members);

/// What errors of `members` cost with `merged` in their place, and what the
/// heads themselves would.
std::pair<double, double> getMergeCost(const Heads &heads,
                                       llvm::ArrayRef<int64_t> members,
                                       const MergedHead &merged);

/// Groups of equal size such that no two heads of different groups can be
/// exchanged for a lower sum of `costs` of pairs in a group; begins with heads
/// as they are numbered.
std::vector<llvm::SmallVector<int64_t>> groupHeads(const Matrix<double> &costs,
                                                   int64_t numGroups);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_MERGEHEADS_H
