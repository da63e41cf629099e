//===- NormKernel.cpp - norms of rows -------------------------------------===//

#include "NormKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

std::optional<NormMatch> llmc::cpu::matchNorm(Operation *op,
                                              ShapeContext &shapes) {
  NormMatch match;
  if (auto norm = dyn_cast_or_null<RMSNormOp>(op)) {
    match.spec = {Norm::RMS, norm.getEpsilon().convertToFloat(), false};
    match.inputs = {norm.getOperand(), norm.getScale()};
  } else if (auto norm = dyn_cast_or_null<LayerNormOp>(op);
             norm && int64_t(norm.getAxis()) == norm.getType().getRank() - 1) {
    match.spec = {Norm::Layer, norm.getEpsilon().convertToFloat(),
                  bool(norm.getBias())};
    match.inputs = {norm.getOperand(), norm.getScale()};
    if (norm.getBias())
      match.inputs.push_back(norm.getBias());
  } else {
    return std::nullopt;
  }
  // In narrower formats a norm rounds where the kernel would not.
  if (!llvm::all_of(match.inputs, [](Value input) {
        return getElementTypeOrSelf(input.getType()).isF32();
      }))
    return std::nullopt;
  // Kernels are written for one number of columns, and repeat nothing.
  std::optional<int64_t> columns =
      getConstant(shapes.dims(match.inputs[0]).back());
  for (Value input : ArrayRef(match.inputs).drop_front()) {
    std::optional<int64_t> size = shapes.rank(input) == 1
                                      ? getConstant(shapes.dim(input, 0))
                                      : std::nullopt;
    if (!columns && size != 1)
      columns = size;
    if (!size || size != columns)
      return std::nullopt;
  }
  match.columns = *columns;
  return match;
}

Values RowNorm::getAddress(Value column) const {
  Values address(place);
  address.push_back(column);
  return address;
}

Value RowNorm::sumOf(llvm::function_ref<Value(Value)> term) {
  int64_t lanes = k.isa.lanes;
  VectorType type = k.vectorOf(k.f32());
  Value end = k.index(columns), zero = k.constant(type, 0);
  Value sum = k.carry(
      k.index(0), end, lanes, zero,
      [&](Value column, ValueRange carried) -> Values {
        Value mask =
            columns % lanes == 0 ? Value() : k.createMask(k.sub(end, column));
        Value value = term(k.loadVector(x, getAddress(column), mask));
        if (mask)
          value = arith::SelectOp::create(k.b, k.loc, mask, value, zero);
        return {k.addF(carried[0], value)};
      })[0];
  return k.reduce(vector::CombiningKind::ADD, sum);
}

void RowNorm::begin(ValueRange place) {
  this->place = Values(place);
  centre = factor = Value();
  if (!spec)
    return;
  auto mean = [&](Value sum) {
    return k.divF(sum, k.constant(k.f32(), double(columns)));
  };
  if (spec.norm == Norm::Layer)
    centre = k.broadcast(mean(sumOf([](Value value) { return value; })));
  Value square = mean(sumOf([&](Value value) {
    if (centre)
      value = k.subF(value, centre);
    return k.mulF(value, value);
  }));
  Value root = math::SqrtOp::create(
      k.b, k.loc, k.addF(square, k.constant(k.f32(), spec.epsilon)));
  factor = k.broadcast(k.divF(k.constant(k.f32(), 1), root));
}

Value RowNorm::read(Value column, Value mask) {
  Value value = k.widen(k.loadVector(x, getAddress(column), mask));
  if (!spec)
    return value;
  if (centre)
    value = k.subF(value, centre);
  value = k.mulF(value, factor);
  value = k.mulF(value, k.loadVector(scale, column, mask));
  if (bias)
    value = k.addF(value, k.loadVector(bias, column, mask));
  if (!mask)
    return value;
  return arith::SelectOp::create(k.b, k.loc, mask, value,
                                 k.constant(value.getType(), 0));
}

void llmc::cpu::emitNorm(func::FuncOp function, const NormKernelSpec &spec,
                         const Isa &isa) {
  KernelBuilder k(function, isa);
  Value x = k.flatten(function.getArgument(0), 1),
        y = k.flatten(function.getArguments().back(), 1);
  RowNorm norm(k, spec.norm, spec.columns, x, function.getArgument(1),
               spec.norm.hasBias ? function.getArgument(2) : Value());
  Value end = k.index(spec.columns);
  Value rows = k.checked(k.dim(x, 0), {{k.dim(x, 1), end}});
  k.parallelIf(
      k.isWorthThreads(k.mul(rows, spec.columns)), rows, [&](Value row) {
        norm.begin(row);
        k.loop(k.index(0), end, isa.lanes, [&](Value column) {
          Value mask = spec.columns % isa.lanes == 0
                           ? Value()
                           : k.createMask(k.sub(end, column));
          k.storeVector(norm.read(column, mask), y, {row, column}, mask);
        });
      });
  k.finish();
}
