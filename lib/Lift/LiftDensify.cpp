//===- LiftDensify.cpp - pruned weights from what ONNX says of them -------===//
//
// Export writes a pruned weight as the values that are stored and standard ops
// that put them in their places; see lib/Onnx/Export/Pruned.cpp.
//
//===----------------------------------------------------------------------===//

#include "Fields.h"
#include "llmc/Lift/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTDENSIFY
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// Fields of a parameter, [rows, count] of as many bytes as they need.
static std::optional<Fields> matchRowsOfFields(Value value, Lifter &lifter) {
  std::optional<Fields> fields = matchFields(value, lifter);
  if (!fields || lifter.shapes.rank(value) != 2 ||
      lifter.getSize(value, 1) != fields->count ||
      !lifter.getParam(fields->source) ||
      lifter.shapes.rank(fields->source) != 2 ||
      lifter.shapes.dim(value, 0) != lifter.shapes.dim(fields->source, 0) ||
      lifter.getSize(fields->source, 1) !=
          int64_t(llvm::divideCeil(fields->count * fields->bits, 8)))
    return std::nullopt;
  return fields;
}

/// n and m of the first columns of groups, 0 n times, m n times, and so on.
static std::optional<std::pair<int64_t, int64_t>>
matchGroups(Value first, int64_t count, int64_t columns, Lifter &lifter) {
  auto integers = readIntegers(first, lifter);
  if (!integers || int64_t(integers->size()) != count || count == 0)
    return std::nullopt;
  int64_t n = llvm::find_if(*integers, [](int64_t i) { return i != 0; }) -
              integers->begin();
  int64_t m = n == count ? columns : (*integers)[n];
  if (n == 0 || n >= m || m > 16 || columns != count / n * m ||
      count % n != 0 ||
      !holds(first, count, lifter, [&](int64_t i) { return i / n * m; }))
    return std::nullopt;
  return std::pair(n, m);
}

/// Values that are scattered in zeros.
static bool liftGroups(ScatterElementsOp root, Lifter &lifter) {
  auto zeros = root.getOperand().getDefiningOp<ExpandOp>();
  if (!zeros || !lifter.isScalar(zeros.getOperand(), 0) ||
      root.getKind() != ScatterKind::None || root.getAxis() != 1 ||
      lifter.shapes.rank(root) != 2)
    return false;
  std::optional<int64_t> rows = lifter.getSize(root, 0),
                         columns = lifter.getSize(root, 1),
                         count = lifter.getSize(root.getUpdates(), 1);
  if (!rows || !columns || !count ||
      lifter.getSize(root.getUpdates(), 0) != rows)
    return false;
  std::optional<Fields> places;
  auto [fields, first] =
      matchEitherOrder<AddOp>(root.getIndices(), [&](Value value) {
        return bool(places = matchRowsOfFields(value, lifter));
      });
  if (!fields)
    return false;
  auto pattern = matchGroups(first, *count, *columns, lifter);
  if (!pattern || places->bits != int64_t(llvm::Log2_64_Ceil(pattern->second)))
    return false;
  std::string text =
      std::to_string(pattern->first) + ":" + std::to_string(pattern->second);
  lifter.replace(
      root, lifter.create<DensifyOp>(root, root.getUpdates(), places->source,
                                     StringAttr::get(root.getContext(), text),
                                     IntegerAttr(), IntegerAttr()));
  return true;
}

/// A parameter of the starts, which may be a constant, [rows] or [rows, 1].
static Value createStarts(Operation *root, Value starts, Value mask,
                          SymbolTable &symbols, Lifter &lifter) {
  int64_t rows = cast<RankedTensorType>(mask.getType()).getDimSize(0);
  Value source = getReshapeSource(starts);
  auto type =
      RankedTensorType::get({rows}, IntegerType::get(root->getContext(), 32));
  if (lifter.getParam(source) && source.getType() == type)
    return source;
  auto integers = readIntegers(source, lifter);
  if (!integers || int64_t(integers->size()) != rows)
    return {};
  SmallVector<int32_t> narrow(integers->begin(), integers->end());
  ParamOp beside = lifter.getParam(mask);
  StringRef name = beside.getSymName();
  name.consume_back(".mask");
  OpBuilder builder(beside);
  auto param =
      ParamOp::create(builder, beside.getLoc(), (name + ".starts").str(),
                      DenseElementsAttr::get(type, ArrayRef(narrow)),
                      beside.getSymVisibilityAttr());
  symbols.insert(param, Block::iterator(beside));
  return lifter.create<WeightOp>(root, type, param.getSymName());
}

