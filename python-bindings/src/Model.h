//===- Model.h - a model in the compiler, for Python ------------*- C++ -*-===//
//
// The compiler by tasks: load, run passes, look, save, compile. Not an
// interface to the IR, which Python sees as text. Functions throw Error.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_PYTHON_MODEL_H
#define LLMC_PYTHON_MODEL_H

#include "Diagnostics.h"
#include "llmc/Target/Backends.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include <memory>
#include <mutex>
#include <optional>
#include <variant>

namespace llmc::python {

/// A size, a name, or neither where anything goes.
using Dim = std::variant<std::monostate, int64_t, std::string>;

/// Name and type of an input, output or parameter. The types are numpy's.
struct TensorInfo {
  std::string name, dtype;
  std::vector<Dim> shape;
};

struct ParamInfo {
  TensorInfo tensor;
  int64_t bytes;
};

/// The weight of a linear or embedding: the first parameter it is made of, how
/// it is stored, and the bytes of its parameters.
struct WeightInfo {
  std::string name, user, format;
  std::vector<int64_t> shape;
  int64_t bytes;
};

struct PassReport {
  std::vector<PassRemark> remarks;
  std::vector<std::string> notices;
};

/// A recipe's description, and its options with what they are unless set.
struct RecipeInfo {
  std::string description;
  std::vector<std::pair<std::string, std::optional<std::string>>> options;
};

RecipeInfo readRecipe(const std::string &file);

/// The text of the pipeline that a recipe makes with these values of options.
std::string
makePipeline(const std::string &file,
             const std::vector<std::pair<std::string, std::string>> &settings);

class CompiledModel;

class Model : public std::enable_shared_from_this<Model> {
public:
  /// Reads .onnx, .mlir or .mlirbc, by the name of the file. `backends` are
  /// files or names of llmc's own.
  static std::shared_ptr<Model> load(const std::string &path,
                                     const std::vector<std::string> &backends);
  /// Reads MLIR text or bytecode.
  static std::shared_ptr<Model> parse(const std::string &text,
                                      const std::vector<std::string> &backends);

  /// Runs a pass pipeline given as text. Backends that are asked what ops take
  /// speak of `target`; see Backends::setTarget.
  PassReport run(const std::string &pipeline, const std::string &target);

  /// The IR, large constants left out.
  std::string text();
  /// Writes .mlir, .mlirbc or .onnx, by the name of the file. `freeWritten` is
  /// ExportOptions', for .onnx.
  std::vector<std::string> save(const std::string &path, bool freeWritten);

  std::vector<TensorInfo> inputs();
  std::vector<TensorInfo> outputs();
  std::vector<ParamInfo> params();
  std::vector<WeightInfo> weights();
  /// How often each op occurs in functions.
  std::vector<std::pair<std::string, int64_t>> ops();
  /// Seconds that ops take for `rows` rows by the backends' costs, and how many
  /// linears, embeddings and attentions have no kernel.
  std::pair<double, size_t> cost(int64_t rows, const std::string &target);

  /// Compiles into memory. This uses the model up: lowering rewrites it, and
  /// the executor runs on its parameters.
  std::unique_ptr<CompiledModel> compile(const std::string &target,
                                         unsigned optLevel);

  /// Compiles into the artifact `directory`, which uses the model up too.
  /// `modelDirectory` is where its tokenizer and configuration are. Returns
  /// what there is to say of it, such as ops that no backend claimed.
  std::vector<std::string> compileArtifact(const std::string &directory,
                                           const std::string &target,
                                           unsigned optLevel,
                                           const std::string &modelDirectory,
                                           bool strict);

private:
  explicit Model(const std::vector<std::string> &files);

  /// The module for one call, while no other thread has it; throws when the
  /// model was used up.
  class Use;

  void setTarget(const std::string &target);

  /// Before the context, which writes to it.
  std::vector<PassRemark> remarks;
  std::shared_ptr<Backends> backends;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::mutex mutex;
};

} // namespace llmc::python

#endif // LLMC_PYTHON_MODEL_H
