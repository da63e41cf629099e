//===- CompressBlock.h - passes on one block of a model ---------*- C++ -*-===//

#ifndef LLMC_LIB_CALIBRATE_COMPRESSBLOCK_H
#define LLMC_LIB_CALIBRATE_COMPRESSBLOCK_H

#include "llmc/Calibrate/Blocks.h"
#include "mlir/Pass/PassManager.h"

namespace llmc {

/// How many blocks read each parameter.
llvm::DenseMap<mlir::StringAttr, unsigned>
countBlocks(llvm::ArrayRef<ModelBlock> blocks);

/// The parameter of a linear or embedding of the block that other blocks read
/// too; null if there is none.
mlir::StringAttr
findSharedWeight(const ModelBlock &block,
                 const llvm::DenseMap<mlir::StringAttr, unsigned> &counts);

/// Makes a module of the block, gives it the parameters that no other block
/// reads, runs `passes` on it and puts what they make of it in the block's
/// place. The block's output and ops are updated; a block behind it has to be
/// given the new output.
mlir::LogicalResult
compressBlock(mlir::func::FuncOp main, ModelBlock &block,
              const llvm::DenseMap<mlir::StringAttr, unsigned> &counts,
              llvm::function_ref<mlir::ArrayAttr(mlir::Value)> describe,
              mlir::PassManager &passes);

} // namespace llmc

#endif // LLMC_LIB_CALIBRATE_COMPRESSBLOCK_H
