//===- QuantizeScales.cpp - scales of blocks in fewer bits ----------------===//
//
// Zero points that are floats are numbers of blocks as scales are.
//
//===----------------------------------------------------------------------===//

#include "BlockQuantizer.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/DecodeWeight.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Regex.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_QUANTIZESCALES
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// What a parameter holds for each block.
enum class BlockNumbers { Scales, Zeros };

/// Scales as they are stored: f16 alone, or integers and f16 for each row.
struct StoredScales {
  std::vector<uint8_t> codes;
  bool isSigned = false; ///< Whether integers are from -127 to 127.
  std::vector<uint16_t> halves;
  double largestError = 0; ///< Relative to the scale, or of a zero point.
};

/// Fails on scales for which the form is not made.
FailureOr<StoredScales> encode(ArrayRef<float> scales, int64_t columns,
                               ScaleType type) {
  StoredScales result;
  auto note = [&](float scale, float stored) {
    if (scale != 0)
      result.largestError = std::max<double>(
          result.largestError, std::abs((stored - scale) / scale));
  };
  result.isSigned = llvm::any_of(scales, [](float each) { return each < 0; });
  int most = result.isSigned ? 127 : 255;
  for (size_t first = 0; first < scales.size(); first += columns) {
    ArrayRef<float> row = scales.slice(first, columns);
    for (float scale : row)
      // What f16 holds as a normal number keeps its 11 bits.
      if (type == ScaleType::F16
              ? !(std::abs(scale) <= 65504) ||
                    (scale != 0 && std::abs(scale) < 0x1p-14f)
              : !(std::abs(scale) <= 65504))
        return failure();
    if (type == ScaleType::F16) {
      for (float scale : row) {
        result.halves.push_back(floatToHalf(scale));
        note(scale, halfToFloat(result.halves.back()));
      }
      continue;
    }
    float largest = 0;
    for (float scale : row)
      largest = std::max(largest, std::abs(scale));
    float unit = roundUp(largest / most, /*bits=*/3, /*least=*/0x1p-149f);
    // The last bit of its 3 must not be below that of f16's least number.
    if (unit > 0 && unit < 0x1p-22f)
      return failure();
    result.halves.push_back(floatToHalf(unit));
    for (float scale : row) {
      float code = 0;
      if (scale != 0 && unit > 0)
        code = std::copysign(
            std::max(std::nearbyint(std::abs(scale) / unit), 1.0f), scale);
      result.codes.push_back(uint8_t(int(code)));
      note(scale, code * unit);
    }
  }
  return result;
}

/// Zero points as f16; fails if it does not hold one.
FailureOr<StoredScales> encodeZeros(ArrayRef<float> zeros) {
  StoredScales result;
  for (float zero : zeros) {
    if (!(std::abs(zero) <= 65504))
      return failure();
    result.halves.push_back(floatToHalf(zero));
    result.largestError =
        std::max<double>(result.largestError,
                         std::abs(halfToFloat(result.halves.back()) - zero));
  }
  return result;
}

template <typename T> AsmResourceBlob makeBlobOf(ArrayRef<T> values) {
  return HeapAsmResourceBlob::allocateAndCopyWithAlign(
      {reinterpret_cast<const char *>(values.data()),
       values.size() * sizeof(T)},
      64, /*dataIsMutable=*/false);
}

struct QuantizeScales : llmc::impl::QuantizeScalesBase<QuantizeScales> {
  using QuantizeScalesBase::QuantizeScalesBase;

  void runOnOperation() override {
    if (llvm::failed(verifySkip(&getContext(), getArgument(), skip)))
      return signalPassFailure();
    // The loads of each parameter.
    struct Loads {
      BlockNumbers numbers;
      SmallVector<WeightOp> ops;
    };
    llvm::MapVector<StringAttr, Loads> loads;
    auto add = [&](Value value, BlockNumbers numbers) {
      auto load = value ? value.getDefiningOp<WeightOp>() : WeightOp();
      if (!load)
        return;
      auto &list =
          loads.try_emplace(load.getParamAttr().getAttr(), Loads{numbers, {}})
              .first->second.ops;
      if (!llvm::is_contained(list, load))
        list.push_back(load);
    };
    getOperation().walk([&](Operation *op) {
      if (auto lookup = dyn_cast<LookupOp>(op))
        add(lookup.getScales(), BlockNumbers::Scales);
      auto dequantize = dyn_cast<DequantizeOp>(op);
      if (!dequantize)
        return;
      add(dequantize.getScales(), BlockNumbers::Scales);
      if (hasFloatZeros(dequantize))
        add(dequantize.getZeros(), BlockNumbers::Zeros);
    });
    SymbolTable table(getOperation());
    symbols = &table;
    llvm::Regex skipped(skip);
    for (auto &[name, list] : loads)
      if (skip.empty() || !skipped.match(name))
        store(table.lookup<ParamOp>(name), list.numbers, list.ops);
    if (hasFailed)
      signalPassFailure();
  }

private:
  void keep(ParamOp param, const Twine &reason) {
    ++numSkipped;
    hasFailed |= strict;
    (strict ? param.emitError() : param.emitRemark())
        << "'" << param.getSymName() << "' is not quantized: " << reason;
  }

