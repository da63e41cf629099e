//===- Pruner.cpp - what all passes that prune do -------------------------===//

#include "Pruner.h"
#include "BlockQuantizer.h"
#include "SparseWeight.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

using namespace mlir;
using namespace llmc;

LogicalResult PruneOptions::verify(MLIRContext *context) const {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << pass << ": ";
  };
  llvm::Expected<SparsePattern> parsed = SparsePattern::parse(pattern);
  if (!parsed)
    return fail() << llvm::toString(parsed.takeError());
  if (!(sparsity >= 0 && sparsity < 1))
    return fail() << "sparsity is " << sparsity
                  << "; it must be at least 0 and below 1";
  return verifySkip(context, pass, skip);
}

Pruner::Pruner(ModuleOp module, const PruneOptions &options)
    : module(module), options(options),
      pattern(llvm::cantFail(SparsePattern::parse(options.pattern))),
      symbols(module), weights(module, {"prune", "pruned", options.what,
                                        options.skip, options.strict}) {}

std::vector<PrunedWeight> Pruner::collect(bool needsStatistics) {
  std::vector<PrunedWeight> result =
      weights.collect(needsStatistics, [&](const PrunedWeight &weight) {
        return pattern.getObstacle(weight.rows, weight.columns);
      });
  if (pattern.isNM())
    ignoreSparsity(result, "n:m has its own");
  return result;
}

void Pruner::ignoreSparsity(ArrayRef<PrunedWeight> weights, StringRef reason) {
  for (const PrunedWeight &weight : weights) {
    ParamOp param = weight.param;
    if (!param->hasAttr(sparsityAttrName))
      continue;
    hasIgnored = true;
    (options.strict ? param.emitError() : param.emitRemark())
        << "the sparsity that was chosen for '" << param.getSymName()
        << "' does not count: " << reason;
  }
}

void Pruner::pruneByScore(PruneScope scope, bool needsStatistics,
                          Scorer score) {
  std::vector<PrunedWeight> weights = collect(needsStatistics);
  auto getScores = [&](const PrunedWeight &weight) {
    Matrix<float> scores = read(weight);
    return mlir::failed(score(weight, scores)) ? Matrix<float>() : scores;
  };
  // n:m compares the weights of a group only.
  std::optional<ThresholdSearch> threshold;
  if (scope == PruneScope::Global && !pattern.isNM()) {
    threshold.emplace();
    ignoreSparsity(weights, "scope=global compares all weights");
  }
  for (int64_t i = 0; threshold && i < 2; ++i) {
    for (const PrunedWeight &weight : weights)
      threshold->add(sumTiles(getScores(weight), pattern).values);
    threshold->next(options.sparsity);
  }
  for (PrunedWeight &weight : weights) {
    Matrix<float> original = read(weight), pruned = original,
                  scores = getScores(weight);
    if (scores.rows != original.rows) {
      keep(weight, "the statistics of its input are not finite");
      continue;
    }
    if (!threshold) {
      pruneLowest(pruned, scores, pattern, scope, getSparsity(weight),
                  module.getContext());
    } else {
      Matrix<float> sums = sumTiles(scores, pattern);
      for (auto [tile, sum] : llvm::enumerate(sums.values))
        if (threshold->isLow(sum))
          zeroTile(pruned, pattern, tile);
    }
    store(weight, original, pruned);
  }
}

//===----------------------------------------------------------------------===//
// Rewrites
//===----------------------------------------------------------------------===//

/// llmc.densify or llmc.densify_bitmap of new parameters.
static Value storeSparse(PrunedWeight &weight, SparseWeight sparse,
                         SymbolTable &symbols) {
  ParamOp param = weight.param;
  OpBuilder builder(param);
  auto addParam = [&](StringRef suffix, ArrayRef<int64_t> shape, Type element,
                      AsmResourceBlob blob) {
    std::string name = (param.getSymName() + suffix).str();
    auto value = makeResource(RankedTensorType::get(shape, element), name,
                              std::move(blob));
    auto added = ParamOp::create(builder, param.getLoc(), name, value,
                                 param.getSymVisibilityAttr());
    symbols.insert(added, Block::iterator(param));
    return added;
  };
  Type byte = builder.getIntegerType(8, /*isSigned=*/false);
  Type element = param.getType().getElementType();
  const SparsePattern pattern = sparse.pattern;
  SmallVector<ParamOp, 3> params;
  if (pattern.isNM()) {
    int64_t bytes = sparse.places.getData().size();
    params = {addParam(".values", {sparse.rows, sparse.count / sparse.rows},
                       element, std::move(sparse.values)),
              addParam(".meta", {sparse.rows, bytes / sparse.rows}, byte,
                       std::move(sparse.places))};
  } else {
    int64_t bytes = sparse.places.getData().size(),
            rows = sparse.rows / pattern.tileRows;
    params = {
        addParam(".values", {sparse.count}, element, std::move(sparse.values)),
        addParam(".mask", {rows, bytes / rows}, byte, std::move(sparse.places)),
        addParam(".starts", {rows}, builder.getI32Type(),
                 std::move(*sparse.starts))};
  }
  Value last;
  replaceWeight(weight, [&](OpBuilder &builder, Location location) -> Value {
    SmallVector<Value, 3> operands;
    for (ParamOp added : params)
      operands.push_back(WeightOp::create(builder, location, added.getType(),
                                          added.getSymName()));
    if (pattern.isNM())
      return last =
                 DensifyOp::create(builder, location, operands[0], operands[1],
                                   builder.getStringAttr(pattern.str()),
                                   IntegerAttr(), IntegerAttr());
    DenseI64ArrayAttr tile;
    if (pattern.isBlock())
      tile =
          builder.getDenseI64ArrayAttr({pattern.tileRows, pattern.tileColumns});
    return last = DensifyBitmapOp::create(
               builder, location, operands[0], operands[1], operands[2],
               builder.getI64IntegerAttr(sparse.columns), tile);
  });
  return last;
}

void Pruner::store(PrunedWeight &weight, MatrixRef<const float> original,
                   MatrixRef<const float> pruned) {
  ParamOp param = weight.param;
  int64_t before = storageBytes(weight.values.front()), after = before;
  if (options.store == PruneStore::Sparse) {
    after = getSparseBytes(pruned, pattern, weight.format);
    if (after >= before)
      return keep(weight, "it has " + Twine(before) + " bytes and would have " +
                              Twine(after) +
                              "; store=dense prunes it nevertheless");
  }
  WeightErrors errors(original, pruned);
  ++totals.weights;
  totals.bytesBefore += before;
  totals.bytesAfter += after;
  using mlir::remark::metric;
  auto remark = mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(options.pass).category(compressRemarks));
  int64_t count = weight.rows * weight.columns, zeros = 0;
  for (int64_t i = 0; i < pruned.rows; ++i)
    for (int64_t j = 0; j < pruned.columns; ++j)
      zeros += pruned(i, j) == 0;
  remark << metric("param", param.getSymName())
         << metric("pattern", pattern.str())
         << metric("sparsity", count ? double(zeros) / count : 0.0)
         << metric("weights", count) << metric("bytes_before", before)
         << metric("bytes_after", after)
         << metric("largest_error", errors.largest)
         << metric("relative_error", errors.getRelative());
  if (weight.input)
    remark << metric("output_error",
                     getOutputError(original, pruned, *weight.input));
  if (options.store == PruneStore::Dense)
    return storeFloats(weight, pruned);
  storeSparse(weight, encodeSparse(pruned, pattern, weight.format), symbols);
  symbols.remove(param);
  eraseParam(param);
}
