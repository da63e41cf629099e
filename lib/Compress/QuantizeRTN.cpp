//===- QuantizeRTN.cpp - weights rounded to the nearest integers ----------===//

#include "BlockQuantizer.h"
#include "llmc/Compress/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Regex.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_QUANTIZERTN
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

struct QuantizeRTN : llmc::impl::QuantizeRTNBase<QuantizeRTN> {
  using QuantizeRTNBase::QuantizeRTNBase;

  LogicalResult initialize(MLIRContext *context) override {
    // A block of a whole row fits every row.
    BlockFormat format{1, 1, block ? int64_t(block) : 8, bits};
    if (llvm::Error error = format.verify())
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": " << llvm::toString(std::move(error));
    return verifySkip(context, getArgument(), skip);
  }

  void runOnOperation() override {
    SymbolTable table(getOperation());
    symbols = &table;
    bool failed = mlir::failed(checkUnreachable());
    llvm::Regex skipped(skip);
    for (UsedWeight &weight : collectUsedWeights(getOperation())) {
      if (!weight.isAny(what) ||
          (!skip.empty() && skipped.match(weight.param.getSymName())))
        continue;
      failed |= mlir::failed(quantize(weight));
    }
    if (failed)
      signalPassFailure();
  }

private:
  /// A line for the user, an error when strict.
  InFlightDiagnostic complain(Operation *op) {
    return strict ? op->emitError() : op->emitRemark();
  }

  LogicalResult keep(UsedWeight &weight, const Twine &reason) {
    ++numSkipped;
    complain(weight.param) << "'" << weight.param.getSymName()
                           << "' is not quantized: " << reason;
    return failure(strict);
  }

  /// Weights that are neither parameters nor compressed ones.
  LogicalResult checkUnreachable();
  LogicalResult quantize(UsedWeight &weight);
  void replace(UsedWeight &weight, QuantizedWeight result);

  /// Of the module, while the pass runs.
  SymbolTable *symbols = nullptr;
};

LogicalResult QuantizeRTN::checkUnreachable() {
  LogicalResult result = success();
  findComputedWeights(getOperation(), what,
                      [&](Operation *op, Value, const Twine &description) {
                        ++numSkipped;
                        complain(op) << "'" << op->getName()
                                     << "' op is not quantized: its weight is "
                                     << description;
                        if (strict)
                          result = failure();
                      });
  return result;
}

LogicalResult QuantizeRTN::quantize(UsedWeight &weight) {
  if (std::string reason = weight.getObstacle(what, "quantize");
      !reason.empty())
    return keep(weight, reason);
  RankedTensorType type = weight.param.getType();
  std::optional<FloatFormat> format = getFloatFormat(type.getElementType());
  if (!format) {
    std::string name;
    llvm::raw_string_ostream(name) << type.getElementType();
    return keep(weight, "its elements are " + name);
  }
  SmallVector<char> copy;
  WeightSource source{getParamBytes(weight.param, copy).data(), *format,
                      type.getDimSize(0), type.getDimSize(1),
                      weight.transposed};
  if (weight.transposed)
    std::swap(source.rows, source.columns);

  // Whole bytes even where a row has an odd number of weights.
  int64_t size = block ? int64_t(block) : llvm::alignTo(source.columns, 8);
  BlockFormat sizes{source.rows, source.columns, size, bits};
  if (llvm::Error error = sizes.verify())
    return keep(weight, llvm::toString(std::move(error)));
  int64_t before = storageBytes(weight.values.front());
  int64_t after = sizes.getDataBytes() + sizes.getScalesBytes(*format) +
                  (symmetric ? 0 : sizes.getZerosBytes());
  if (after >= before)
    return keep(weight, "it has " + Twine(before) + " bytes and would have " +
                            Twine(after));
  if (source.columns % size != 0) {
    complain(weight.param) << "'" << weight.param.getSymName() << "': rows of "
                           << source.columns << " weights are padded to "
                           << sizes.getNumBlocks() * sizes.block
                           << ", whole blocks of " << sizes.block;
    if (strict)
      return failure();
  }
  QuantizedWeight result = quantizeToNearest(source, bits, size, symmetric,
                                             halfScales, &getContext());
  if (!result.finite)
    return keep(weight, "it holds values that are not finite");
  replace(weight, std::move(result));
  return success();
}

void QuantizeRTN::replace(UsedWeight &weight, QuantizedWeight result) {
  const BlockFormat &format = result.format;
  ParamOp param = weight.param;
  OpBuilder builder(param);
  auto addParam = [&](StringRef suffix, ArrayRef<int64_t> shape, Type element,
                      AsmResourceBlob blob) {
    std::string name = (param.getSymName() + suffix).str();
    auto value = makeResource(RankedTensorType::get(shape, element), name,
                              std::move(blob));
    auto added = ParamOp::create(builder, param.getLoc(), name, value,
                                 param.getSymVisibilityAttr());
    symbols->insert(added, Block::iterator(param));
    return added;
  };
  int64_t blocks = format.getNumBlocks();
  Type byte = builder.getIntegerType(8, /*isSigned=*/false);
  SmallVector<ParamOp, 3> params{
      addParam(".q", {format.rows, blocks, format.getBlockBytes()}, byte,
               std::move(result.data)),
      addParam(".scales", {format.rows, blocks},
               param.getType().getElementType(), std::move(result.scales))};
  if (result.zeros)
    params.push_back(addParam(".zeros",
                              {format.rows, format.getZerosRowBytes()}, byte,
                              std::move(*result.zeros)));

  int64_t before = storageBytes(weight.values.front());
  Value last;
  replaceWeight(weight, [&](OpBuilder &builder, Location location) {
    SmallVector<Value, 3> values;
    for (ParamOp added : params)
      values.push_back(WeightOp::create(builder, location, added.getType(),
                                        added.getSymName()));
    values.resize(3);
    return last = DequantizeOp::create(builder, location, values[0], values[1],
                                       values[2], format.bits, format.block,
                                       format.columns);
  });
  int64_t after = storageBytes(last);

  double relative = result.largestMagnitude > 0
                        ? result.largestError / result.largestMagnitude
                        : 0;
  ++numWeights;
  bytesBefore += before;
  bytesAfter += after;
  largestError.updateMax(uint64_t(relative * 1e6 + 0.5));
  using mlir::remark::metric;
  mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
      << metric("param", param.getSymName()) << metric("bits", format.bits)
      << metric("block", format.block)
      << metric("weights", format.rows * format.columns)
      << metric("bytes_before", before) << metric("bytes_after", after)
      << metric("largest_error", result.largestError)
      << metric("relative_error",
                result.squaredNorm > 0
                    ? std::sqrt(result.squaredError / result.squaredNorm)
                    : 0.0);
  symbols->remove(param);
  eraseParam(param);
}

} // namespace
