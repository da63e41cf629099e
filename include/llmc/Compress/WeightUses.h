//===- WeightUses.h - the parameters that passes compress -------*- C++ -*-===//

#ifndef LLMC_COMPRESS_WEIGHTUSES_H
#define LLMC_COMPRESS_WEIGHTUSES_H

#include "llmc/IR/Dialect.h"
#include "mlir/IR/BuiltinOps.h"

namespace llmc {

/// The attribute of a parameter, a signless integer, that says how many bits it
/// is to be quantized to; llmc-allocate-bits chooses it.
inline constexpr llvm::StringLiteral bitsAttrName = "llmc.bits";

/// That number of bits, or `standard` if nothing was chosen.
int64_t getChosenBits(ParamOp param, int64_t standard);

/// The attribute of a parameter that has the part of its weights which
/// llmc-allocate-sparsity chose to become 0.
inline constexpr llvm::StringLiteral sparsityAttrName = "llmc.sparsity";
/// That part, or `standard` if nothing was chosen.
double getChosenSparsity(ParamOp param, double standard);

/// The attribute, of no value, of a parameter that stays floats as it is;
/// llmc-split-outliers chooses it.
inline constexpr llvm::StringLiteral keptAttrName = "llmc.kept";

/// The kinds of weights that a pass works on.
enum class WeightKinds { All, Linear, Embedding };

/// A parameter that some llmc.linear or llmc.embedding has as its weight, and
/// everything that reads it.
struct UsedWeight {
  ParamOp param;
  /// The [out, in] values that linears and embeddings read: all loads of the
  /// parameter, or all their transposes. Replacing these replaces the weight.
  llvm::SmallVector<mlir::Value> values;
  /// Whether the parameter is stored as [in, out] and `values` are transposes.
  bool transposed = false;
  bool inLinear = false, inEmbedding = false;
  /// An op that reads the parameter as something else, if there is one.
  mlir::Operation *otherUser = nullptr;

  /// Whether a use is of these kinds.
  bool isAny(WeightKinds kinds) const;
  /// Whether all its uses are of these kinds.
  bool isOnly(WeightKinds kinds) const;
  /// Why a pass for these kinds, which is to `verb` weights, has to leave this
  /// one as it is; empty if its uses are no reason.
  std::string getObstacle(WeightKinds kinds, llvm::StringRef verb) const;
};

/// Fails with an error of `pass` unless `skip`, an option that names
/// parameters, is a regular expression or empty.
llvm::LogicalResult verifySkip(mlir::MLIRContext *context, llvm::StringRef pass,
                               llvm::StringRef skip);

/// All of them but those that are kept as they are, in the order of the
/// parameters. Erases loads that nothing reads, which would outlive a parameter
/// that is replaced.
llvm::SmallVector<UsedWeight> collectUsedWeights(mlir::ModuleOp module);

/// The same of weights that llmc.densify or llmc.densify_bitmap makes of
/// floats: `param` has the values that are stored, `values` are the results of
/// these ops. Replacing them leaves the loads of their operands behind.
llvm::SmallVector<UsedWeight> collectPrunedWeights(mlir::ModuleOp module);

/// A parameter that a weight expression is made of, null if there is none.
ParamOp findParam(mlir::Value weight);

/// Calls `report` for each linear and embedding of these kinds whose weight is
/// neither a parameter nor a weight expression, with what it is; not for a
/// parameter that is kept.
void findComputedWeights(mlir::ModuleOp module, WeightKinds kinds,
                         llvm::function_ref<void(mlir::Operation *, mlir::Value,
                                                 const llvm::Twine &)>
                             report);

/// Replaces the weight by `rewrite(builder, location)`, called where the
/// parameter was loaded, and erases the loads and transposes.
void replaceWeight(
    const UsedWeight &weight,
    llvm::function_ref<mlir::Value(mlir::OpBuilder &, mlir::Location)> rewrite);

} // namespace llmc

#endif // LLMC_COMPRESS_WEIGHTUSES_H
