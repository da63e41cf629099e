//===- PlanBuffers.cpp - one allocation for the buffers of a call ---------===//
//
// Sizes are products of a number and of dimensions of the inputs. Buffers with
// the same dimensions share a slot when one is dead before the other begins;
// the slot has the size of the largest of them. This is the greedy assignment
// of linear scan register allocation (Poletto, Sarkar 1999), whose registers
// are the slots.
//
//===----------------------------------------------------------------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace llmc {
#define GEN_PASS_DEF_PLANBUFFERS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// Where slots begin, as kernels want their vectors.
static constexpr int64_t alignment = 64;

/// dim(collapse_shape(x), i) is dim(x, j) where j alone is its i, or all others
/// are 1.
static LogicalResult lookBehindCollapse(memref::DimOp dim,
                                        PatternRewriter &rewriter) {
  auto collapse = dim.getSource().getDefiningOp<memref::CollapseShapeOp>();
  std::optional<int64_t> index = dim.getConstantIndex();
  if (!collapse || !index)
    return failure();
  ReassociationIndices group = collapse.getReassociationIndices()[*index];
  llvm::erase_if(group, [&](int64_t axis) {
    return collapse.getSrcType().getDimSize(axis) == 1;
  });
  if (group.size() != 1)
    return failure();
  rewriter.replaceOpWithNewOp<memref::DimOp>(dim, collapse.getSrc(), group[0]);
  return success();
}

namespace {
/// `bytes` times the product of `dims`, which are known when @main begins.
struct Size {
  int64_t bytes;
  SmallVector<Value> dims;
};

struct Buffer {
  memref::AllocOp alloc;
  memref::DeallocOp dealloc;
  Size size;
  size_t begin, end; ///< the first and the last op that use it
  size_t slot = 0;
};

struct Slot {
  Size size;
  size_t end; ///< of the last buffer in it
};

struct PlanBuffers : llmc::impl::PlanBuffersBase<PlanBuffers> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() || !main.getBody().hasOneBlock())
      return;
    RewritePatternSet patterns(&getContext());
    patterns.add(lookBehindCollapse);
    if (failed(applyPatternsGreedily(main, std::move(patterns))))
      return signalPassFailure();
    known.clear();
    copies.clear();
    SmallVector<Buffer> buffers = collect(main);
    if (buffers.empty())
      return;
    SmallVector<Slot> slots = assign(buffers);
    numBuffers += buffers.size();
    numSlots += slots.size();
    rewrite(main, buffers, slots);
  }

