//===- Executable.h - models compiled in memory ----------------*- C++ -*-===//
//
// The JIT of tests, calibration and Python. It runs the reference lowering and
// calls `llmc_invoke` as the runtime calls it in an artifact.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LOWER_EXECUTABLE_H
#define LLMC_LOWER_EXECUTABLE_H

#include "llmc/Calibrate/Executor.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringMap.h"

namespace mlir {
class ExecutionEngine;
} // namespace mlir

namespace llmc {

/// Checks that the module has a function @main of tensors that compiled code
/// can take, and that its attributes `llmc.name` and `llmc.dims` are strings.
/// To be called before the functions below.
mlir::LogicalResult verifyEntry(mlir::ModuleOp module);

/// The specs of the arguments of @main that are not parameters, and of its
/// results that are not states.
llvm::SmallVector<TensorSpec> getInputSpecs(mlir::ModuleOp module);
llvm::SmallVector<TensorSpec> getOutputSpecs(mlir::ModuleOp module);

/// Compiled code by the text of what was compiled: layers that differ in their
/// weights only are compiled once.
using CodeCache = llvm::StringMap<std::shared_ptr<mlir::ExecutionEngine>>;

class Executable : public Executor {
public:
  struct Options {
    unsigned optLevel = 2;   ///< of LLVM, 0 to 3
    bool useBackends = true; ///< those of the context, if it has any
    /// Whether to free the parameters when the executable is destroyed.
    bool ownsParams = false;
    /// Where code is looked for and kept; none if null.
    CodeCache *cache = nullptr;
  };

  /// Registers what `create` translates, and makes contexts carry a factory of
  /// executables (llmc/Calibrate/Executor.h).
  static void registerDialects(mlir::DialectRegistry &registry);

  /// Lowers and compiles `module`, which keeps its params and must outlive the
  /// executable; its @main is consumed. Errors are diagnostics.
  static mlir::FailureOr<std::unique_ptr<Executable>>
  create(mlir::ModuleOp module, const Options &options);
  ~Executable() override;

  /// The parameters as the code reads them.
  llvm::ArrayRef<HostTensor> getParams() const { return params; }

  /// Makes the code read these, which must be as many and of the same types:
  /// copies of the parameters.
  void setParams(llvm::ArrayRef<HostTensor> copies) {
    params.assign(copies.begin(), copies.end());
  }

  llvm::Expected<llvm::SmallVector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> arguments) override;

private:
  Executable() = default;
  llvm::Error check(llvm::ArrayRef<HostTensor> arguments) const;

  llvm::SmallVector<HostTensor> params;
  llvm::SmallVector<mlir::DenseResourceElementsAttr> ownedParams;
  std::shared_ptr<mlir::ExecutionEngine> engine;
  void (*invoke)(void **) = nullptr;
  int64_t *errorFlag = nullptr;
};

} // namespace llmc

#endif // LLMC_LOWER_EXECUTABLE_H
