//===- ExampleBackend.cpp - a whole backend, small ------------------------===//
//
// Claims linears with 4-bit weights in blocks. Its layout has one signed byte
// for each weight, with the zero point taken off, so that its kernel is a plain
// loop. docs/new-backend.md walks through this file.
//
//===----------------------------------------------------------------------===//

#include "llmc/Target/Backend.h"
#include "llmc/Weights/BlockFormat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"
#include <limits>

using namespace mlir;
using namespace llmc;

namespace {

/// The parameter behind an operand of llmc.dequantize.
ParamOp getParam(Value operand) {
  auto load = operand.getDefiningOp<WeightOp>();
  return SymbolTable::lookupNearestSymbolFrom<ParamOp>(load,
                                                       load.getParamAttr());
}

/// Codes less their zero points, one signed byte each, row by row.
void unpack(DequantizeOp op, MutableArrayRef<char> out) {
  auto type = op.getType();
  BlockFormat format{type.getDimSize(0), type.getDimSize(1),
                     int64_t(op.getBlock()), int64_t(op.getBits())};
  int64_t blocks = format.getNumBlocks(), padded = blocks * format.block;
  SmallVector<char> dataCopy, zerosCopy;
  auto *data = reinterpret_cast<const uint8_t *>(
      getParamBytes(getParam(op.getData()), dataCopy).data());
  const uint8_t *zeros = nullptr;
  if (op.getZeros())
    zeros = reinterpret_cast<const uint8_t *>(
        getParamBytes(getParam(op.getZeros()), zerosCopy).data());
  std::vector<uint8_t> codes(padded);
  std::vector<uint8_t> points(blocks, format.getDefaultZero());
  for (int64_t row = 0; row < format.rows; ++row) {
    unpackBits(data + row * blocks * format.getBlockBytes(), format.bits,
               codes);
    if (zeros)
      unpackBits(zeros + row * format.getZerosRowBytes(), format.bits, points);
    for (int64_t k = 0; k < format.columns; ++k)
      out[row * format.columns + k] =
          char(int(codes[k]) - int(points[k / format.block]));
  }
}

class ExampleBackend : public Backend {
public:
  SmallVector<Capability> getCapabilities() const override {
    return {{"linear", {"int4"}, {16, 32, 64, 128}, {}, {"f32"}}};
  }

  double getCost(Operation *op, int64_t rows) const override {
    DequantizeOp weight = getWeight(op);
    if (!weight)
      return std::numeric_limits<double>::infinity();
    // A multiplication a nanosecond.
    return 1e-9 * double(rows) * double(weight.getType().getNumElements());
  }

  llvm::Error setTarget(StringRef options) override {
    if (options.empty())
      return llvm::Error::success();
    return llvm::createStringError("there is no option '" + options + "'");
  }

  std::optional<Claim> claim(Operation *op, ShapeContext &) override {
    DequantizeOp weight = getWeight(op);
    if (!weight)
      return std::nullopt;
    Builder b(op->getContext());
    Claim claim;
    claim.kind = "linear";
    // Launches with an equal config share one kernel, so the config has all
    // that the kernel depends on.
    claim.config = b.getDictionaryAttr(b.getNamedAttr(
        "block", b.getI64IntegerAttr(int64_t(weight.getBlock()))));
    claim.inputs = {op->getOperand(0)};
    claim.param = getParam(weight.getData()).getSymName().str();
    claim.packed.push_back(
        {"bytes",
         RankedTensorType::get(weight.getType().getShape(), b.getI8Type()),
         [weight](MutableArrayRef<char> bytes) mutable {
           unpack(weight, bytes);
         }});
    ParamOp scales = getParam(weight.getScales());
    claim.packed.push_back({"scales", scales.getType(),
                            [scales](MutableArrayRef<char> bytes) mutable {
                              SmallVector<char> copy;
                              llvm::copy(getParamBytes(scales, copy),
                                         bytes.begin());
                            }});
    return claim;
  }

  /// y[m, n] = sum over k of x[m, k] * q[n, k] * s[n, k / block]
  LogicalResult translate(KernelOp kernel, func::FuncOp function) override {
    auto block = kernel.getConfig().getAs<IntegerAttr>("block").getInt();
    Location loc = kernel.getLoc();
    OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
    ValueRange buffers = function.getArguments(); // x, bytes, scales, y
    Value zero = arith::ConstantOp::create(b, loc, b.getF32FloatAttr(0));
    linalg::FillOp::create(b, loc, zero, buffers[3]);
    AffineExpr m, n, k;
    bindDims(b.getContext(), m, n, k);
    auto map = [&](ArrayRef<AffineExpr> position) {
      return AffineMap::get(3, 0, position, b.getContext());
    };
    SmallVector<AffineMap> maps{map({m, k}), map({n, k}),
                                map({n, k.floorDiv(block)}), map({m, n})};
    auto parallel = utils::IteratorType::parallel;
    linalg::GenericOp::create(
        b, loc, buffers.take_front(3), buffers.take_back(1), maps,
        {parallel, parallel, utils::IteratorType::reduction},
        [](OpBuilder &b, Location loc, ValueRange args) {
          Value code = arith::SIToFPOp::create(b, loc, b.getF32Type(), args[1]);
          Value weight = arith::MulFOp::create(b, loc, code, args[2]);
          Value product = arith::MulFOp::create(b, loc, args[0], weight);
          Value sum = arith::AddFOp::create(b, loc, args[3], product);
          linalg::YieldOp::create(b, loc, sum);
        });
    func::ReturnOp::create(b, loc);
    return success();
  }

private:
  /// The weight of a linear on a matrix that this backend can compute.
  static DequantizeOp getWeight(Operation *op) {
    auto linear = dyn_cast<LinearOp>(op);
    if (!linear || linear.getBias() || linear.getType().getRank() != 2 ||
        !linear.getType().getElementType().isF32())
      return {};
    auto weight = linear.getWeight().getDefiningOp<DequantizeOp>();
    bool isRead = weight && weight.getBits() == 4 &&
                  getElementTypeOrSelf(weight.getScales()).isF32();
    // Their bytes are read: nothing may be computed.
    for (Value operand : isRead ? weight->getOperands() : ValueRange())
      isRead &= bool(operand.getDefiningOp<WeightOp>());
    return isRead ? weight : DequantizeOp();
  }
};

} // namespace

LLMC_DEFINE_BACKEND("example", "int4 linears, one loop", ExampleBackend)
