//===- BlockReads.h - what linears and embeddings read ----------*- C++ -*-===//

#ifndef LLMC_LIB_CALIBRATE_BLOCKREADS_H
#define LLMC_LIB_CALIBRATE_BLOCKREADS_H

#include "llmc/Calibrate/Blocks.h"
#include "llvm/ADT/MapVector.h"

namespace llmc {

/// The linears and embeddings of a block by what they read.
struct BlockReads {
  /// Weights' names by the operand of their linears, ids of their embeddings.
  llvm::MapVector<mlir::Value, llvm::SmallVector<mlir::StringAttr>> inputs, ids;
  llvm::MapVector<mlir::StringAttr, int64_t> vocabulary;
  /// What a linear reads, and what its result is added to and only read for.
  struct Sum {
    mlir::Value input, residual;
  };
  llvm::MapVector<mlir::StringAttr, Sum> residuals;
  std::vector<std::string> params;
};

/// Names in a remark a linear of whose input no statistics can be.
BlockReads findReads(const ModelBlock &block);

} // namespace llmc

#endif // LLMC_LIB_CALIBRATE_BLOCKREADS_H
