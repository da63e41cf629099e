//===- Pruner.cpp - what all passes that prune do -------------------------===//

#include "Pruner.h"
#include "BlockQuantizer.h"
#include "SparseWeight.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Regex.h"
#include <cmath>

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
      symbols(module) {}

InFlightDiagnostic Pruner::complain(Operation *op) {
  ++totals.skipped;
  failed |= options.strict;
  return options.strict ? op->emitError() : op->emitRemark();
}

void Pruner::keep(const PrunedWeight &weight, const Twine &reason) {
  ParamOp param = weight.param;
  complain(param) << "'" << param.getSymName() << "' is not pruned: " << reason;
}

/// Why a weight has to stay; empty, with `result` filled in, if it need not.
std::string Pruner::getObstacle(UsedWeight &weight, PrunedWeight &result,
                                bool needsStatistics) {
  static_cast<UsedWeight &>(result) = weight;
  std::string reason = weight.getObstacle(options.what, "prune");
  if (!reason.empty())
    return reason;
  RankedTensorType type = weight.param.getType();
  std::optional<FloatFormat> format = getFloatFormat(type.getElementType());
  if (!format) {
    llvm::raw_string_ostream(reason)
        << "its elements are " << type.getElementType();
    return reason;
  }
  result.format = *format;
  result.rows = type.getDimSize(weight.transposed);
  result.columns = type.getDimSize(!weight.transposed);
  reason = pattern.getObstacle(result.rows, result.columns);
  if (!reason.empty())
    return reason;
  result.input =
      Statistics::of(module.getContext()).lookup(weight.param.getSymName());
  if (result.input && result.input->columns != result.columns)
    return "its rows have " + std::to_string(result.columns) +
           " weights, but the statistics of its input " +
           std::to_string(result.input->columns) + " columns";
  if (needsStatistics && !result.input)
    return "no statistics of its input; run llmc-calibrate first";
  return {};
}

std::vector<PrunedWeight> Pruner::collect(bool needsStatistics) {
  findComputedWeights(module, options.what,
                      [&](Operation *op, Value, const Twine &description) {
                        complain(op) << "'" << op->getName()
                                     << "' op is not pruned: its weight is "
                                     << description;
                      });
  std::vector<PrunedWeight> weights;
  llvm::Regex skipped(options.skip);
  for (UsedWeight &weight : collectUsedWeights(module)) {
    if (!weight.isAny(options.what) ||
        (!options.skip.empty() && skipped.match(weight.param.getSymName())))
      continue;
    PrunedWeight result;
    std::string reason = getObstacle(weight, result, needsStatistics);
    if (reason.empty()) {
      Matrix<float> values = read(result);
      if (!llvm::all_of(values.values,
                        [](float w) { return std::isfinite(w); }))
        reason = "it holds values that are not finite";
    }
    if (reason.empty())
      weights.push_back(std::move(result));
    else
      keep(result, reason);
  }
  return weights;
}

/// The place of a weight in the bytes of its parameter.
static int64_t getPlace(const PrunedWeight &weight, int64_t row,
                        int64_t column) {
  return weight.transposed ? column * weight.rows + row
                           : row * weight.columns + column;
}

/// Calls `visit(row, column)` for all weights, a tile after the other, so that
/// both orders are read by whole cache lines.
static void visitTiles(int64_t rows, int64_t columns,
                       llvm::function_ref<void(int64_t, int64_t)> visit) {
  constexpr int64_t tile = 32;
  for (int64_t top = 0; top < rows; top += tile)
    for (int64_t left = 0; left < columns; left += tile)
      for (int64_t row = top; row < std::min(top + tile, rows); ++row)
        for (int64_t column = left; column < std::min(left + tile, columns);
             ++column)
          visit(row, column);
}

Matrix<float> Pruner::read(const PrunedWeight &weight) const {
  SmallVector<char> copy;
  WeightSource source = *getWeightSource(weight, copy);
  Matrix<float> values(source.rows, source.columns);
  readWeight(source, 0, 0, values);
  return values;
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
  if (scope == PruneScope::Global && !pattern.isNM())
    threshold.emplace();
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
      pruneLowest(pruned, scores, pattern, scope, options.sparsity,
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

namespace {
/// What pruning did to a weight.
struct Errors {
  double largest = 0, squared = 0, norm = 0, zeros = 0;

  Errors(MatrixRef<const float> before, MatrixRef<const float> after) {
    for (int64_t i = 0; i < before.rows; ++i)
      for (int64_t j = 0; j < before.columns; ++j) {
        double value = before(i, j), error = std::fabs(value - after(i, j));
        largest = std::max(largest, error);
        squared += error * error;
        norm += value * value;
        zeros += after(i, j) == 0;
      }
  }
};
} // namespace

/// |x w^T - x w'^T| over |x w^T|, over the rows x that calibration saw.
static double getOutputError(MatrixRef<const float> before,
                             MatrixRef<const float> after,
                             const InputStatistics &input) {
  auto getEnergy = [&](MatrixRef<const float> w) {
    Matrix<float> product(w.rows, w.columns);
    multiply(1, w, false, input.getGram(), false, 0, product);
    double sum = 0;
    for (int64_t i = 0; i < w.rows; ++i)
      for (int64_t j = 0; j < w.columns; ++j)
        sum += double(product(i, j)) * w(i, j);
    return std::max(sum, 0.0);
  };
  Matrix<float> difference(before.rows, before.columns);
  for (int64_t i = 0; i < before.rows; ++i)
    for (int64_t j = 0; j < before.columns; ++j)
      difference(i, j) = before(i, j) - after(i, j);
  double energy = getEnergy(before);
  return energy > 0 ? std::sqrt(getEnergy(difference) / energy) : 0;
}

/// The same parameter with other values.
static void storeDense(PrunedWeight &weight, MatrixRef<const float> pruned) {
  ParamOp param = weight.param;
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      pruned.rows * pruned.columns * getFloatBytes(weight.format),
      /*align=*/64, /*dataIsMutable=*/true);
  char *data = blob.getMutableData().data();
  visitTiles(weight.rows, weight.columns, [&](int64_t row, int64_t column) {
    storeFloat(data, weight.format, getPlace(weight, row, column),
               pruned(row, column));
  });
  replaceValue(param, makeResource(param.getType(), param.getSymName(),
                                   std::move(blob)));
}

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
  Errors errors(original, pruned);
  ++totals.weights;
  totals.bytesBefore += before;
  totals.bytesAfter += after;
  using mlir::remark::metric;
  auto remark = mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(options.pass).category(compressRemarks));
  int64_t count = weight.rows * weight.columns;
  remark << metric("param", param.getSymName())
         << metric("pattern", pattern.str())
         << metric("sparsity", count ? errors.zeros / count : 0.0)
         << metric("weights", count) << metric("bytes_before", before)
         << metric("bytes_after", after)
         << metric("largest_error", errors.largest)
         << metric("relative_error",
                   errors.norm > 0 ? std::sqrt(errors.squared / errors.norm)
                                   : 0.0);
  if (weight.input)
    remark << metric("output_error",
                     getOutputError(original, pruned, *weight.input));
  if (options.store == PruneStore::Dense)
    return storeDense(weight, pruned);
  storeSparse(weight, encodeSparse(pruned, pattern, weight.format), symbols);
  symbols.remove(param);
  eraseParam(param);
}
