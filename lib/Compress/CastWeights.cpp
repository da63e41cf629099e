//===- CastWeights.cpp - weights stored as floats of 16 bits --------------===//

#include "llmc/Compress/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/Threading.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Regex.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_CASTWEIGHTS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// What rounding did to some weights.
struct Errors {
  double largest = 0, squared = 0, norm = 0;
  float overflow = 0; ///< the largest that became infinite

  void add(const Errors &other) {
    largest = std::max(largest, other.largest);
    squared += other.squared;
    norm += other.norm;
    overflow = std::max(overflow, other.overflow);
  }
};

/// Weights that one thread rounds at a time.
constexpr int64_t chunk = 1 << 16;

Errors round(const char *from, FloatFormat fromFormat, char *to,
             FloatFormat toFormat, int64_t begin, int64_t end) {
  Errors errors;
  for (int64_t i = begin; i < end; ++i) {
    float value = loadFloat(from, fromFormat, i);
    storeFloat(to, toFormat, i, value);
    if (!std::isfinite(value))
      continue;
    float rounded = loadFloat(to, toFormat, i);
    double error = std::fabs(double(value) - rounded);
    if (std::isinf(rounded))
      errors.overflow = std::max(errors.overflow, std::fabs(value));
    errors.largest = std::max(errors.largest, error);
    errors.squared += error * error;
    errors.norm += double(value) * value;
  }
  return errors;
}

/// The parameter of floats of 16 bits that a weight of f32 is a cast of.
WeightOp getCastParam(Value weight) {
  bool isCast = false;
  while (Operation *op = weight.getDefiningOp()) {
    if (auto load = dyn_cast<WeightOp>(op))
      return isCast ? load : WeightOp();
    if (!isa<CastOp, TransposeOp>(op))
      return {};
    isCast |= isa<CastOp>(op);
    weight = op->getOperand(0);
  }
  return {};
}

struct CastWeights : llmc::impl::CastWeightsBase<CastWeights> {
  using CastWeightsBase::CastWeightsBase;

  LogicalResult initialize(MLIRContext *context) override {
    if (activations == CastActivations::BF16 && type != FloatFormat::BF16)
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": activations=bf16 goes with type=bf16 only";
    return verifySkip(context, getArgument(), skip);
  }

  void runOnOperation() override {
    llvm::Regex skipped(skip);
    auto isSkipped = [&](StringRef name) {
      return !skip.empty() && skipped.match(name);
    };
    bool failed = false;
    findComputedWeights(
        getOperation(), what,
        [&](Operation *op, Value weight, const Twine &description) {
          if (getCastParam(weight))
            return;
          ++numSkipped;
          InFlightDiagnostic diagnostic =
              strict ? op->emitError() : op->emitRemark();
          diagnostic << "'" << op->getName() << "' op has no weight that can "
                     << "be stored as " << toString(type) << ": it is "
                     << description;
          failed |= strict;
        });
    for (UsedWeight &weight : collectUsedWeights(getOperation()))
      if (weight.isAny(what) && !isSkipped(weight.param.getSymName()))
        failed |= mlir::failed(cast(weight));
    if (failed)
      return signalPassFailure();
    if (activations == CastActivations::BF16 && what != WeightKinds::Embedding)
      roundOperands(isSkipped);
  }

private:
  LogicalResult keep(UsedWeight &weight, const Twine &reason) {
    ++numSkipped;
    ParamOp param = weight.param;
    InFlightDiagnostic diagnostic =
        strict ? param->emitError() : param->emitRemark();
    diagnostic << "'" << param.getSymName() << "' is not stored as "
               << toString(type) << ": " << reason;
    return failure(strict);
  }

  LogicalResult cast(UsedWeight &weight);
  void roundOperands(llvm::function_ref<bool(StringRef)> isSkipped);
};

LogicalResult CastWeights::cast(UsedWeight &weight) {
  ParamOp param = weight.param;
  RankedTensorType before = param.getType();
  Type element = before.getElementType();
  std::optional<FloatFormat> from = getFloatFormat(element);
  if (from == type)
    return success();
  if (std::string reason = weight.getObstacle(what, "cast"); !reason.empty())
    return keep(weight, reason);
  if (from != FloatFormat::F32) {
    std::string name;
    llvm::raw_string_ostream(name) << element;
    return keep(weight, "its elements are " + name);
  }

  auto after = before.clone(getFloatType(type, &getContext()));
  int64_t count = before.getNumElements(), bytes = 2 * count;
  AsmResourceBlob blob =
      HeapAsmResourceBlob::allocate(bytes, 64, /*dataIsMutable=*/true);
  SmallVector<char> copy;
  const char *data = getParamBytes(param, copy).data();
  char *to = blob.getMutableData().data();
  std::vector<Errors> parts(llvm::divideCeil(count, chunk));
  parallelFor(&getContext(), 0, parts.size(), [&](size_t i) {
    int64_t begin = int64_t(i) * chunk;
    parts[i] =
        round(data, *from, to, type, begin, std::min(begin + chunk, count));
  });
  // In order, so that the sums do not depend on the threads.
  Errors errors;
  for (const Errors &part : parts)
    errors.add(part);
  if (errors.overflow > 0) {
    std::string number;
    llvm::raw_string_ostream(number) << llvm::format("%g", errors.overflow);
    return keep(weight, "it holds " + number + ", which is infinite as " +
                            toString(type));
  }

  replaceValue(param, makeResource(after, param.getSymName(), std::move(blob)));
  replaceWeight(weight, [&](OpBuilder &builder, Location location) -> Value {
    Value value =
        WeightOp::create(builder, location, after, param.getSymName());
    value = CastOp::create(builder, location, before, value,
                           TypeAttr::get(element));
    return weight.transposed
               ? TransposeOp::create(builder, location, value,
                                     builder.getDenseI64ArrayAttr({1, 0}))
                     .getResult()
               : value;
  });
  ++numWeights;
  bytesBefore += 4 * count;
  bytesAfter += bytes;
  using mlir::remark::metric;
  mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
      << metric("param", param.getSymName()) << metric("type", toString(type))
      << metric("bits", 16) << metric("weights", count)
      << metric("bytes_before", 4 * count) << metric("bytes_after", bytes)
      << metric("largest_error", errors.largest)
      << metric("relative_error", errors.norm > 0
                                      ? std::sqrt(errors.squared / errors.norm)
                                      : 0.0);
  return success();
}

void CastWeights::roundOperands(llvm::function_ref<bool(StringRef)> isSkipped) {
  llvm::DenseMap<Value, Value> rounded;
  getOperation().walk([&](LinearOp linear) {
    Value x = linear.getOperand();
    auto param = getCastParam(linear.getWeight());
    auto made = x.getDefiningOp<CastOp>();
    if (!param || !param.getType().getElementType().isBF16() ||
        !getElementTypeOrSelf(x.getType()).isF32() ||
        isSkipped(param.getParam()) ||
        (made && getElementTypeOrSelf(made.getOperand().getType()).isBF16()))
      return;
    Value &value = rounded[x];
    if (!value) {
      OpBuilder builder(linear);
      builder.setInsertionPointAfterValue(x);
      auto wide = llvm::cast<RankedTensorType>(x.getType());
      Type narrow = builder.getBF16Type();
      value = CastOp::create(builder, linear.getLoc(), wide.clone(narrow), x,
                             TypeAttr::get(narrow));
      value = CastOp::create(builder, linear.getLoc(), wide, value,
                             TypeAttr::get(wide.getElementType()));
    }
    linear.getOperandMutable().assign(value);
    ++numLinears;
  });
}
} // namespace