/// Values that are gathered where a bit is set, of a number counted from the
/// bits before. `root` is the choice, or what brings tiles back to rows.
static bool liftBitmap(Operation *root, SymbolTable &symbols, Lifter &lifter) {
  Value chosen = root->getResult(0);
  auto reshape = dyn_cast<ReshapeOp>(root);
  if (reshape) {
    auto transpose = reshape.getOperand().getDefiningOp<TransposeOp>();
    if (!transpose || transpose.getPerm() != ArrayRef<int64_t>{0, 2, 1, 3})
      return false;
    chosen = transpose.getOperand();
  }
  auto where = chosen.getDefiningOp<WhereOp>();
  auto gather = where ? where.getLhs().getDefiningOp<GatherOp>() : GatherOp();
  if (!gather || gather.getAxis() != 0 || !lifter.isScalar(where.getRhs(), 0) ||
      lifter.shapes.rank(where) != (reshape ? 4 : 2))
    return false;
  Value condition = where.getCondition();
  if (auto unsqueeze = condition.getDefiningOp<UnsqueezeOp>()) {
    if (unsqueeze.getAxes() != ArrayRef<int64_t>{2, 3})
      return false;
    condition = unsqueeze.getOperand();
  }
  auto isStored = condition.getDefiningOp<CastOp>();
  if (!isStored || lifter.shapes.rank(condition) != 2)
    return false;
  Value bits = isStored.getOperand();
  std::optional<Fields> mask = matchRowsOfFields(bits, lifter);
  if (!mask || mask->bits != 1)
    return false;

  auto [again, number] = matchEitherOrder<MulOp>(
      gather.getIndices(), [&](Value value) { return value == bits; });
  if (!again)
    return false;
  auto [before, starts] = matchEitherOrder<AddOp>(number, [&](Value value) {
    auto sum = value.getDefiningOp<CumSumOp>();
    return sum && sum.getOperand() == bits && sum.getAxis() == 1 &&
           sum.getExclusive() && !sum.getReverse();
  });
  // Where tiles lie, [tiles, height, width].
  std::optional<int64_t> height = 1, width = 1, tiles = lifter.getSize(bits, 1);
  if (reshape) {
    height = lifter.getSize(gather, 2);
    width = lifter.getSize(gather, 3);
  }
  auto type = dyn_cast<RankedTensorType>(root->getResult(0).getType());
  Value values = getReshapeSource(gather.getOperand());
  if (!before || !tiles || !height || *height == 0 || !width || !type ||
      !type.hasStaticShape() || type.getRank() != 2 ||
      type.getDimSize(1) != *tiles * *width || lifter.shapes.rank(values) > 2 ||
      !cast<RankedTensorType>(values.getType()).hasStaticShape() ||
      lifter.getSize(mask->source, 0) != type.getDimSize(0) / *height)
    return false;
  Value counts = createStarts(root, starts, mask->source, symbols, lifter);
  if (!counts)
    return false;
  OpBuilder builder(root);
  lifter.replace(root,
                 lifter.create<DensifyBitmapOp>(
                     root, values, mask->source, counts,
                     builder.getI64IntegerAttr(type.getDimSize(1)),
                     reshape ? builder.getDenseI64ArrayAttr({*height, *width})
                             : DenseI64ArrayAttr()));
  return true;
}

namespace {

struct LiftDensify : llmc::impl::LiftDensifyBase<LiftDensify> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    if (failed(liftEach(
            getOperation(),
            [](Operation *op) {
              return isa<ScatterElementsOp, WhereOp, ReshapeOp>(op);
            },
            [&](Operation *op, Lifter &lifter) {
              if (auto scatter = dyn_cast<ScatterElementsOp>(op))
                return liftGroups(scatter, lifter);
              return liftBitmap(op, symbols, lifter);
            },
            [&] { ++numLifted; })))
      signalPassFailure();
  }
};

} // namespace
