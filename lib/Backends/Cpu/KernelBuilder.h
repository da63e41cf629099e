//===- KernelBuilder.h - what writing a kernel takes -----------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_KERNELBUILDER_H
#define LLMC_LIB_BACKENDS_CPU_KERNELBUILDER_H

#include "Isa.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace llmc::cpu {

using Value = mlir::Value;
using Values = llvm::SmallVector<Value>;

/// Short names for what all kernels build.
struct KernelBuilder {
  mlir::OpBuilder b;
  mlir::Location loc;
  Isa isa;

  KernelBuilder(mlir::func::FuncOp function, const Isa &isa)
      : b(function.getBody()), loc(function.getLoc()), isa(isa) {
    b.setInsertionPointToStart(&function.getBody().front());
  }

  //===--------------------------------------------------------------------===//
  // Types
  //===--------------------------------------------------------------------===//

  mlir::Type f32() { return b.getF32Type(); }
  mlir::Type f16() { return b.getF16Type(); }
  mlir::Type i32() { return b.getI32Type(); }
  mlir::Type i8() { return b.getI8Type(); }
  mlir::VectorType vectorOf(mlir::Type element) {
    return mlir::VectorType::get({isa.lanes}, element);
  }

  //===--------------------------------------------------------------------===//
  // Indices
  //===--------------------------------------------------------------------===//

  Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, loc, value);
  }
  Value add(Value x, Value y) {
    return b.createOrFold<mlir::arith::AddIOp>(loc, x, y);
  }
  Value add(Value x, int64_t y) { return add(x, index(y)); }
  Value sub(Value x, Value y) {
    return b.createOrFold<mlir::arith::SubIOp>(loc, x, y);
  }
  Value mul(Value x, Value y) {
    return b.createOrFold<mlir::arith::MulIOp>(loc, x, y);
  }
  Value mul(Value x, int64_t y) { return mul(x, index(y)); }
  Value div(Value x, int64_t y) {
    return b.createOrFold<mlir::arith::DivUIOp>(loc, x, index(y));
  }
  Value div(Value x, Value y) {
    return b.createOrFold<mlir::arith::DivUIOp>(loc, x, y);
  }
  Value ceilDiv(Value x, int64_t y) { return div(add(x, y - 1), y); }
  Value ceilDiv(Value x, Value y) { return div(add(x, sub(y, index(1))), y); }
  Value rem(Value x, int64_t y) {
    return b.createOrFold<mlir::arith::RemUIOp>(loc, x, index(y));
  }
  Value min(Value x, Value y) {
    return b.createOrFold<mlir::arith::MinSIOp>(loc, x, y);
  }
  Value max(Value x, Value y) {
    return b.createOrFold<mlir::arith::MaxSIOp>(loc, x, y);
  }
  Value isLess(Value x, Value y) {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::slt,
                                       x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return mlir::arith::SelectOp::create(b, loc, condition, x, y);
  }
  Value dim(Value buffer, int64_t dimension) {
    return b.createOrFold<mlir::memref::DimOp>(loc, buffer, dimension);
  }

  /// `count`; 0 where sizes differ that have to be equal, which is reported as
  /// a shape mismatch. Nothing is compared where their types tell.
  Value checked(Value count,
                llvm::ArrayRef<std::pair<Value, Value>> equalSizes);

  //===--------------------------------------------------------------------===//
  // Numbers: scalars, or vectors of `lanes`
  //===--------------------------------------------------------------------===//

  Value constant(mlir::Type type, double value);
  Value addF(Value x, Value y) {
    return mlir::arith::AddFOp::create(b, loc, x, y);
  }
  Value subF(Value x, Value y) {
    return mlir::arith::SubFOp::create(b, loc, x, y);
  }
  Value mulF(Value x, Value y) {
    return mlir::arith::MulFOp::create(b, loc, x, y);
  }
  Value divF(Value x, Value y) {
    return mlir::arith::DivFOp::create(b, loc, x, y);
  }
  Value fma(Value x, Value y, Value sum) {
    return mlir::vector::FMAOp::create(b, loc, x, y, sum);
  }
  /// `y` where either is no number, which takes one instruction where MaxNumF
  /// takes four.
  Value maximum(Value x, Value y) {
    Value isLarger = mlir::arith::CmpFOp::create(
        b, loc, mlir::arith::CmpFPredicate::OGT, x, y);
    return select(isLarger, x, y);
  }
  Value broadcast(Value scalar) {
    return mlir::vector::BroadcastOp::create(b, loc, vectorOf(scalar.getType()),
                                             scalar);
  }
  /// Sums are added up in pairs.
  Value reduce(mlir::vector::CombiningKind kind, Value vector) {
    return mlir::vector::ReductionOp::create(
        b, loc, kind, vector, mlir::arith::FastMathFlags::reassoc);
  }
  /// The largest number of a vector, none of which is NaN.
  Value reduceToLargest(Value vector) {
    return mlir::vector::ReductionOp::create(
        b, loc, mlir::vector::CombiningKind::MAXNUMF, vector,
        mlir::arith::FastMathFlags::nnan);
  }
  /// Two vectors as one.
  Value concatenate(Value first, Value second);
  Value bitcast(Value vector, mlir::VectorType type) {
    return mlir::vector::BitCastOp::create(b, loc, type, vector);
  }
  /// `vector >> shift & mask` of unsigned integers.
  Value bits(Value vector, int64_t shift, int64_t mask);
  /// To f32, from signed integers of 32 bits.
  Value toFloat(Value value);
  /// Brings integers of 8 bits without sign, or floats of 16, to f32.
  Value widen(Value value);
  /// Rounds f32 to a float type that is not wider.
  Value narrow(Value value, mlir::Type element);
  /// Calls an intrinsic of LLVM.
  Value call(const llvm::Twine &name, mlir::Type result,
             mlir::ValueRange arguments);
  /// Lane i of the result is the lane of `vector` that the low bits of lane i
  /// of `indices` say. On x86.
  Value selectLanes(Value vector, Value indices);
  /// The same of bytes, within each 16; those of `indices` are below 16. On
  /// x86 and AArch64.
  Value selectBytes(Value vector, Value indices);
  /// The lanes below `count`.
  Value createMask(Value count) {
    return mlir::vector::CreateMaskOp::create(b, loc, vectorOf(b.getI1Type()),
                                              count);
  }
  /// The lanes of a vector at `offset` of `size` numbers; null for all.
  Value tail(int64_t size, int64_t offset) {
    return offset + isa.lanes <= size ? Value()
                                      : createMask(index(size - offset));
  }

  //===--------------------------------------------------------------------===//
  // Memory
  //===--------------------------------------------------------------------===//

  Value load(Value buffer, mlir::ValueRange position) {
    return mlir::memref::LoadOp::create(b, loc, buffer, position);
  }
  void store(Value value, Value buffer, mlir::ValueRange position) {
    mlir::memref::StoreOp::create(b, loc, value, buffer, position);
  }
  /// A vector of `lanes`; 0 where `mask`, if there is one, is not set.
  Value loadVector(Value buffer, mlir::ValueRange position, Value mask = {});
  /// Asks for the line of a cache where an element is, which may lie outside.
  void prefetch(Value buffer, mlir::ValueRange position) {
    mlir::memref::PrefetchOp::create(b, loc, buffer, position,
                                     /*isWrite=*/false, /*localityHint=*/3,
                                     /*isDataCache=*/true);
  }
  void storeVector(Value vector, Value buffer, mlir::ValueRange position,
                   Value mask = {});
  /// Of the first element.
  Value address(Value buffer) {
    return mlir::memref::ExtractAlignedPointerAsIndexOp::create(b, loc, buffer);
  }
  Value allocate(mlir::Type element, Value size) {
    auto type = mlir::MemRefType::get({mlir::ShapedType::kDynamic}, element);
    return mlir::memref::AllocOp::create(b, loc, type, size,
                                         b.getI64IntegerAttr(64));
  }
  void release(Value buffer) {
    mlir::memref::DeallocOp::create(b, loc, buffer);
  }
  /// Bytes, from `offset` on, as `count` elements of another type.
  Value view(Value bytes, mlir::Type element, Value count, int64_t offset = 0) {
    auto type = mlir::MemRefType::get({mlir::ShapedType::kDynamic}, element);
    return mlir::memref::ViewOp::create(b, loc, type, bytes, index(offset),
                                        count);
  }
  /// The product of all dimensions but the last `kept` ones; of a kernel's
  /// argument, callers can compute it as well.
  Value numOuter(Value buffer, int64_t kept);
  /// `buffer` with its dimensions up to the last `kept` ones as one.
  Value flatten(Value buffer, int64_t kept);

  //===--------------------------------------------------------------------===//
  // Control
  //===--------------------------------------------------------------------===//

  void loop(Value begin, Value end, int64_t step,
            llvm::function_ref<void(Value)> body);
  /// Iterations that any thread may run, in any order.
  void parallel(Value count, llvm::function_ref<void(Value)> body);
  /// The same for few iterations that each take long: each thread begins where
  /// it would with `parallel`, then helps those that are late.
  void share(Value count, llvm::function_ref<void(Value)> body);
  /// As parallel, or as one thread where that is not worth it.
  void parallelIf(Value condition, Value count,
                  llvm::function_ref<void(Value)> body);
  /// Whether that many numbers take longer than threads that start and wait.
  Value isWorthThreads(Value numbers) {
    return isLess(index(1 << 13), numbers);
  }
  /// A loop that carries `initial`; `body` returns the next values.
  Values carry(Value begin, Value end, int64_t step, mlir::ValueRange initial,
               llvm::function_ref<Values(Value, mlir::ValueRange)> body);
  void branch(Value condition, llvm::function_ref<void()> then,
              llvm::function_ref<void()> otherwise);
  void finish() { mlir::func::ReturnOp::create(b, loc); }
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_KERNELBUILDER_H
