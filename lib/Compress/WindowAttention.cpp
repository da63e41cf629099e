//===- WindowAttention.cpp - attention to the last and first keys ---------===//

#include "llmc/Calibrate/Blocks.h"
#include "llmc/Calibrate/Statistics.h"
#include "llmc/Compress/Passes.h"
#include "llmc/IR/Decomposer.h"
#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/Lift/KVCache.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/DenseSet.h"
#include <limits>

namespace llmc {
#define GEN_PASS_DEF_WINDOWATTENTION
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// What makes two masks the same.
struct MaskKey {
  Block *block;
  AffineExpr queries, keys;
  int64_t window;
  /// What the mask excludes besides; null for nothing.
  Value mask;

  bool operator==(const MaskKey &other) const {
    return block == other.block && queries == other.queries &&
           keys == other.keys && window == other.window && mask == other.mask;
  }
};

struct WindowAttention : llmc::impl::WindowAttentionBase<WindowAttention> {
  using WindowAttentionBase::WindowAttentionBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  InFlightDiagnostic complain(Operation *op) {
    complained = true;
    return strict ? op->emitError() : op->emitRemark();
  }
  /// The least window with the mass that was asked for, and what it has; says
  /// why there is none.
  std::optional<std::pair<int64_t, double>> chooseWindow(AttentionOp op);
  Value createMask(AttentionOp op, int64_t size) const;

  bool complained = false;
};
} // namespace

LogicalResult WindowAttention::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  if ((window != 0) == (mass != 0))
    return fail() << "one of window and mass is needed";
  if (window < 0)
    return fail() << "window is " << int64_t(window) << "; it must be positive";
  if (mass != 0 && !(mass > 0 && mass < 1))
    return fail() << "mass is " << double(mass)
                  << "; it must be above 0 and below 1";
  using Known = AttentionStatistics;
  if (round < 1 || round % Known::binWidth != 0)
    return fail() << "round is " << int64_t(round)
                  << "; it must be a multiple of " << Known::binWidth
                  << ", as distances are counted";
  if (mass != 0 && sinks > Known::numFirst)
    return fail() << "sinks is " << int64_t(sinks)
                  << "; statistics tell the first " << Known::numFirst
                  << " keys apart";
  if (sinks < 0)
    return fail() << "sinks is " << int64_t(sinks)
                  << "; it must not be negative";
  return success();
}

std::optional<std::pair<int64_t, double>>
WindowAttention::chooseWindow(AttentionOp op) {
  auto keep = [&](const Twine &reason) {
    ++numSkipped;
    complain(op) << "'llmc.attention' op has no window: " << reason;
    return std::nullopt;
  };
  StringAttr param = findQueryParam(op);
  const AttentionStatistics *known =
      param ? Statistics::of(&getContext()).lookupAttention(param) : nullptr;
  if (!known)
    return keep("nothing is known of its probabilities; run llmc-calibrate "
                "first, with attention-samples");
  int64_t heads = cast<ShapedType>(op.getQuery().getType()).getDimSize(1);
  if (heads != known->heads)
    return keep("it has " + Twine(heads) + " heads, and statistics are of " +
                Twine(known->heads) + "; calibrate again");
  auto getInside = [&](int64_t size) {
    double sum = 0, least = 1;
    for (int64_t head = 0; head < heads; ++head) {
      double inside = known->getInside(head, size, sinks);
      sum += inside;
      least = std::min(least, inside);
    }
    return eachHead ? least : sum / heads;
  };
  for (int64_t size = round; size + sinks < known->length; size += round)
    if (double inside = getInside(size); inside >= mass)
      return std::pair(size, inside);
  ++numSkipped;
  op->emitRemark("'llmc.attention' op stays without a window: none of less "
                 "than the ")
      << known->length << " positions of a sample has mass=" << double(mass);
  return std::nullopt;
}