private:
  //===--------------------------------------------------------------------===//
  // Buffers
  //===--------------------------------------------------------------------===//

  /// Those that @main's body makes and releases, in order.
  SmallVector<Buffer> collect(func::FuncOp main) {
    Block &body = main.getBody().front();
    llvm::DenseMap<Operation *, size_t> order;
    for (Operation &op : body)
      order.try_emplace(&op, order.size());
    BufferViewFlowAnalysis views(main);
    SmallVector<Buffer> buffers;
    for (auto alloc : body.getOps<memref::AllocOp>()) {
      std::optional<Size> size = getSize(alloc);
      if (!size)
        continue;
      Buffer buffer{alloc, {}, *size, order[alloc], order[alloc]};
      SmallVector<memref::DeallocOp, 1> deallocs;
      for (Value view : views.resolve(alloc))
        for (Operation *user : view.getUsers()) {
          if (auto dealloc = dyn_cast<memref::DeallocOp>(user))
            deallocs.push_back(dealloc);
          else
            buffer.end =
                std::max(buffer.end, order[body.findAncestorOpInBlock(*user)]);
        }
      if (deallocs.size() != 1 ||
          deallocs[0].getMemref() != alloc.getResult() ||
          deallocs[0]->getBlock() != &body)
        continue;
      buffer.dealloc = deallocs[0];
      buffers.push_back(buffer);
    }
    return buffers;
  }

  std::optional<Size> getSize(memref::AllocOp alloc) {
    MemRefType type = alloc.getType();
    Type element = type.getElementType();
    if (!type.getLayout().isIdentity() || !(element.isIntOrIndexOrFloat()))
      return std::nullopt;
    int64_t bits = element.isIndex() ? 64 : element.getIntOrFloatBitWidth();
    Size size{int64_t(llvm::divideCeil(bits, 8)), {}};
    for (int64_t dim : type.getShape())
      if (!ShapedType::isDynamic(dim))
        size.bytes *= dim;
    for (Value dim : alloc.getDynamicSizes())
      if (!multiply(size, dim))
        return std::nullopt;
    llvm::sort(size.dims, [&](Value a, Value b) {
      return known.lookup(a) < known.lookup(b);
    });
    return size;
  }

  bool multiply(Size &size, Value factor) {
    if (std::optional<int64_t> number = getConstantIntValue(factor)) {
      size.bytes *= *number;
      return true;
    }
    if (auto product = factor.getDefiningOp<arith::MulIOp>())
      return multiply(size, product.getLhs()) &&
             multiply(size, product.getRhs());
    if (!isKnownAtEntry(factor))
      return false;
    size.dims.push_back(factor);
    return true;
  }

  /// Whether @main can compute it before all else.
  bool isKnownAtEntry(Value value) {
    if (isa<BlockArgument>(value))
      return true;
    auto [entry, isNew] = known.try_emplace(value, 0);
    if (!isNew)
      return entry->second != 0;
    Operation *op = value.getDefiningOp();
    if (!isMemoryEffectFree(op) || !isSpeculatable(op) ||
        op->getNumRegions() != 0 ||
        !llvm::all_of(op->getOperands(),
                      [&](Value v) { return isKnownAtEntry(v); }))
      return false;
    known[value] = ++numKnown;
    return true;
  }

  //===--------------------------------------------------------------------===//
  // Slots
  //===--------------------------------------------------------------------===//

  static SmallVector<Slot> assign(MutableArrayRef<Buffer> buffers) {
    SmallVector<Slot> slots;
    for (Buffer &buffer : buffers) {
      // The smallest that is large enough, or else the largest.
      Slot *best = nullptr;
      for (Slot &slot : slots) {
        if (slot.end >= buffer.begin || slot.size.dims != buffer.size.dims)
          continue;
        bool fits = slot.size.bytes >= buffer.size.bytes;
        if (!best || (best->size.bytes >= buffer.size.bytes
                          ? fits && slot.size.bytes < best->size.bytes
                          : slot.size.bytes > best->size.bytes))
          best = &slot;
      }
      if (!best)
        best = &slots.emplace_back(Slot{buffer.size, 0});
      best->size.bytes = std::max(best->size.bytes, buffer.size.bytes);
      best->end = buffer.end;
      buffer.slot = best - slots.data();
    }
    return slots;
  }

  //===--------------------------------------------------------------------===//
  // Code
  //===--------------------------------------------------------------------===//

  void rewrite(func::FuncOp main, MutableArrayRef<Buffer> buffers,
               ArrayRef<Slot> slots) {
    Block &body = main.getBody().front();
    OpBuilder builder = OpBuilder::atBlockBegin(&body);
    Location loc = main.getLoc();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    Value end = constant(0);
    SmallVector<Value> offsets;
    for (const Slot &slot : slots) {
      offsets.push_back(end);
      // Rounded up, so that the next slot is aligned.
      int64_t bytes = slot.size.bytes;
      Value size = constant(bytes);
      for (Value dim : slot.size.dims)
        size = arith::MulIOp::create(builder, loc, size, copyTo(builder, dim));
      if (bytes % alignment != 0)
        size = arith::AndIOp::create(
            builder, loc,
            arith::AddIOp::create(builder, loc, size, constant(alignment - 1)),
            constant(-alignment));
      end = arith::AddIOp::create(builder, loc, end, size);
    }
    auto bytes = MemRefType::get({ShapedType::kDynamic}, builder.getI8Type());
    declare(takeScratchSymbol, builder.getIndexType(), bytes);
    declare(returnScratchSymbol, bytes, {});
    Value scratch =
        func::CallOp::create(builder, loc, takeScratchSymbol, bytes, end)
            .getResult(0);
    for (Buffer &buffer : buffers) {
      builder.setInsertionPoint(buffer.alloc);
      Value view = memref::ViewOp::create(
          builder, buffer.alloc.getLoc(), buffer.alloc.getType(), scratch,
          offsets[buffer.slot], buffer.alloc.getDynamicSizes());
      buffer.dealloc.erase();
      buffer.alloc.replaceAllUsesWith(view);
      buffer.alloc.erase();
    }
    builder.setInsertionPoint(body.getTerminator());
    func::CallOp::create(builder, loc, returnScratchSymbol, TypeRange(),
                         scratch);
  }

  /// What computes `value`, again, where nothing but the arguments is known.
  Value copyTo(OpBuilder &builder, Value value) {
    if (isa<BlockArgument>(value))
      return value;
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      copyTo(builder, operand);
    if (!copies.contains(value))
      builder.clone(*op, copies);
    return copies.lookup(value);
  }

  void declare(StringRef name, TypeRange operands, TypeRange results) {
    OpBuilder builder = OpBuilder::atBlockEnd(getOperation().getBody());
    func::FuncOp::create(builder, getOperation().getLoc(), name,
                         builder.getFunctionType(operands, results))
        .setPrivate();
  }

  /// Whether a value is known at entry, 0 if not, and which one it is.
  llvm::DenseMap<Value, unsigned> known;
  unsigned numKnown = 0;
  IRMapping copies;
};
} // namespace
