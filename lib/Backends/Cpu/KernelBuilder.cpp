//===- KernelBuilder.cpp - what writing a kernel takes --------------------===//

#include "KernelBuilder.h"
#include "llmc/Lower/Patterns.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

Value KernelBuilder::constant(Type type, double value) {
  Type element = getElementTypeOrSelf(type);
  TypedAttr number;
  if (llvm::isa<FloatType>(element))
    number = b.getFloatAttr(element, value);
  else
    number = b.getIntegerAttr(element, int64_t(value));
  if (auto vector = dyn_cast<VectorType>(type))
    number = DenseElementsAttr::get(vector, Attribute(number));
  return arith::ConstantOp::create(b, loc, number);
}

Value KernelBuilder::checked(Value count,
                             ArrayRef<std::pair<Value, Value>> equalSizes) {
  Value fits;
  for (auto [x, y] : equalSizes) {
    std::optional<int64_t> known = getConstantIntValue(x);
    if (x == y || (known && known == getConstantIntValue(y)))
      continue;
    Value equal = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
    fits =
        fits ? arith::AndIOp::create(b, loc, fits, equal).getResult() : equal;
  }
  if (!fits)
    return count;
  createRuntimeCheck(b, loc, fits, RuntimeError::ShapeMismatch);
  return select(fits, count, index(0));
}

Value KernelBuilder::bits(Value vector, int64_t shift, int64_t mask) {
  Type type = vector.getType();
  if (shift != 0)
    vector =
        arith::ShRUIOp::create(b, loc, vector, constant(type, double(shift)));
  return arith::AndIOp::create(b, loc, vector, constant(type, double(mask)));
}

Value KernelBuilder::call(const Twine &name, Type result,
                          ValueRange arguments) {
  return LLVM::CallIntrinsicOp::create(b, loc, result, b.getStringAttr(name),
                                       arguments)
      ->getResult(0);
}

Value KernelBuilder::selectLanes(Value vector, Value indices) {
  return call(isa.lanes == 16 ? "llvm.x86.avx512.permvar.sf.512"
                              : "llvm.x86.avx2.permps",
              vector.getType(), {vector, indices});
}

Value KernelBuilder::selectBytes(Value vector, Value indices) {
  return call(isa.isNeon        ? "llvm.aarch64.neon.tbl1.v16i8"
              : isa.lanes == 16 ? "llvm.x86.avx512.pshuf.b.512"
                                : "llvm.x86.avx2.pshuf.b",
              vector.getType(), {vector, indices});
}

Value KernelBuilder::concatenate(Value first, Value second) {
  int64_t size = cast<VectorType>(first.getType()).getNumElements();
  return vector::ShuffleOp::create(
      b, loc, first, second, llvm::to_vector(llvm::seq<int64_t>(0, 2 * size)));
}

Value KernelBuilder::toFloat(Value value) {
  Type type = f32();
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(type);
  return arith::SIToFPOp::create(b, loc, type, value);
}

Value KernelBuilder::widen(Value value) {
  auto clone = [&](Type element) -> Type {
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      return vector.clone(element);
    return element;
  };
  Type element = getElementTypeOrSelf(value.getType());
  if (element.isF32())
    return value;
  if (llvm::isa<FloatType>(element))
    return arith::ExtFOp::create(b, loc, clone(f32()), value);
  return toFloat(arith::ExtUIOp::create(b, loc, clone(i32()), value));
}

Value KernelBuilder::narrow(Value value, Type element) {
  if (element.isF32())
    return value;
  Type type = element;
  if (auto vector = dyn_cast<VectorType>(value.getType()))
    type = vector.clone(element);
  return arith::TruncFOp::create(b, loc, type, value);
}

Value KernelBuilder::loadVector(Value buffer, ValueRange position, Value mask) {
  VectorType type =
      vectorOf(cast<MemRefType>(buffer.getType()).getElementType());
  if (mask)
    return vector::MaskedLoadOp::create(b, loc, type, buffer, position, mask,
                                        constant(type, 0));
  return vector::LoadOp::create(b, loc, type, buffer, position);
}

