//===- Blocks.h - the parts that a model is a chain of ----------*- C++ -*-===//

#ifndef LLMC_CALIBRATE_BLOCKS_H
#define LLMC_CALIBRATE_BLOCKS_H

#include "llmc/IR/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SetVector.h"

namespace llmc {

/// A run of ops of @main behind which one value is all that later ops read of
/// what linears and embeddings computed: an embedding, an attention with its
/// norm and the addition to the residual, an MLP with its own. What follows
/// from inputs alone, such as masks and rotary angles, is of no block.
struct ModelBlock {
  /// In order, those that depend on linears and embeddings.
  llvm::SmallVector<mlir::Operation *> ops;
  /// What it reads of other parts of the model: what the block before hands on,
  /// nothing for the first block, and more for a stage.
  llvm::SmallVector<mlir::Value> inputs;
  /// What this one hands on; null for the last block.
  mlir::Value output;
  /// What of this block @main returns, such as keys and values of a cache.
  llvm::SmallVector<mlir::Value> returned;

  /// What the block before hands on; null for the first block.
  mlir::Value getInput() const {
    return inputs.empty() ? mlir::Value() : inputs.front();
  }
};

/// The blocks of a lifted model, in order; each has a linear or an embedding,
/// but for the last one, which may be empty. A model that never narrows to one
/// value is one block.
llvm::SmallVector<ModelBlock> findBlocks(mlir::func::FuncOp main);

/// A block in parts, one after the other: no linear of a stage reads what
/// another one of it computes, and those of the first stages come as early as
/// they can. All that other stages and blocks or @main's results read of one is
/// `returned`.
llvm::SmallVector<ModelBlock> findStages(const ModelBlock &block);

/// The ops that `outputs` need, in the order of @main: those of the block and
/// what of no block they read, such as weights and masks.
llvm::SetVector<mlir::Operation *>
findNeeded(const ModelBlock &block, llvm::ArrayRef<mlir::Value> outputs);

/// Attribute of the parameters of a layer that is about to be removed.
inline constexpr llvm::StringLiteral removedAttr = "llmc.removed";

/// Whether all parameters of the block's linears have `removedAttr`.
bool isToBeRemoved(const ModelBlock &block);

/// The first parameter that a weight is made of, null if it is none's.
mlir::StringAttr findFirstParam(mlir::Value weight);

/// That of the linear that is nearest before the queries of an attention, by
/// which its statistics are found; null if there is none.
mlir::StringAttr findQueryParam(AttentionOp attention);

/// Attribute of a module that is a block of a model: what a pass does not find
/// in it may be in another.
inline constexpr llvm::StringLiteral blockAttr = "llmc.block";

/// A block as a module of its own.
struct BlockModule {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  /// The values of the model behind its arguments, and those that it returns.
  llvm::SmallVector<mlir::Value> inputs, outputs;
};

/// A function @main of the inputs of the model's @main that `block` reads and
/// of its own inputs, which returns `outputs`. Its parameters have the names
/// and types of the model's and are views of their bytes, which must not be
/// freed while the module is used. `describe` gives the names of the dimensions
/// of the block's inputs, as `llmc.dims` has them, or null.
BlockModule
buildBlockModule(mlir::func::FuncOp main, const ModelBlock &block,
                 llvm::ArrayRef<mlir::Value> outputs,
                 llvm::function_ref<mlir::ArrayAttr(mlir::Value)> describe);

} // namespace llmc

#endif // LLMC_CALIBRATE_BLOCKS_H