  void store(ParamOp param, BlockNumbers numbers, ArrayRef<WeightOp> loads);
  ParamOp addParam(ParamOp param, StringRef suffix, RankedTensorType type,
                   AsmResourceBlob blob);

  SymbolTable *symbols = nullptr;
  bool hasFailed = false;
};

ParamOp QuantizeScales::addParam(ParamOp param, StringRef suffix,
                                 RankedTensorType type, AsmResourceBlob blob) {
  OpBuilder builder(param);
  std::string name = (param.getSymName() + suffix).str();
  auto added = ParamOp::create(builder, param.getLoc(), name,
                               makeResource(type, name, std::move(blob)),
                               param.getSymVisibilityAttr());
  symbols->insert(added, Block::iterator(param));
  return added;
}

void QuantizeScales::store(ParamOp param, BlockNumbers numbers,
                           ArrayRef<WeightOp> loads) {
  RankedTensorType shape = param.getType();
  if (!shape.getElementType().isF32())
    return; // in 16 bits already
  for (WeightOp load : loads)
    for (Operation *user : load->getUsers())
      if (!isa<DequantizeOp, LookupOp>(user))
        return keep(param,
                    "'" + user->getName().getStringRef() + "' reads it too");
  SmallVector<char> copy;
  ArrayRef<char> bytes = getParamBytes(param, copy);
  int64_t rows = shape.getDimSize(0), columns = shape.getDimSize(1);
  bool areScales = numbers == BlockNumbers::Scales;
  bool inRows = areScales && type == ScaleType::Int8;
  int64_t before = bytes.size(),
          after = inRows ? rows * (columns + 2) : 2 * rows * columns;
  if (after >= before)
    return keep(param, "it has " + Twine(before) + " bytes and would have " +
                           Twine(after));
  ArrayRef values(reinterpret_cast<const float *>(bytes.data()),
                  rows * columns);
  FailureOr<StoredScales> stored =
      areScales ? encode(values, columns, type) : encodeZeros(values);
  if (llvm::failed(stored))
    return keep(param, Twine("it holds ") +
                           (areScales ? "scales" : "zero points") +
                           " that are not finite or outside of f16's range");

  Builder builder(&getContext());
  Type half = builder.getF16Type(), single = builder.getF32Type();
  ParamOp halves =
      addParam(param, inRows ? ".rows" : ".half",
               RankedTensorType::get({rows, inRows ? 1 : columns}, half),
               makeBlobOf(ArrayRef(stored->halves)));
  ParamOp codes;
  if (inRows)
    codes = addParam(param, ".q",
                     RankedTensorType::get(
                         {rows, columns},
                         stored->isSigned ? builder.getIntegerType(8)
                                          : builder.getIntegerType(8, false)),
                     makeBlobOf(ArrayRef(stored->codes)));
  for (WeightOp load : loads) {
    OpBuilder at(load);
    auto read = [&](ParamOp from) -> Value {
      Value value = WeightOp::create(at, load.getLoc(), from.getType(),
                                     from.getSymName());
      return CastOp::create(at, load.getLoc(), value, single);
    };
    Value value = read(halves);
    if (codes)
      value = MulOp::create(at, load.getLoc(), read(codes), value);
    load.replaceAllUsesWith(value);
    load.erase();
  }
  ++numScales;
  bytesBefore += before;
  bytesAfter += after;
  using mlir::remark::metric;
  mlir::remark::passed(
      param.getLoc(),
      mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
      << metric("param", param.getSymName())
      << metric("type", inRows ? "int8" : "f16")
      << metric("bytes_before", before) << metric("bytes_after", after)
      << metric("largest_error", stored->largestError)
      << metric("relative_error", stored->largestError);
  symbols->remove(param);
  eraseParam(param);
}

} // namespace
