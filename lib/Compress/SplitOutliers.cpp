//===- SplitOutliers.cpp - columns of large activations in floats ---------===//

#include "FloatWeights.h"
#include "LowRank.h"
#include "llmc/Compress/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include <cmath>
#include <map>

namespace llmc {
#define GEN_PASS_DEF_SPLITOUTLIERS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// The columns of an input that are outliers, and what is known of the two
/// parts.
struct Split {
  SmallVector<int64_t> columns; ///< ascending
  float largest = 0, largestLeft = 0;
  Statistics::Input outliers, rest;
};

/// An input of linears by parts.
struct Parts {
  Value outliers, rest;
};

struct SplitOutliers : llmc::impl::SplitOutliersBase<SplitOutliers> {
  using SplitOutliersBase::SplitOutliersBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  const Split &getSplit(const Statistics::Input &input);
  Parts &getParts(LinearOp linear, const Split &split);
  Value load(OpBuilder &builder, Location location, ParamOp param,
             Type element) const;
  void replace(FloatWeight &weight, const Split &split, Matrix<float> values,
               Matrix<float> outliers, SymbolTable &symbols);

  std::map<const InputStatistics *, Split>
      splits; ///< which stay where they are
  llvm::DenseMap<std::pair<Value, const Split *>, Parts> parts;
};

LogicalResult SplitOutliers::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  if (!(threshold >= 0 && std::isfinite(threshold)))
    return fail() << "threshold is " << double(threshold)
                  << "; it must not be negative";
  if (columns < 0)
    return fail() << "columns is " << int64_t(columns)
                  << "; it must not be negative";
  if (threshold == 0 && columns == 0)
    return fail() << "without a threshold, columns is needed";
  return verifySkip(context, getArgument(), skip);
}

const Split &SplitOutliers::getSplit(const Statistics::Input &input) {
  auto [entry, isNew] = splits.try_emplace(input.get());
  Split &split = entry->second;
  if (!isNew)
    return split;
  SmallVector<int64_t> &chosen = split.columns;
  for (int64_t i = 0; i < input->columns; ++i)
    if (input->absMax[i] >= threshold)
      chosen.push_back(i);
  if (columns && int64_t(chosen.size()) > columns) {
    llvm::sort(chosen, [&](int64_t a, int64_t b) {
      return std::pair(-input->absMax[a], a) < std::pair(-input->absMax[b], b);
    });
    chosen.truncate(columns);
    llvm::sort(chosen);
  }
  std::vector<float> mask(input->columns, 1.0f);
  for (int64_t column : chosen)
    mask[column] = 0;
  for (auto [kept, magnitude] : llvm::zip(mask, input->absMax)) {
    float &largest = kept != 0 ? split.largestLeft : split.largest;
    largest = std::max(largest, magnitude);
  }
  if (!chosen.empty()) {
    split.outliers = input->selected(chosen);
    split.rest = input->scaled(mask);
  }
  return split;
}

void SplitOutliers::runOnOperation() {
  ModuleOp module = getOperation();
  splits.clear();
  parts.clear();
  FloatWeightOptions options{"split", "split", WeightKinds::Linear, skip,
                             strict};
  options.hasWhat = false;
  FloatWeights all(module, options);
  std::vector<FloatWeight> weights = all.collect(
      /*needsStatistics=*/true, [](const FloatWeight &) { return ""; });
  SymbolTable symbols(module);
  for (FloatWeight &weight : weights) {
    const Split &split = getSplit(weight.input);
    int64_t count = split.columns.size();
    if (count == weight.columns) {
      all.keep(weight, "all its " + Twine(count) + " columns are outliers");
      continue;
    }
    using mlir::remark::metric;
    auto report = [&] {
      ParamOp param = weight.param;
      mlir::remark::passed(param.getLoc(),
                           mlir::remark::RemarkOpts::name(getArgument())
                               .category(compressRemarks))
          << metric("param", param.getSymName()) << metric("outliers", count)
          << metric("columns", weight.columns)
          << metric("largest", split.largest)
          << metric("largest_left", split.largestLeft);
    };
    if (count == 0) {
      report();
      continue;
    }
    Matrix<float> values = readFloats(weight), outliers(weight.rows, count);
    bool isFinite = true;
    for (int64_t row = 0; row < weight.rows; ++row)
      for (auto [i, column] : llvm::enumerate(split.columns)) {
        char stored[4];
        storeFloat(stored, type, 0, values(row, column));
        outliers(row, i) = loadFloat(stored, type, 0);
        isFinite &= std::isfinite(outliers(row, i));
        values(row, column) = 0;
      }
    if (!isFinite) {
      all.keep(weight, "a number of its outliers is infinite as " +
                           toString(FloatFormat(type)));
      continue;
    }
    report();
    replace(weight, split, std::move(values), std::move(outliers), symbols);
    ++numWeights;
    numOutliers += count;
  }
  numSkipped += all.getNumSkipped();
  if (all.hasFailed())
    signalPassFailure();
}

