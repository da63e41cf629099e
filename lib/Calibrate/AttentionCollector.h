//===- AttentionCollector.h - where queries look ----------------*- C++ -*-===//

#ifndef LLMC_LIB_CALIBRATE_ATTENTIONCOLLECTOR_H
#define LLMC_LIB_CALIBRATE_ATTENTIONCOLLECTOR_H

#include "llmc/Calibrate/Executor.h"
#include "llmc/Calibrate/Statistics.h"
#include "llmc/IR/Dialect.h"

namespace llmc {

/// Adds up the probabilities that AttentionStatistics are means of.
class AttentionCollector {
public:
  explicit AttentionCollector(AttentionOp attention);

  /// Queries, keys, and the mask if it has one.
  int64_t getNumOperands() const { return hasMask ? 3 : 2; }
  /// Adds what their values say. Those over another text than the queries, or
  /// over one of another length than before, are left out.
  void add(llvm::ArrayRef<HostTensor> operands);

  /// The means of what was added so far; nothing if that is nothing.
  std::optional<AttentionStatistics> getMeans() const;

private:
  /// Makes probabilities of the scores of the query at `position`.
  void normalize(llvm::MutableArrayRef<float> scores, int64_t position) const;
  /// Adds the probabilities that a query gives.
  void addRow(llvm::ArrayRef<float> probabilities, int64_t position,
              int64_t head);

  mlir::MLIRContext *context;
  bool hasMask, causal;
  int64_t window;
  float scale, softcap;
  AttentionStatistics sums;
  std::vector<double> mass;
};

} // namespace llmc

#endif // LLMC_LIB_CALIBRATE_ATTENTIONCOLLECTOR_H