/// i1 [S, T], or as large as the mask that there is.
Value WindowAttention::createMask(AttentionOp op, int64_t size) const {
  Decomposer d(op);
  Value allowed =
      createPositionMask(d.size(op.getQuery(), 2), d.size(op.getKey(), 2),
                         {/*causal=*/false, size, sinks}, d);
  Value mask = op.getMask();
  if (!mask)
    return allowed;
  Type element = getElementTypeOrSelf(mask.getType());
  if (element.isInteger(1))
    return d.create<AndOp>(mask, allowed);
  Value none = createScalarConstant(d.builder, d.location, element,
                                    -std::numeric_limits<double>::infinity());
  return d.create<WhereOp>(allowed, mask, none);
}

void WindowAttention::runOnOperation() {
  complained = false;
  SmallVector<AttentionOp> attentions;
  getOperation().walk([&](AttentionOp op) { attentions.push_back(op); });
  if (attentions.empty()) {
    complain(getOperation())
        << getArgument() << ": found no attention; run llmc-lift first";
    if (strict)
      signalPassFailure();
    return;
  }
  llvm::SmallDenseSet<int64_t> chosen;
  for (int64_t number : numbers) {
    if (number < 0 || number >= int64_t(attentions.size()))
      complain(getOperation())
          << getArgument() << ": there is no attention " << number
          << "; the last one is " << int64_t(attentions.size()) - 1;
    chosen.insert(number);
  }

  llvm::DenseSet<Value> caches;
  if (auto main = getOperation().lookupSymbol<func::FuncOp>("main");
      main && !main.isExternal())
    for (const KVCache &cache : findKVCaches(main))
      caches.insert(ConcatOp(cache.append).getResult());
  auto readsCache = [&](Value key) {
    while (auto cast = key.getDefiningOp<CastOp>())
      key = cast.getOperand();
    return caches.contains(key);
  };
  llvm::DenseMap<Operation *, std::pair<AffineExpr, AffineExpr>> lengths;
  for (auto function : getOperation().getOps<FunctionOpInterface>()) {
    ShapeContext shapes(&getContext());
    if (failed(analyzeShapes(function, shapes)))
      return signalPassFailure();
    function.walk([&](AttentionOp op) {
      lengths[op] = {shapes.dim(op.getQuery(), 2), shapes.dim(op.getKey(), 2)};
    });
  }

  std::vector<std::pair<MaskKey, Value>> masks;
  for (auto [number, op] : llvm::enumerate(attentions)) {
    if (!numbers.empty() && !chosen.contains(number))
      continue;
    if (!op.getCausal() && !readsCache(op.getKey())) {
      ++numSkipped;
      complain(op) << "'llmc.attention' op has no window: it is not causal and "
                      "reads no KV cache, so that keys behind a query may "
                      "count as well";
      continue;
    }
    int64_t size = window, old = op.getWindow();
    double inside = 0;
    if (mass != 0) {
      auto chosen = chooseWindow(op);
      if (!chosen)
        continue;
      std::tie(size, inside) = *chosen;
    }
    if (old != 0)
      size = std::min(size, old);
    // A window that it has excludes what it did, sinks too.
    if (sinks == 0 || size == old) {
      op.setWindow(size);
    } else {
      MaskKey key{op->getBlock(), lengths[op].first, lengths[op].second, size,
                  op.getMask()};
      auto found = llvm::find_if(
          masks, [&](const auto &entry) { return entry.first == key; });
      Value mask = found != masks.end() ? found->second : createMask(op, size);
      if (found == masks.end())
        masks.push_back({key, mask});
      op.getMaskMutable().assign(mask);
    }
    ++numPlaces;
    using mlir::remark::metric;
    auto remark = mlir::remark::passed(
        op.getLoc(), mlir::remark::RemarkOpts::name(getArgument())
                         .category(compressRemarks));
    remark << metric("attention", int64_t(number)) << metric("window", size)
           << metric("sinks", size == old ? int64_t(0) : int64_t(sinks));
    if (mass != 0)
      remark << metric("mass", inside);
  }
  if (complained && strict)
    signalPassFailure();
}
