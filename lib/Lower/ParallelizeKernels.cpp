//===- ParallelizeKernels.cpp - threads for large linalg ops --------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace llmc {
#define GEN_PASS_DEF_PARALLELIZEKERNELS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// Iterations of an op that take longer than threads that start and wait.
static constexpr int64_t manyIterations = 1 << 15;
/// Iterations of the innermost of the tiled dimensions that a thread does at a
/// time.
static constexpr int64_t tileSize = 16;
/// The same for an op with one dimension only.
static constexpr int64_t vectorTileSize = 4096;

namespace {
struct ParallelizeKernels
    : llmc::impl::ParallelizeKernelsBase<ParallelizeKernels> {
  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) {
      if (!op->getParentOfType<scf::ParallelOp>() &&
          op.hasPureBufferSemantics())
        ops.push_back(op);
    });
    IRRewriter rewriter(&getContext());
    for (linalg::LinalgOp op : ops)
      if (failed(parallelize(op, rewriter)))
        return signalPassFailure();
  }

private:
  /// For the dimensions that outputs have, in front: all but the last are
  /// tiled.
  static SmallVector<int64_t> getTileSizes(linalg::LinalgOp op) {
    auto isParallel = [](utils::IteratorType type) {
      return type == utils::IteratorType::parallel;
    };
    SmallVector<utils::IteratorType> types = op.getIteratorTypesArray();
    int64_t count = llvm::find_if_not(types, isParallel) - types.begin();
    if (count == 0)
      return {};
    if (count == 1)
      return {types.size() == 1 ? vectorTileSize : tileSize};
    SmallVector<int64_t> sizes(count - 1, 1);
    sizes.back() = tileSize;
    return sizes;
  }

  LogicalResult parallelize(linalg::LinalgOp op, IRRewriter &rewriter) {
    SmallVector<int64_t> sizes = getTileSizes(op);
    // A call may be of what reports a failed check.
    if (sizes.empty() || op->walk([](CallOpInterface) {
                             return WalkResult::interrupt();
                           }).wasInterrupted())
      return success();
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    bool isStatic = !ShapedType::isDynamicShape(ranges);
    if (isStatic && ShapedType::getNumElements(ranges) < manyIterations)
      return success();
    Location loc = op.getLoc();
    rewriter.setInsertionPoint(op);
    if (!isStatic) {
      Value count = arith::ConstantIndexOp::create(rewriter, loc, 1);
      for (Range range : op.createLoopRanges(rewriter, loc))
        count = rewriter.createOrFold<arith::MulIOp>(
            loc, count,
            getValueOrCreateConstantIndexOp(rewriter, loc, range.size));
      Value isLarge = arith::CmpIOp::create(
          rewriter, loc, arith::CmpIPredicate::sge, count,
          arith::ConstantIndexOp::create(rewriter, loc, manyIterations));
      auto branch = scf::IfOp::create(rewriter, loc, isLarge,
                                      /*withElseRegion=*/true);
      rewriter.setInsertionPointToStart(branch.elseBlock());
      rewriter.clone(*op);
      rewriter.moveOpBefore(op, branch.thenYield());
      rewriter.setInsertionPoint(op);
    }
    linalg::LinalgTilingOptions options;
    options.setTileSizes(sizes).setLoopType(
        linalg::LinalgTilingLoopType::ParallelLoops);
    FailureOr<linalg::TiledLinalgOp> tiled =
        linalg::tileLinalgOp(rewriter, op, options);
    if (failed(tiled))
      return op.emitOpError("cannot be tiled for threads");
    rewriter.eraseOp(op);
    ++numOps;
    return success();
  }
};
} // namespace
