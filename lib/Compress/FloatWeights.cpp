//===- FloatWeights.cpp - weights whose floats passes change --------------===//

#include "FloatWeights.h"
#include "BlockQuantizer.h"
#include "llmc/Compress/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "llvm/Support/Regex.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

Matrix<float> llmc::readFloats(const FloatWeight &weight) {
  SmallVector<char> copy;
  WeightSource source = *getWeightSource(weight, copy);
  Matrix<float> values(source.rows, source.columns);
  readWeight(source, 0, 0, values);
  return values;
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

void llmc::storeFloats(const FloatWeight &weight,
                       MatrixRef<const float> values) {
  ParamOp param = weight.param;
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      values.rows * values.columns * getFloatBytes(weight.format),
      /*align=*/64, /*dataIsMutable=*/true);
  char *data = blob.getMutableData().data();
  visitTiles(values.rows, values.columns, [&](int64_t row, int64_t column) {
    int64_t place = weight.transposed ? column * values.rows + row
                                      : row * values.columns + column;
    storeFloat(data, weight.format, place, values(row, column));
  });
  auto type = RankedTensorType::get({values.rows, values.columns},
                                    param.getType().getElementType());
  RankedTensorType stored =
      weight.transposed ? type.clone({values.columns, values.rows}) : type;
  replaceValue(param,
               makeResource(stored, param.getSymName(), std::move(blob)));
  for (Value value : weight.values) {
    if (weight.transposed)
      value.getDefiningOp()->getOperand(0).setType(stored);
    value.setType(type);
  }
}

bool llmc::roundFloats(Matrix<float> &values, FloatFormat format) {
  bool finite = true;
  for (float &value : values.values) {
    char bytes[4];
    storeFloat(bytes, format, 0, value);
    value = loadFloat(bytes, format, 0);
    finite &= std::isfinite(value);
  }
  return finite;
}

InFlightDiagnostic FloatWeights::complain(Operation *op) {
  ++numSkipped;
  failed |= options.strict;
  return options.strict ? op->emitError() : op->emitRemark();
}

void FloatWeights::keep(Operation *place, StringRef name, const Twine &reason) {
  complain(place) << "'" << name << "' is not " << options.participle << ": "
                  << reason;
}

void FloatWeights::keep(const FloatWeight &weight, const Twine &reason) {
  ParamOp param = weight.param;
  keep(param, param.getSymName(), reason);
}

/// Fills in what a weight is. Says why it has to stay; nothing if it need not.
std::string FloatWeights::describe(
    FloatWeight &weight, bool needsStatistics,
    llvm::function_ref<std::string(const FloatWeight &)> getObstacle) {
  if (!options.hasWhat && !weight.otherUser && !weight.isOnly(options.what))
    return "it is tied to an embedding";
  std::string reason = weight.getObstacle(options.what, options.verb);
  if (!reason.empty())
    return reason;
  RankedTensorType type = weight.param.getType();
  std::optional<FloatFormat> format = getFloatFormat(type.getElementType());
  if (!format) {
    llvm::raw_string_ostream(reason)
        << "its elements are " << type.getElementType();
    return reason;
  }
  weight.format = *format;
  weight.rows = type.getDimSize(weight.transposed);
  weight.columns = type.getDimSize(!weight.transposed);
  reason = getObstacle(weight);
  if (!reason.empty())
    return reason;
  weight.input =
      Statistics::of(module.getContext()).lookup(weight.param.getSymName());
  if (weight.input && weight.input->columns != weight.columns)
    return "its rows have " + std::to_string(weight.columns) +
           " weights, but the statistics of its input " +
           std::to_string(weight.input->columns) + " columns";
  if (needsStatistics && !weight.input)
    return "no statistics of its input; run llmc-calibrate first";
  if (!llvm::all_of(readFloats(weight).values,
                    [](float w) { return std::isfinite(w); }))
    return "it holds values that are not finite";
  return {};
}

std::vector<FloatWeight> FloatWeights::collect(
    bool needsStatistics,
    llvm::function_ref<std::string(const FloatWeight &)> getObstacle) {
  findComputedWeights(module, options.what,
                      [&](Operation *op, Value, const Twine &description) {
                        complain(op) << "'" << op->getName() << "' op is not "
                                     << options.participle << ": its weight is "
                                     << description;
                      });
  std::vector<FloatWeight> weights;
  llvm::Regex skipped(options.skip);
  for (UsedWeight &used : collectUsedWeights(module)) {
    if (!used.isAny(options.what) ||
        (!options.skip.empty() && skipped.match(used.param.getSymName())))
      continue;
    FloatWeight weight;
    static_cast<UsedWeight &>(weight) = std::move(used);
    std::string reason = describe(weight, needsStatistics, getObstacle);
    if (reason.empty())
      weights.push_back(std::move(weight));
    else
      keep(weight, reason);
  }
  return weights;
}

WeightErrors::WeightErrors(MatrixRef<const float> before,
                           MatrixRef<const float> after) {
  for (int64_t i = 0; i < before.rows; ++i)
    for (int64_t j = 0; j < before.columns; ++j) {
      double value = before(i, j), error = std::fabs(value - after(i, j));
      largest = std::max(largest, error);
      squared += error * error;
      norm += value * value;
    }
}

double WeightErrors::getRelative() const {
  return norm > 0 ? std::sqrt(squared / norm) : 0;
}

double llmc::getOutputError(MatrixRef<const float> before,
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

remark::detail::InFlightRemark
llmc::reportWeight(StringRef pass, const FloatWeight &weight,
                   MatrixRef<const float> before, MatrixRef<const float> after,
                   int64_t bytesBefore, int64_t bytesAfter) {
  ParamOp param = weight.param;
  WeightErrors errors(before, after);
  using mlir::remark::metric;
  auto remark = mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(pass).category(compressRemarks));
  remark << metric("param", param.getSymName())
         << metric("weights", weight.rows * weight.columns)
         << metric("bytes_before", bytesBefore)
         << metric("bytes_after", bytesAfter)
         << metric("largest_error", errors.largest)
         << metric("relative_error", errors.getRelative());
  if (weight.input)
    remark << metric("output_error",
                     getOutputError(before, after, *weight.input));
  return remark;
}