void KernelBuilder::storeVector(Value vector, Value buffer, ValueRange position,
                                Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(b, loc, buffer, position, mask, vector);
  else
    vector::StoreOp::create(b, loc, vector, buffer, position);
}

Value KernelBuilder::numOuter(Value buffer, int64_t kept) {
  Value product = index(1);
  int64_t rank = cast<MemRefType>(buffer.getType()).getRank();
  for (int64_t i = 0; i < rank - kept; ++i)
    product = mul(product, dim(buffer, i));
  return product;
}

Value KernelBuilder::flatten(Value buffer, int64_t kept) {
  auto type = cast<MemRefType>(buffer.getType());
  int64_t leading = type.getRank() - kept;
  if (leading == 1)
    return buffer;
  SmallVector<ReassociationIndices> groups(kept + (leading > 0));
  if (leading == 0) {
    SmallVector<int64_t> shape(type.getShape());
    shape.insert(shape.begin(), 1);
    for (int64_t i = 0; i < kept; ++i)
      groups[i].push_back(i + 1);
    if (kept > 0)
      groups[0].insert(groups[0].begin(), 0);
    return memref::ExpandShapeOp::create(b, loc, shape, buffer, groups);
  }
  for (int64_t i = 0; i < type.getRank(); ++i)
    groups[std::max<int64_t>(i - leading + 1, 0)].push_back(i);
  return memref::CollapseShapeOp::create(b, loc, buffer, groups);
}

void KernelBuilder::loop(Value begin, Value end, int64_t step,
                         llvm::function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, loc, begin, end, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

void KernelBuilder::parallel(Value count,
                             llvm::function_ref<void(Value)> body) {
  auto loop = scf::ParallelOp::create(b, loc, ValueRange{index(0)},
                                      ValueRange{count}, ValueRange{index(1)});
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVars().front());
}

/// As many threads share iterations at most.
static constexpr int64_t mostWorkers = 256;

/// A thread runs some workers. The first of them goes through all iterations,
/// from its own place on, and takes those that nobody has taken; then there is
/// nothing left for others.
void KernelBuilder::share(Value count, llvm::function_ref<void(Value)> body) {
  Value zero = constant(i32(), 0), one = constant(i32(), 1);
  Value taken = allocate(i32(), add(count, 1)), allTaken = count;
  loop(index(0), add(count, 1), 1,
       [&](Value place) { store(zero, taken, place); });
  auto ifZero = [&](Value value, llvm::function_ref<void()> then) {
    Value isZero =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, value, zero);
    branch(isZero, then, [] {});
  };
  auto exchange = [&](arith::AtomicRMWKind kind, Value value, Value place) {
    return memref::AtomicRMWOp::create(b, loc, kind, value, taken, place);
  };
  Value workers = min(count, index(mostWorkers));
  parallel(workers, [&](Value worker) {
    Value first = div(mul(worker, count), workers);
    ifZero(exchange(arith::AtomicRMWKind::ori, zero, allTaken), [&] {
      loop(index(0), count, 1, [&](Value done) {
        Value next = add(first, done);
        Value iteration = select(isLess(next, count), next, sub(next, count));
        ifZero(exchange(arith::AtomicRMWKind::assign, one, iteration),
               [&] { body(iteration); });
      });
      exchange(arith::AtomicRMWKind::assign, one, allTaken);
    });
  });
  release(taken);
}

void KernelBuilder::parallelIf(Value condition, Value count,
                               llvm::function_ref<void(Value)> body) {
  branch(
      condition, [&] { parallel(count, body); },
      [&] { loop(index(0), count, 1, body); });
}

Values
KernelBuilder::carry(Value begin, Value end, int64_t step, ValueRange initial,
                     llvm::function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, loc, begin, end, index(step), initial);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  scf::YieldOp::create(b, loc, next);
  return Values(loop.getResults());
}

void KernelBuilder::branch(Value condition, llvm::function_ref<void()> then,
                           llvm::function_ref<void()> otherwise) {
  auto branch = scf::IfOp::create(b, loc, condition, /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(branch.thenBlock());
  then();
  b.setInsertionPointToStart(branch.elseBlock());
  otherwise();
}
