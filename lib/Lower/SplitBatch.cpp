//===- SplitBatch.cpp - threads run parts of a batch ----------------------===//
//
// A part goes through the whole model before the next one does, so that what
// one kernel writes is still in a cache for the one that reads it, and no
// thread waits for another before the end.
//
//===----------------------------------------------------------------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Conversion/LLVMCommon/MemRefBuilder.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

namespace llmc {
#define GEN_PASS_DEF_SPLITBATCH
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// Rows of the first input that a part has at least: as many as kernels
/// multiply well at a time.
static constexpr int64_t fewestRows = 256;
/// Of the batch, the part that threads may have to wait for: 1 / 8.
static constexpr int64_t mostIdle = 8;

static constexpr llvm::StringLiteral partSymbol = "main_part";
static constexpr llvm::StringLiteral threadsSymbol = "omp_get_max_threads";

namespace {
struct SplitBatch : llmc::impl::SplitBatchBase<SplitBatch> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal() || !main.getBody().hasOneBlock())
      return;
    split.clear();
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      if (main.getArgAttr(i, batchAttr)) {
        split.push_back(i);
        main.removeArgAttr(i, batchAttr);
      }
    if (split.empty())
      return;
    std::optional<SmallVector<Buffer>> results = findResults(main);
    if (!results)
      return;
    func::FuncOp part = outline(main, *results);
    emitParts(main, part, *results);
    ++numFunctions;
  }

