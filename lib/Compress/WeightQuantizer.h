//===- WeightQuantizer.h - weights that become integers ---------*- C++ -*-===//
//
// What passes that rewrite weights into llmc.dequantize or llmc.lookup share:
// which weights they take, what they say about the others, and the rewrite.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_WEIGHTQUANTIZER_H
#define LLMC_LIB_COMPRESS_WEIGHTQUANTIZER_H

#include "BlockQuantizer.h"
#include "llmc/Calibrate/Statistics.h"

namespace llmc {

struct WeightQuantizerOptions {
  /// The format of scales is that of each weight.
  GridOptions grid;
  /// 0: a whole row.
  int64_t block = 64;
  WeightKinds what = WeightKinds::All;
  std::string skip;
  bool strict = false;
  /// What indices stand for, if the integers are to be indices: `rows` of 0 are
  /// all of a weight.
  std::optional<Codebooks> codebooks;
};

class WeightQuantizer {
public:
  using Options = WeightQuantizerOptions;

  /// Fails with an error of `pass` unless the options make sense.
  static llvm::LogicalResult verify(mlir::MLIRContext *context,
                                    llvm::StringRef pass,
                                    const Options &options);

  WeightQuantizer(mlir::ModuleOp module, llvm::StringRef pass,
                  const Options &options)
      : module(module), pass(pass), options(options), symbols(module) {}

  /// A weight that can be quantized, as far as its type and uses tell.
  struct Task {
    Task() = default;
    // `source` points into `copy`, which a move hands on and a copy would not.
    Task(const Task &) = delete;
    Task(Task &&) = default;

    UsedWeight weight;
    WeightSource source;
    /// Options of its own: the format of its scales, and whole rows.
    GridOptions grid;
    int64_t block;
    /// The same, with the rows that it has and without values.
    std::optional<Codebooks> codebooks;
    /// Owns the bytes where no blob does; on the heap, for tasks move.
    llvm::SmallVector<char, 0> copy;

    /// llmc.densify or llmc.densify_bitmap, if the weight is one: `source` has
    /// the values that it stores, `block` is as many of them as lie in a block.
    mlir::Operation *pruned = nullptr;

    llvm::StringRef getName() { return weight.param.getSymName(); }
  };

  /// The weights that were asked for. Says of those that cannot be quantized
  /// why.
  std::vector<Task> collectTasks();

  /// Says why a weight stays as it is.
  void keep(ParamOp param, const llvm::Twine &reason);

  /// The statistics of what the weight's linears read; null, after saying so,
  /// if there are none.
  Statistics::Input getStatistics(Task &task);

  /// Rewrites the weight, or says that it is not finite.
  void replace(Task &task, QuantizedWeight result);

  /// Quantizes and rewrites the weights as `describe` says, small ones
  /// together. It returns nothing of a weight that stays as it is.
  void replaceAll(
      llvm::MutableArrayRef<Task> tasks,
      llvm::function_ref<std::optional<BlockwiseWeight>(Task &)> describe);

  /// Whether something was wrong that is an error when strict.
  bool hasFailed() const { return failed; }

  int64_t numWeights = 0, numSkipped = 0, bytesBefore = 0, bytesAfter = 0;

private:
  /// A line for the user, an error when strict.
  mlir::InFlightDiagnostic complain(mlir::Operation *op);
  bool prepare(Task &task);
  std::string preparePruned(Task &task);
  std::string prepareCodebooks(Task &task);
  bool checkSizes(Task &task);
  int64_t getBytes(const Task &task, const BlockFormat &format);
  mlir::Value rewrite(Task &task, QuantizedWeight &result);
  mlir::Value createWeight(Task &task, const BlockFormat &format,
                           llvm::ArrayRef<mlir::Value> values,
                           mlir::OpBuilder &builder, mlir::Location location);
  mlir::Value createLookup(Task &task, const QuantizedWeight &result,
                           mlir::Value indices, mlir::Value scales,
                           ParamOp codebook, mlir::OpBuilder &builder,
                           mlir::Location location);

  mlir::ModuleOp module;
  llvm::StringRef pass;
  Options options;
  mlir::SymbolTable symbols;
  bool failed = false;
};

/// What passes that quantize weights have in common; `Base` is what TableGen
/// makes of one.
template <typename Base> class WeightQuantizerPass : public Base {
public:
  using Base::Base;

protected:
  WeightQuantizerOptions getOptions() const {
    WeightQuantizerOptions options;
    options.grid.bits = this->bits;
    options.grid.symmetric = this->symmetric;
    options.grid.halfScales = this->halfScales;
    options.grid.progressive = this->progressive;
    options.grid.clip = this->clip;
    options.block = this->block;
    options.what = this->what;
    options.skip = this->skip;
    options.strict = this->strict;
    return options;
  }

  /// Adds to the pass's statistics, and fails if something was wrong.
  void finish(const WeightQuantizer &quantizer) {
    this->numWeights += quantizer.numWeights;
    this->numSkipped += quantizer.numSkipped;
    this->bytesBefore += quantizer.bytesBefore;
    this->bytesAfter += quantizer.bytesAfter;
    if (quantizer.hasFailed())
      this->signalPassFailure();
  }
};

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_WEIGHTQUANTIZER_H