/// Both parts of what the linear reads, behind it.
Parts &SplitOutliers::getParts(LinearOp linear, const Split &split) {
  Value x = linear.getOperand();
  Parts &result = parts[{x, &split}];
  if (result.rest)
    return result;
  OpBuilder builder(linear);
  builder.setInsertionPointAfterValue(x);
  Location location = linear.getLoc();
  auto type = cast<RankedTensorType>(x.getType());
  int64_t last = type.getRank() - 1, count = split.columns.size();
  Type element = type.getElementType();
  Value indices = ConstantOp::create(
      builder, location,
      DenseElementsAttr::get(
          RankedTensorType::get({count}, builder.getI64Type()),
          ArrayRef<int64_t>(split.columns)));
  SmallVector<Attribute> mask(
      cast<RankedTensorType>(linear.getWeight().getType()).getDimSize(1),
      builder.getFloatAttr(element, 1));
  for (int64_t column : split.columns)
    mask[column] = builder.getFloatAttr(element, 0);
  Value factors = ConstantOp::create(
      builder, location,
      DenseElementsAttr::get(
          RankedTensorType::get({int64_t(mask.size())}, element), mask));
  result.outliers = GatherOp::create(builder, location, x, indices, last);
  result.rest = MulOp::create(builder, location, x, factors);
  return result;
}

Value SplitOutliers::load(OpBuilder &builder, Location location, ParamOp param,
                          Type element) const {
  Value value =
      WeightOp::create(builder, location, param.getType(), param.getSymName());
  return param.getType().getElementType() == element
             ? value
             : CastOp::create(builder, location, value, element);
}

void SplitOutliers::replace(FloatWeight &weight, const Split &split,
                            Matrix<float> values, Matrix<float> outliers,
                            SymbolTable &symbols) {
  ParamOp param = weight.param;
  OpBuilder builder(param);
  Type element = param.getType().getElementType();
  Type stored = getFloatType(type, builder.getContext());
  std::string name = (param.getSymName() + ".outliers").str();
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      outliers.values.size() * getFloatBytes(type), /*align=*/64,
      /*dataIsMutable=*/true);
  for (auto [i, value] : llvm::enumerate(outliers.values))
    storeFloat(blob.getMutableData().data(), type, i, value);
  auto added = ParamOp::create(
      builder, param.getLoc(), name,
      makeResource(
          RankedTensorType::get({outliers.rows, outliers.columns}, stored),
          name, std::move(blob)),
      param.getSymVisibilityAttr());
  added->setAttr(keptAttrName, builder.getUnitAttr());
  symbols.insert(added, Block::iterator(param));
  storeFloats(weight, values);

  Statistics &statistics = Statistics::of(&getContext());
  statistics.set(param.getSymName(), split.rest);
  statistics.set(added.getSymName(), split.outliers);

  for (Operation *reader : findReaders(weight.values)) {
    auto linear = cast<LinearOp>(reader);
    Parts &both = getParts(linear, split);
    builder.setInsertionPoint(linear);
    Value columns = load(builder, linear.getLoc(), added, element);
    Value first = LinearOp::create(builder, linear.getLoc(), both.rest,
                                   linear.getWeight(), linear.getBias());
    Value second = LinearOp::create(builder, linear.getLoc(), both.outliers,
                                    columns, Value());
    Value sum = AddOp::create(builder, linear.getLoc(), first, second);
    linear.replaceAllUsesWith(sum);
    linear.erase();
  }
}
} // namespace
