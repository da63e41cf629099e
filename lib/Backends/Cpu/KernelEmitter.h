//===- KernelEmitter.h - what writing a kernel takes -----------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_KERNELEMITTER_H
#define LLMC_LIB_BACKENDS_CPU_KERNELEMITTER_H

#include "PanelLayout.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace llmc::cpu {

/// Base of the emitters: the builder at the entry of the kernel's function,
/// short names for what all of them build, and the function's arguments.
class KernelEmitter {
protected:
  using Value = mlir::Value;
  using Values = llvm::SmallVector<Value>;

  KernelEmitter(mlir::func::FuncOp function, const PanelLayout &layout)
      : layout(layout), b(function.getBody()), loc(function.getLoc()),
        arguments(function.getArguments()) {
    b.setInsertionPointToStart(&function.getBody().front());
  }

  /// The next argument of the function.
  Value takeArgument() {
    Value argument = arguments.front();
    arguments = arguments.drop_front();
    return argument;
  }

  /// The arguments that `layout.pack` makes, in its order.
  void takeWeight() {
    panels = takeArgument();
    if (layout.bits != 0)
      scales = takeArgument();
    if (layout.hasZeros)
      zeros = takeArgument();
  }

  Value index(int64_t value) {
    return mlir::arith::ConstantIndexOp::create(b, loc, value);
  }
  Value add(Value left, Value right) {
    return mlir::arith::AddIOp::create(b, loc, left, right);
  }
  Value sub(Value left, Value right) {
    return mlir::arith::SubIOp::create(b, loc, left, right);
  }
  Value mul(Value left, int64_t right) {
    return mlir::arith::MulIOp::create(b, loc, left, index(right));
  }
  Value div(Value left, int64_t right) {
    return mlir::arith::DivUIOp::create(b, loc, left, index(right));
  }
  Value rem(Value left, int64_t right) {
    return mlir::arith::RemUIOp::create(b, loc, left, index(right));
  }
  Value min(Value left, Value right) {
    return mlir::arith::MinSIOp::create(b, loc, left, right);
  }

  void loop(Value begin, Value end, int64_t step,
            llvm::function_ref<void(Value)> body) {
    auto loop = mlir::scf::ForOp::create(b, loc, begin, end, index(step));
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    body(loop.getInductionVar());
  }

  /// A loop that carries `initial`; `body` returns the next values.
  Values carry(Value begin, Value end, int64_t step, mlir::ValueRange initial,
               llvm::function_ref<Values(Value, mlir::ValueRange)> body) {
    auto loop =
        mlir::scf::ForOp::create(b, loc, begin, end, index(step), initial);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Values next = body(loop.getInductionVar(), loop.getRegionIterArgs());
    mlir::scf::YieldOp::create(b, loc, next);
    return Values(loop.getResults());
  }

  /// `buffer` with its dimensions up to the last `kept` ones as one.
  Value flatten(Value buffer, int64_t kept) {
    auto type = mlir::cast<mlir::MemRefType>(buffer.getType());
    int64_t leading = type.getRank() - kept;
    if (leading == 1)
      return buffer;
    llvm::SmallVector<mlir::ReassociationIndices> groups(kept + (leading > 0));
    if (leading == 0) {
      llvm::SmallVector<int64_t> shape(type.getShape());
      shape.insert(shape.begin(), 1);
      for (int64_t i = 0; i < kept; ++i)
        groups[i].push_back(i + 1);
      if (kept > 0)
        groups[0].insert(groups[0].begin(), 0);
      return mlir::memref::ExpandShapeOp::create(b, loc, shape, buffer, groups);
    }
    for (int64_t i = 0; i < type.getRank(); ++i)
      groups[std::max<int64_t>(i - leading + 1, 0)].push_back(i);
    return mlir::memref::CollapseShapeOp::create(b, loc, buffer, groups);
  }

  /// How many columns the block has: the last one may be padded.
  Value getBlockEnd(Value block) {
    if (layout.columns % layout.block == 0)
      return index(layout.block);
    return min(sub(index(layout.columns), mul(block, layout.block)),
               index(layout.block));
  }

  /// The byte of `panels` at which the group of columns begins that holds
  /// column `k` of `block`.
  Value getGroupOffset(Value panel, Value block, Value k) {
    Value at = add(mul(panel, layout.getNumBlocks()), block);
    return add(mul(at, layout.getBlockBytes()),
               mul(div(k, layout.getStepsPerGroup()), layout.getGroupBytes()));
  }

  const PanelLayout &layout;
  mlir::OpBuilder b;
  mlir::Location loc;
  Value panels, scales, zeros;

private:
  mlir::ValueRange arguments;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_KERNELEMITTER_H