private:
  /// A buffer that @main makes and returns.
  struct Buffer {
    memref::AllocOp alloc;
    llvm::SetVector<Operation *> size; ///< what computes its size
  };

  /// The results, if a caller can make all of them: nothing else.
  static std::optional<SmallVector<Buffer>> findResults(func::FuncOp main) {
    SmallVector<Buffer> results;
    for (Value value : main.getBody().front().getTerminator()->getOperands()) {
      Buffer buffer{value.getDefiningOp<memref::AllocOp>(), {}};
      if (!buffer.alloc || !buffer.alloc.getType().getLayout().isIdentity())
        return std::nullopt;
      BackwardSliceOptions options;
      options.omitBlockArguments = true;
      if (failed(getBackwardSlice(buffer.alloc.getOperation(), &buffer.size,
                                  options)))
        return std::nullopt;
      if (!llvm::all_of(buffer.size, [](Operation *op) {
            return isMemoryEffectFree(op) && op->getNumRegions() == 0;
          }))
        return std::nullopt;
      results.push_back(std::move(buffer));
    }
    return results;
  }

  /// Moves what `main` does to a function that gets the results as arguments.
  static func::FuncOp outline(func::FuncOp main,
                              MutableArrayRef<Buffer> results) {
    OpBuilder builder(main);
    SmallVector<Type> types(main.getArgumentTypes());
    llvm::append_range(types, main.getResultTypes());
    auto part =
        func::FuncOp::create(builder, main.getLoc(), partSymbol,
                             builder.getFunctionType(types, TypeRange()));
    part.setPrivate();
    if (Attribute passthrough = main->removeAttr("passthrough"))
      part->setAttr("passthrough", passthrough);
    part.getBody().takeBody(main.getBody());
    Block &body = part.getBody().front();
    for (Buffer &result : results)
      result.alloc.replaceAllUsesWith(
          body.addArgument(result.alloc.getType(), result.alloc.getLoc()));
    body.getTerminator()->setOperands({});
    return part;
  }

  /// Writes the body of `main`. What computed sizes is in `part`, and moves.
  void emitParts(func::FuncOp main, func::FuncOp part,
                 MutableArrayRef<Buffer> results) {
    Block *body = main.addEntryBlock();
    OpBuilder b = OpBuilder::atBlockBegin(body);
    Location loc = main.getLoc();
    IRMapping mapping;
    mapping.map(part.getArguments().take_front(main.getNumArguments()),
                main.getArguments());
    SmallVector<Value> made;
    for (Buffer &result : results) {
      for (Operation *op : result.size)
        if (!mapping.contains(op))
          b.clone(*op, mapping);
      made.push_back(b.clone(*result.alloc, mapping)->getResult(0));
      result.alloc.erase();
    }
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    Value first = main.getArgument(split.front());
    Value batch = memref::DimOp::create(b, loc, first, 0);
    Value parts = emitNumParts(b, loc, first, batch);
    Value isWhole = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                          parts, constant(2));
    SmallVector<Value> arguments(main.getArguments());
    llvm::append_range(arguments, made);
    auto branch = scf::IfOp::create(b, loc, isWhole, /*withElseRegion=*/true);
    func::ReturnOp::create(b, loc, made);
    b.setInsertionPointToStart(branch.thenBlock());
    func::CallOp::create(b, loc, part, arguments);
    b.setInsertionPointToStart(branch.elseBlock());
    auto loop =
        scf::ParallelOp::create(b, loc, ValueRange{constant(0)},
                                ValueRange{parts}, ValueRange{constant(1)});
    b.setInsertionPointToStart(loop.getBody());
    Value index = loop.getInductionVars().front();
    auto beginOf = [&](Value index) -> Value {
      Value product = arith::MulIOp::create(b, loc, index, batch);
      return arith::DivUIOp::create(b, loc, product, parts);
    };
    Value begin = beginOf(index);
    Value end = beginOf(arith::AddIOp::create(b, loc, index, constant(1)));
    Value count = arith::SubIOp::create(b, loc, end, begin);
    for (unsigned i : split)
      arguments[i] = takeRows(b, loc, arguments[i], begin, count);
    for (unsigned i = main.getNumArguments(); i < arguments.size(); ++i)
      arguments[i] = takeRows(b, loc, arguments[i], begin, count);
    func::CallOp::create(b, loc, part, arguments);
  }

  /// As many for each thread; fewer than two where that leaves threads without
  /// enough to do. Integers are tokens, which become rows; of others, the last
  /// dimension is in a row.
  Value emitNumParts(OpBuilder &b, Location loc, Value input, Value batch) {
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(b, loc, value);
    };
    auto type = cast<MemRefType>(input.getType());
    bool isTokens = type.getElementType().isInteger();
    Value rows = batch;
    for (int64_t i = 1; i < type.getRank() - !isTokens; ++i)
      rows = arith::MulIOp::create(b, loc, rows,
                                   memref::DimOp::create(b, loc, input, i));
    if (!getOperation().lookupSymbol(threadsSymbol)) {
      OpBuilder end = OpBuilder::atBlockEnd(getOperation().getBody());
      func::FuncOp::create(end, loc, threadsSymbol,
                           b.getFunctionType({}, b.getI32Type()))
          .setPrivate();
    }
    Value threads = arith::IndexCastUIOp::create(
        b, loc, b.getIndexType(),
        func::CallOp::create(b, loc, threadsSymbol, b.getI32Type())
            .getResult(0));
    Value most = arith::MinUIOp::create(
        b, loc, batch,
        arith::DivUIOp::create(b, loc, rows, constant(fewestRows)));
    Value each = arith::DivUIOp::create(b, loc, most, threads);
    Value largest = arith::CeilDivUIOp::create(b, loc, batch, threads);
    Value idle = arith::SubIOp::create(
        b, loc, arith::MulIOp::create(b, loc, largest, threads), batch);
    Value isEven = arith::CmpIOp::create(
        b, loc, arith::CmpIPredicate::ule,
        arith::MulIOp::create(b, loc, idle, constant(mostIdle)), batch);
    return arith::SelectOp::create(b, loc, isEven,
                                   arith::MulIOp::create(b, loc, each, threads),
                                   constant(0));
  }

  /// `count` of dimension 0 of `buffer` from `begin` on. Its type has no
  /// offset, as no type that kernels take: the address is another one.
  Value takeRows(OpBuilder &b, Location loc, Value buffer, Value begin,
                 Value count) {
    auto type = cast<MemRefType>(buffer.getType());
    LLVMTypeConverter converter(&getContext());
    auto convert = [&](Type to, Value value) {
      return UnrealizedConversionCastOp::create(b, loc, to, value).getResult(0);
    };
    MemRefDescriptor rows(convert(converter.convertType(type), buffer));
    Type index = converter.getIndexType();
    Value offset = arith::MulIOp::create(b, loc, convert(index, begin),
                                         rows.stride(b, loc, 0));
    Value address = rows.alignedPtr(b, loc);
    rows.setAlignedPtr(
        b, loc,
        LLVM::GEPOp::create(b, loc, address.getType(),
                            converter.convertType(type.getElementType()),
                            address, offset));
    rows.setSize(b, loc, 0, convert(index, count));
    return convert(type, rows);
  }

  SmallVector<unsigned> split; ///< arguments of @main
};
} // namespace
