//===- Manifest.h - manifest.json, collected and written -------*- C++ -*-===//

#ifndef LLMC_LIB_LOWER_MANIFEST_H
#define LLMC_LIB_LOWER_MANIFEST_H

#include "llmc/IR/Dialect.h"
#include "llmc/Lower/Executable.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/JSON.h"
#include <map>
#include <optional>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace llmc {

/// The sizes of the files in `directory` and its folders, by their paths from
/// there.
std::map<std::string, int64_t> listFiles(llvm::StringRef directory,
                                         std::error_code &error);

/// What docs/artifact.md describes; the runtime's lib/Runtime/Manifest.h is the
/// reading side.
class Manifest {
public:
  explicit Manifest(const llvm::TargetMachine &machine) : machine(machine) {}

  /// Takes inputs, outputs and states from @main, which still has llmc's types
  /// and attributes.
  mlir::LogicalResult setInterface(mlir::ModuleOp module);
  /// Takes the facts about a language model from the configuration files in
  /// `directory`, where there are any.
  mlir::LogicalResult setModel(mlir::ModuleOp module,
                               llvm::StringRef directory);
  /// Adds a weight at the first aligned offset from `offset`.
  mlir::LogicalResult addWeight(ParamOp param, int64_t offset);
  /// Writes manifest.json beside the other files of the artifact, which are
  /// there, and lists them.
  mlir::LogicalResult write(mlir::ModuleOp module,
                            llvm::StringRef directory) const;

  /// What the artifact `directory` consists of, as its manifest says; nothing
  /// where there is no manifest of an artifact.
  static std::optional<llvm::StringSet<>> readFiles(llvm::StringRef directory);

  struct Weight {
    std::string name, dtype;
    llvm::SmallVector<int64_t> shape;
    int64_t offset, bytes;
  };
  llvm::SmallVector<Weight, 0> weights;

private:
  struct State {
    TensorSpec spec;
    std::string output;
  };

  mlir::LogicalResult findStep(mlir::ModuleOp module);

  const llvm::TargetMachine &machine;
  llvm::SmallVector<TensorSpec> inputs, outputs;
  llvm::SmallVector<State> states;
  std::string stepInput;
  llvm::json::Object model;
};

} // namespace llmc

#endif // LLMC_LIB_LOWER_MANIFEST_H
