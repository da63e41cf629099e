//===- LinearResults.h - what becomes of sums of products ------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_LINEARRESULTS_H
#define LLMC_LIB_BACKENDS_CPU_LINEARRESULTS_H

#include "LinearKernel.h"

namespace llmc::cpu {

/// Writes the outputs of a linear kernel.
class LinearResults {
public:
  LinearResults(KernelBuilder &k, const LinearSpec &spec) : k(k), spec(spec) {}

  /// What is added to the result.
  void setAddend(Value buffer) { addend = flatten(buffer); }
  /// That of the next linear.
  void addOutput(Value buffer) { outputs.push_back(flatten(buffer)); }

  /// `sums` of row i and panel j are at `i * tile.panels + j`.
  void emit(mlir::ValueRange sums, const Tile &tile);

private:
  /// Where the outputs of a panel are stored.
  struct Place {
    Value output, width, column, mask;
  };

  Value flatten(Value buffer);
  Place findPlace(Value panel);

  KernelBuilder &k;
  const LinearSpec &spec;
  Value addend;
  Values outputs;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_LINEARRESULTS_H
