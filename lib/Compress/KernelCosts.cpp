//===- KernelCosts.cpp - seconds of ops by the format of a weight ---------===//

#include "KernelCosts.h"
#include "llmc/IR/StaticRounding.h"
#include "llmc/Weights/BlockFormat.h"
#include "mlir/IR/Builders.h"
#include <limits>

using namespace mlir;
using namespace llmc;

namespace {
/// Erases what was built while it lived.
class Scratch : public OpBuilder::Listener {
public:
  ~Scratch() override {
    for (Operation *op : llvm::reverse(ops))
      op->erase();
  }
  void notifyOperationInserted(Operation *op,
                               OpBuilder::InsertPoint previous) override {
    if (!previous.isSet())
      ops.push_back(op);
  }

private:
  SmallVector<Operation *> ops;
};
} // namespace

static OpOperand *getWeightOperand(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op))
    return &linear.getWeightMutable();
  if (auto embedding = dyn_cast<EmbeddingOp>(op))
    return &embedding.getWeightMutable();
  return nullptr;
}

SmallVector<Operation *> llmc::getReaders(const UsedWeight &weight) {
  SmallVector<Operation *> readers;
  for (Value value : weight.values)
    for (OpOperand &use : value.getUses())
      if (getWeightOperand(use.getOwner()) == &use)
        readers.push_back(use.getOwner());
  return readers;
}

/// Where a parameter of this name cannot be in the way of another one.
static std::string makeName(ModuleOp module) {
  std::string name = "llmc.scratch";
  while (module.lookupSymbol(name))
    name += "_";
  return name;
}

Value KernelCosts::createParam(OpBuilder &builder, Location location,
                               ArrayRef<int64_t> shape, Type element,
                               double value) {
  auto type = RankedTensorType::get(shape, element);
  Attribute splat = isa<FloatType>(element)
                        ? Attribute(builder.getFloatAttr(element, value))
                        : Attribute(builder.getIntegerAttr(element, value));
  std::string name = makeName(module);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(module.getBody());
    ParamOp::create(builder, location, name,
                    DenseElementsAttr::get(type, splat), StringAttr());
  }
  return WeightOp::create(builder, location, type, name);
}

Value KernelCosts::createScales(OpBuilder &builder, Location location,
                                RankedTensorType type, ScaleStorage storage) {
  Type element = type.getElementType();
  // A backend may ask whether 16 bits hold them.
  if (!element.isF32() || storage == ScaleStorage::F32)
    return createParam(builder, location, type.getShape(), element, 0.1);
  auto widen = [&](Value value) -> Value {
    return CastOp::create(builder, location, value, element);
  };
  Type half = builder.getF16Type();
  if (storage == ScaleStorage::F16)
    return widen(createParam(builder, location, type.getShape(), half, 1));
  Value codes = createParam(builder, location, type.getShape(),
                            builder.getIntegerType(8, /*isSigned=*/false), 1);
  Value units =
      createParam(builder, location, {type.getDimSize(0), 1}, half, 1);
  return MulOp::create(builder, location, widen(codes), widen(units));
}

Value KernelCosts::createWeight(OpBuilder &builder, OpOperand &weight,
                                const StoredFormat &format) {
  auto type = cast<RankedTensorType>(weight.get().getType());
  Location location = weight.getOwner()->getLoc();
  int64_t outputs = type.getDimSize(0), columns = type.getDimSize(1);
  BlockFormat sizes{outputs, columns,
                    format.block ? format.block
                                 : int64_t(llvm::alignTo(columns, 8)),
                    format.bits};
  Type byte = builder.getIntegerType(8, /*isSigned=*/false);
  Value data = createParam(
      builder, location, {outputs, sizes.getNumBlocks(), sizes.getBlockBytes()},
      byte, 0);
  Value scales;
  if (!format.codebook || format.block)
    scales = createScales(builder, location,
                          RankedTensorType::get({outputs, sizes.getNumBlocks()},
                                                type.getElementType()),
                          format.scales);
  if (format.codebook) {
    Value codebook =
        createParam(builder, location, {1, int64_t(1) << format.bits},
                    type.getElementType(), 1);
    return LookupOp::create(builder, location, data, codebook, scales,
                            format.bits, sizes.block, columns);
  }
  Value zeros;
  if (!format.symmetric && format.floatZeros)
    zeros = createScales(
        builder, location, cast<RankedTensorType>(scales.getType()),
        format.scales == ScaleStorage::F32 ? ScaleStorage::F32
                                           : ScaleStorage::F16);
  else if (!format.symmetric)
    zeros = createParam(builder, location, {outputs, sizes.getZerosRowBytes()},
                        byte, 0);
  return DequantizeOp::create(builder, location, data, scales, zeros,
                              format.bits, sizes.block, columns);
}

/// Of the op with this weight, and with an operand that is rounded if it will
/// be.
double KernelCosts::ask(OpBuilder &builder, Operation *op, Value weight) {
  OpOperand *operand = getWeightOperand(op);
  auto dequantize = weight.getDefiningOp<DequantizeOp>();
  auto linear = dyn_cast<LinearOp>(op);
  bool rounds = roundsOperands && linear && dequantize &&
                !linear.getOperand().getDefiningOp<QuantizeDynamicOp>() &&
                !matchStaticRounding(linear.getOperand());
  if (!rounds && weight == operand->get())
    return backends.getCost(op, rows);
  Value rounded;
  if (rounds)
    rounded = QuantizeDynamicOp::create(
        builder, op->getLoc(), linear.getOperand(), dequantize.getBlock());
  Operation *copy = builder.clone(*op);
  getWeightOperand(copy)->set(weight);
  if (rounded)
    cast<LinearOp>(copy).getOperandMutable().assign(rounded);
  return backends.getCost(copy, rows);
}

double KernelCosts::get(Operation *op) {
  OpOperand *weight = getWeightOperand(op);
  if (!weight)
    return backends.getCost(op, rows);
  Scratch scratch;
  OpBuilder builder(op, &scratch);
  return ask(builder, op, weight->get());
}

double KernelCosts::get(Operation *op, const StoredFormat &format) {
  OpOperand *weight = getWeightOperand(op);
  assert(weight && "only linears and embeddings have a weight");
  Scratch scratch;
  OpBuilder builder(op, &scratch);
  return ask(builder, op, createWeight(builder, *weight, format));
}
