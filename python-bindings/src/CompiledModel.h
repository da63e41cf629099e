//===- CompiledModel.h - a compiled model, for Python -----------*- C++ -*-===//

#ifndef LLMC_PYTHON_COMPILEDMODEL_H
#define LLMC_PYTHON_COMPILEDMODEL_H

#include "Model.h"
#include "llmc/Lower/Executable.h"

namespace llmc::python {

/// A tensor as Python hands it over: numpy's name of its type, its shape and
/// its bytes in row-major order, which `owner` keeps alive.
struct Array {
  std::string dtype;
  std::vector<int64_t> shape;
  const void *data = nullptr;
  size_t bytes = 0;
  std::shared_ptr<void> owner;
};

class CompiledModel {
public:
  /// `model` holds what the executable runs on.
  CompiledModel(std::shared_ptr<Model> model,
                std::unique_ptr<Executable> executable)
      : model(std::move(model)), executable(std::move(executable)) {}

  std::vector<TensorInfo> inputs() const;
  std::vector<TensorInfo> outputs() const;

  /// Runs on one array for each input, in order.
  std::vector<Array> run(const std::vector<Array> &arguments);

private:
  std::shared_ptr<Model> model;
  std::unique_ptr<Executable> executable;
  /// The compiled code reports errors in a global.
  std::mutex mutex;
};

/// numpy's name of an element type, or ml_dtypes' where numpy has none.
std::string getNumpyName(mlir::Type type);

/// What Python is told about the specs of a model's inputs or outputs.
std::vector<TensorInfo> describe(llvm::ArrayRef<TensorSpec> specs);

} // namespace llmc::python

#endif // LLMC_PYTHON_COMPILEDMODEL_H
