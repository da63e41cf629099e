//===- LiftDensify.cpp - pruned weights from what ONNX says of them -------===//
//
// Export writes a pruned weight as the values that are stored and standard ops
// that put them in their places; see lib/Onnx/Export/Pruned.cpp.
//
//===----------------------------------------------------------------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "llvm/Support/MathExtras.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTDENSIFY
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// The integers of a constant or parameter; nothing for other values.
static std::optional<SmallVector<int64_t>> readIntegers(Value value,
                                                        Lifter &lifter) {
  auto type = cast<RankedTensorType>(value.getType());
  auto element = dyn_cast<IntegerType>(type.getElementType());
  auto constant = value.getDefiningOp<ConstantOp>();
  ParamOp param = lifter.getParam(value);
  if (!element || element.getWidth() % 8 != 0 || (!constant && !param))
    return std::nullopt;
  OwningOpRef<ParamOp> held;
  if (constant) {
    OpBuilder builder(value.getContext());
    held = ParamOp::create(builder, value.getLoc(), "constant",
                           constant.getValue(), StringAttr());
    param = *held;
  }
  SmallVector<char> copy;
  ArrayRef<char> bytes = getParamBytes(param, copy);
  int64_t size = element.getWidth() / 8, count = type.getNumElements();
  if (int64_t(bytes.size()) != size * count)
    return std::nullopt;
  SmallVector<int64_t> integers;
  for (int64_t i = 0; i < count; ++i) {
    APInt bits(element.getWidth(), 0);
    std::memcpy(const_cast<uint64_t *>(bits.getRawData()),
                bytes.data() + i * size, size);
    integers.push_back(element.isUnsigned() ? int64_t(bits.getZExtValue())
                                            : bits.getSExtValue());
  }
  return integers;
}

/// Whether `value` is a vector of `count` integers, or one for `count` 0, that
/// are `expected(i)`.
static bool holds(Value value, int64_t count, Lifter &lifter,
                  llvm::function_ref<int64_t(int64_t)> expected) {
  auto integers = readIntegers(value, lifter);
  if (!integers || int64_t(integers->size()) != std::max<int64_t>(count, 1))
    return false;
  for (auto [i, integer] : llvm::enumerate(*integers))
    if (integer != expected(i))
      return false;
  return true;
}

static bool isOne(Value value, int64_t expected, Lifter &lifter) {
  return holds(value, 0, lifter, [&](int64_t) { return expected; });
}

namespace {
/// Integers of `bits` bits, [rows, count], packed in `source`, [rows, bytes].
struct Fields {
  Value source;
  int64_t bits;
};
} // namespace

/// Fields that do not cross bytes: all of `value`, [rows, bytes * 8 / bits].
static std::optional<Fields> matchBytewise(Value value, Lifter &lifter) {
  auto reshape = value.getDefiningOp<ReshapeOp>();
  auto cast = reshape ? reshape.getOperand().getDefiningOp<CastOp>() : CastOp();
  auto mask =
      cast ? cast.getOperand().getDefiningOp<BitwiseAndOp>() : BitwiseAndOp();
  auto shift = mask ? mask.getLhs().getDefiningOp<BitShiftOp>() : BitShiftOp();
  auto unsqueeze =
      shift ? shift.getLhs().getDefiningOp<UnsqueezeOp>() : UnsqueezeOp();
  if (!unsqueeze || !shift.getRight() || lifter.shapes.rank(value) != 2 ||
      lifter.shapes.rank(shift) != 3 ||
      unsqueeze.getAxes() != ArrayRef<int64_t>{2})
    return std::nullopt;
  std::optional<int64_t> fields = lifter.getSize(shift, 2);
  if (!fields || (*fields != 2 && *fields != 4 && *fields != 8))
    return std::nullopt;
  int64_t bits = 8 / *fields;
  if (!isOne(mask.getRhs(), (1 << bits) - 1, lifter) ||
      !holds(shift.getRhs(), *fields, lifter,
             [&](int64_t i) { return i * bits; }) ||
      lifter.shapes.dim(value, 0) != lifter.shapes.dim(shift, 0))
    return std::nullopt;
  return Fields{unsqueeze.getOperand(), bits};
}

/// Fields that may cross bytes, each out of two of them.
static std::optional<Fields> matchFieldwise(Value value, int64_t count,
                                            Lifter &lifter) {
  auto cast = value.getDefiningOp<CastOp>();
  auto mask =
      cast ? cast.getOperand().getDefiningOp<BitwiseAndOp>() : BitwiseAndOp();
  auto shift = mask ? mask.getLhs().getDefiningOp<BitShiftOp>() : BitShiftOp();
  auto both =
      shift ? shift.getLhs().getDefiningOp<BitwiseOrOp>() : BitwiseOrOp();
  auto high = both ? both.getRhs().getDefiningOp<BitShiftOp>() : BitShiftOp();
  if (!high || !shift.getRight() || high.getRight() ||
      !isOne(high.getRhs(), 8, lifter))
    return std::nullopt;
  auto getBytes = [](Value word) {
    auto cast = word.getDefiningOp<CastOp>();
    return cast ? cast.getOperand().getDefiningOp<GatherOp>() : GatherOp();
  };
  GatherOp first = getBytes(both.getLhs()), second = getBytes(high.getLhs());
  if (!first || !second || first.getOperand() != second.getOperand() ||
      first.getAxis() != 1 || second.getAxis() != 1)
    return std::nullopt;
  std::optional<int64_t> bytes = lifter.getSize(first.getOperand(), 1);
  for (int64_t bits : {3, 5, 6, 7}) {
    auto isByte = [&](GatherOp gather, int64_t next) {
      return holds(gather.getIndices(), count, lifter, [&](int64_t i) {
        return std::min(i * bits / 8 + next, *bytes - 1);
      });
    };
    if (bytes && isOne(mask.getRhs(), (1 << bits) - 1, lifter) &&
        holds(shift.getRhs(), count, lifter,
              [&](int64_t i) { return i * bits % 8; }) &&
        isByte(first, 0) && isByte(second, 1))
      return Fields{first.getOperand(), bits};
  }
  return std::nullopt;
}

static std::optional<Fields> matchFields(Value value, Lifter &lifter) {
  std::optional<int64_t> count = lifter.getSize(value, -1);
  if (lifter.shapes.rank(value) != 2 || !count)
    return std::nullopt;
  auto fields = matchFieldwise(value, *count, lifter);
  if (!fields) {
    Value all = value;
    if (auto part = matchSliceOfLastDim(value, lifter)) {
      if (part->start != 0)
        return std::nullopt;
      all = part->operand;
    }
    fields = matchBytewise(all, lifter);
  }
  // As many bytes as the fields need.
  if (!fields || !lifter.getParam(fields->source) ||
      lifter.shapes.rank(fields->source) != 2 ||
      lifter.getSize(fields->source, 1) !=
          int64_t(llvm::divideCeil(*count * fields->bits, 8)))
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
        return bool(places = matchFields(value, lifter));
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
  std::optional<Fields> mask = matchFields(bits, lifter);
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
