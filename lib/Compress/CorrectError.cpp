//===- CorrectError.cpp - a low-rank part of what rounding lost -----------===//

#include "FloatWeights.h"
#include "LowRank.h"
#include "llmc/IR/InnerPipeline.h"
#include "llmc/Weights/DecodeWeight.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/MapVector.h"

namespace llmc {
#define GEN_PASS_DEF_CORRECTERROR
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// On linears and embeddings, while the passes run that quantize: the number of
/// the weight that they had.
constexpr llvm::StringLiteral originalAttr = "llmc.original";

/// A weight as it was.
struct Original {
  std::string name;
  Matrix<float> values;
  Statistics::Input input;
  /// Whether something was done to it, or said about it.
  bool isDone = false;
};

struct CorrectError : llmc::impl::CorrectErrorBase<CorrectError> {
  using CorrectErrorBase::CorrectErrorBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  LogicalResult correct(FloatWeights &all, Original &original, ParamOp param,
                        ArrayRef<Operation *> readers, Decomposer &decomposer,
                        SymbolTable &symbols);
};

LogicalResult CorrectError::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  if (quantize.empty())
    return fail() << "quantize names no passes";
  if (rank < 1)
    return fail() << "rank is " << int64_t(rank) << "; it must be positive";
  if (failed(Decomposer(method, alpha, damping).verify(context, getArgument())))
    return failure();
  return verifySkip(context, getArgument(), skip);
}

void CorrectError::runOnOperation() {
  ModuleOp module = getOperation();
  PassManager passes(&getContext(), ModuleOp::getOperationName());
  if (failed(parsePassPipeline(quantize, passes))) {
    emitError(UnknownLoc::get(&getContext()))
        << getArgument() << ": quantize is no pass pipeline: " << quantize;
    return signalPassFailure();
  }
  inheritInstrumentation(passes, getAnalysisManager());
  FloatWeights all(module, {"correct", "corrected", what, skip, strict});
  std::vector<Original> originals;
  Builder builder(&getContext());
  for (FloatWeight &weight : all.collect(
           method != FactorMethod::Plain,
           [&](const FloatWeight &weight) -> std::string {
             if (method != FactorMethod::Plain && !weight.inLinear)
               return "only an embedding reads it; method=svd is for those";
             return {};
           })) {
    for (Operation *reader : findReaders(weight.values))
      reader->setAttr(originalAttr, builder.getIndexAttr(originals.size()));
    originals.push_back(
        {weight.param.getSymName().str(), readFloats(weight), weight.input});
  }
  if (failed(passes.run(module)))
    return signalPassFailure();

  // A weight may have become several parameters, for example one for each of
  // its uses.
  llvm::MapVector<std::pair<int64_t, ParamOp>, SmallVector<Operation *>> groups;
  module.walk([&](Operation *op) {
    auto number = op->getAttrOfType<IntegerAttr>(originalAttr);
    if (!number)
      return;
    op->removeAttr(originalAttr);
    if (ParamOp param = findParam(getReadWeight(op)))
      groups[{number.getInt(), param}].push_back(op);
  });
  Decomposer decomposer(method, alpha, damping);
  SymbolTable symbols(module);
  for (auto &[key, readers] : groups)
    if (failed(correct(all, originals[key.first], key.second, readers,
                       decomposer, symbols)))
      return signalPassFailure();
  for (const Original &original : originals)
    if (!original.isDone)
      all.keep(module, original.name,
               "nothing reads it any more after the passes of quantize");
  numSkipped += all.getNumSkipped();
  if (all.hasFailed())
    signalPassFailure();
}

LogicalResult CorrectError::correct(FloatWeights &all, Original &original,
                                    ParamOp param,
                                    ArrayRef<Operation *> readers,
                                    Decomposer &decomposer,
                                    SymbolTable &symbols) {
  original.isDone = true;
  const Matrix<float> &before = original.values;
  Value weight = getReadWeight(readers.front());
  auto type = cast<RankedTensorType>(weight.getType());
  if (type.getShape() != ArrayRef<int64_t>{before.rows, before.columns} ||
      Statistics::of(&getContext()).lookup(original.name) != original.input)
    return param->emitError()
           << getArgument() << ": passes of quantize changed what the linears "
           << "of '" << original.name << "' read; run these passes before";
  FailureOr<std::vector<float>> decoded = decodeWeight(weight);
  if (failed(decoded))
    return failure();
  Matrix<float> error(before.rows, before.columns),
      quantized(before.rows, before.columns);
  quantized.values = std::move(*decoded);
  bool isSame = true;
  for (int64_t i = 0; i < before.rows; ++i)
    for (int64_t j = 0; j < before.columns; ++j) {
      // What is multiplied with zeros only needs no correction.
      bool isDead = method != FactorMethod::Plain &&
                    original.input->getMeanSquare(j) == 0;
      error(i, j) = isDead ? 0 : before(i, j) - quantized(i, j);
      isSame &= error(i, j) == 0;
    }
  auto keep = [&](const Twine &reason) {
    all.keep(param, original.name, reason);
    return success();
  };
  if (isSame)
    return keep("the passes of quantize did not change it");
  auto parts = decomposer.decompose(error, original.input);
  if (!parts)
    return keep(llvm::toString(parts.takeError()));
  Factors factors = parts->truncate(
      std::min<int64_t>(rank, std::min(before.rows, before.columns)));
  if (FloatFormat format = *getFloatFormat(type.getElementType());
      !factors.round(format))
    return keep("a number of its correction is infinite as " +
                toString(format));

  int64_t bytes = storageBytes(weight);
  auto params = FactorParams::create(param, original.name, factors,
                                     type.getElementType(), symbols);
  bool isEmbedding = false;
  for (Operation *reader : readers) {
    isEmbedding |= isa<EmbeddingOp>(reader);
    params.addTo(reader);
  }
  params.setStatistics(
      factors, original.input,
      Statistics::of(&getContext()).lookupCounts(original.name), isEmbedding);

  ++numWeights;
  bytesAdded += params.getBytes();
  Matrix<float> after = factors.multiply();
  for (auto [sum, value] : llvm::zip(after.values, quantized.values))
    sum += value;
  WeightErrors errors(before, after);
  using mlir::remark::metric;
  auto remark = mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks));
  remark << metric("param", original.name) << metric("rank", factors.getRank())
         << metric("weights", before.rows * before.columns)
         << metric("bytes_before", bytes)
         << metric("bytes_after", bytes + params.getBytes())
         << metric("largest_error", errors.largest)
         << metric("relative_error", errors.getRelative());
  if (original.input)
    remark << metric("output_error",
                     getOutputError(before, after, *original.input));
  return success();
}
} // namespace
