//===- OpTable.h - (domain, op, since-version) to builder -------*- C++ -*-===//
//
// One table knows every ONNX op that llmc imports. docs/adding-an-op.md shows
// how to add to it.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_ONNX_IMPORT_OPTABLE_H
#define LLMC_LIB_ONNX_IMPORT_OPTABLE_H

#include "OnnxNode.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace llmc::onnx_detail {

/// Turns one node into llmc ops.
using NodeBuilder = std::function<mlir::LogicalResult(OnnxNode &)>;

/// How many inputs a node has. The first `min` must be there; `variadic` as
/// the largest number takes any.
struct Arity {
  unsigned min;
  unsigned max;
};
inline constexpr unsigned variadic = ~0u;

inline constexpr llvm::StringLiteral msDomain = "com.microsoft";

class OpTable {
public:
  struct Entry {
    int64_t since;
    Arity arity;
    NodeBuilder builder;
  };

  OpTable();

  /// `builder` serves version `since` of the op and the later ones, up to the
  /// next `since` that is added. A builder that normalises attributes and
  /// inputs by itself is added once, with its oldest version.
  void add(llvm::StringRef op, int64_t since, Arity arity, NodeBuilder builder,
           llvm::StringRef domain = "");

  /// The entry that serves `op` where the model imports `version` of its
  /// domain, null when there is none.
  const Entry *lookup(llvm::StringRef domain, llvm::StringRef op,
                      int64_t version) const;

private:
  llvm::StringMap<llvm::SmallVector<Entry, 1>> entries;
};

// One function per file of builders.
void registerMathBuilders(OpTable &table);
void registerActivationBuilders(OpTable &table);
void registerReductionBuilders(OpTable &table);
void registerShapeBuilders(OpTable &table);
void registerIndexBuilders(OpTable &table);
void registerLossBuilders(OpTable &table);
void registerEinsumBuilder(OpTable &table);
void registerLLMBuilders(OpTable &table);
void registerLoopBuilders(OpTable &table);
void registerAttentionBuilders(OpTable &table);
void registerNNBuilders(OpTable &table);
void registerImageBuilders(OpTable &table);
void registerRecurrentBuilders(OpTable &table);
void registerQuantBuilders(OpTable &table);
void registerSignalBuilders(OpTable &table);
void registerStateSpaceBuilders(OpTable &table);
void registerTrainingBuilders(OpTable &table);
void registerMicrosoftBuilders(OpTable &table);
void registerMicrosoftQuantBuilders(OpTable &table);
void registerMicrosoftQLinearBuilders(OpTable &table);
void registerMicrosoftMoEBuilders(OpTable &table);
void registerMicrosoftAttentionBuilders(OpTable &table);
void registerGroupQueryAttentionBuilder(OpTable &table);
void registerControlBuilders(OpTable &table);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_OPTABLE_H
