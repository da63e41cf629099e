//===- Executor.h - running models on the host ------------------*- C++ -*-===//
//
// Calibration runs models, and lowering, which is below it, makes them run. A
// context carries what compiles them; `Executable` (llmc/Lower) is that.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_CALIBRATE_EXECUTOR_H
#define LLMC_CALIBRATE_EXECUTOR_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <memory>
#include <string>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace llmc {

/// Name and type of an input or output.
struct TensorSpec {
  std::string name;
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;    ///< kDynamic where symbolic.
  llvm::SmallVector<std::string> dims; ///< dim_param or empty, one each.
};

/// A tensor in row-major order; elements narrower than a byte take one.
struct HostTensor {
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape;
  std::shared_ptr<void> data;

  int64_t getNumElements() const;
  int64_t getByteSize() const;
  /// A tensor over newly allocated memory.
  static HostTensor allocate(mlir::Type elementType,
                             llvm::ArrayRef<int64_t> shape);
};

/// Bytes of one element in memory.
int64_t elementByteSize(mlir::Type elementType);

/// A model that was compiled for this machine.
class Executor {
public:
  virtual ~Executor();

  llvm::ArrayRef<TensorSpec> inputs() const { return inputSpecs; }
  llvm::ArrayRef<TensorSpec> outputs() const { return outputSpecs; }

  /// Runs on `arguments`, one for each input, in order. Fails on a wrong
  /// number, element type, rank or size, and on run-time errors.
  virtual llvm::Expected<llvm::SmallVector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> arguments) = 0;

protected:
  llvm::SmallVector<TensorSpec> inputSpecs, outputSpecs;
};

/// Compiles modules for this machine.
class ExecutorFactory {
public:
  virtual ~ExecutorFactory();

  /// Compiles the function @main of `module`, which this uses up: its @main is
  /// rewritten, and the executor reads its parameters. Modules of the same code
  /// share what was compiled. Errors are diagnostics.
  virtual mlir::FailureOr<std::unique_ptr<Executor>>
  compile(mlir::ModuleOp module) = 0;

  /// Makes contexts of `registry` carry what `create` makes.
  static void
  registerWith(mlir::DialectRegistry &registry,
               std::function<std::unique_ptr<ExecutorFactory>()> create);
  /// What `context` carries, or null.
  static ExecutorFactory *of(mlir::MLIRContext *context);
};

} // namespace llmc

#endif // LLMC_CALIBRATE_EXECUTOR_H
