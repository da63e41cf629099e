//===- Executable.h - models compiled in memory ----------------*- C++ -*-===//
//
// The JIT of tests, calibration and Python. It runs the reference lowering and
// calls `llmc_invoke` as the runtime calls it in an artifact.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LOWER_EXECUTABLE_H
#define LLMC_LOWER_EXECUTABLE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace mlir {
class ExecutionEngine;
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

/// Checks that the module has a function @main of tensors that compiled code
/// can take, and that its attributes `llmc.name` and `llmc.dims` are strings.
/// To be called before the functions below.
mlir::LogicalResult verifyEntry(mlir::ModuleOp module);

/// The specs of the arguments of @main that are not parameters, and of its
/// results that are not states.
llvm::SmallVector<TensorSpec> getInputSpecs(mlir::ModuleOp module);
llvm::SmallVector<TensorSpec> getOutputSpecs(mlir::ModuleOp module);

class Executable {
public:
  struct Options {
    unsigned optLevel = 2;   ///< of LLVM, 0 to 3
    bool useBackends = true; ///< those of the context, if it has any
  };

  /// Registers what `create` translates; call it on the context's registry.
  static void registerDialects(mlir::DialectRegistry &registry);

  /// Lowers and compiles `module`, which keeps its params and must outlive the
  /// executable; its @main is consumed. Errors are diagnostics.
  static mlir::FailureOr<std::unique_ptr<Executable>>
  create(mlir::ModuleOp module, const Options &options);
  ~Executable();

  llvm::ArrayRef<TensorSpec> inputs() const { return inputSpecs; }
  llvm::ArrayRef<TensorSpec> outputs() const { return outputSpecs; }

  /// The parameters as the code reads them.
  llvm::ArrayRef<HostTensor> getParams() const { return params; }

  /// Makes the code read these, which must be as many and of the same types:
  /// copies of the parameters.
  void setParams(llvm::ArrayRef<HostTensor> copies) {
    params.assign(copies.begin(), copies.end());
  }

  /// Runs on `arguments`, one for each input, in order. Fails on a wrong
  /// number, element type, rank or size, and on run-time errors.
  llvm::Expected<llvm::SmallVector<HostTensor>>
  run(llvm::ArrayRef<HostTensor> arguments);

private:
  Executable() = default;
  llvm::Error check(llvm::ArrayRef<HostTensor> arguments) const;

  llvm::SmallVector<TensorSpec> inputSpecs, outputSpecs;
  llvm::SmallVector<HostTensor> params;
  std::unique_ptr<mlir::ExecutionEngine> engine;
  void (*invoke)(void **) = nullptr;
  int64_t *errorFlag = nullptr;
};

} // namespace llmc

#endif // LLMC_LOWER_EXECUTABLE_H
