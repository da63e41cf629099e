//===- Fields.cpp - integers that ONNX nodes unpack -----------------------===//

#include "Fields.h"

using namespace mlir;
using namespace llmc;

std::optional<SmallVector<int64_t>> llmc::readIntegers(Value value,
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

bool llmc::holds(Value value, int64_t count, Lifter &lifter,
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

/// Fields that do not cross bytes: shifts of each byte in a new dimension.
static std::optional<Fields> matchBytewise(BitwiseAndOp mask, Lifter &lifter) {
  auto shift = mask.getLhs().getDefiningOp<BitShiftOp>();
  auto unsqueeze =
      shift ? shift.getLhs().getDefiningOp<UnsqueezeOp>() : UnsqueezeOp();
  if (!unsqueeze || !shift.getRight())
    return std::nullopt;
  Value source = unsqueeze.getOperand();
  int64_t rank = lifter.shapes.rank(source);
  std::optional<int64_t> each = lifter.getSize(shift, -1),
                         bytes = lifter.getSize(source, -1);
  if (!bytes || lifter.shapes.rank(shift) != rank + 1 ||
      unsqueeze.getAxes() != ArrayRef<int64_t>{rank} ||
      (each != 2 && each != 4 && each != 8))
    return std::nullopt;
  int64_t bits = 8 / *each;
  if (!isOne(mask.getRhs(), (1 << bits) - 1, lifter) ||
      !holds(shift.getRhs(), *each, lifter,
             [&](int64_t i) { return i * bits; }))
    return std::nullopt;
  return Fields{source, bits, *bytes * *each};
}

/// Bytes that begin with fields of `bits` bits, each out of two bytes.
static std::optional<Fields> matchWindows(Value value, int64_t bits,
                                          Lifter &lifter) {
  auto both = value.getDefiningOp<BitwiseOrOp>();
  auto low = both ? both.getLhs().getDefiningOp<BitShiftOp>() : BitShiftOp();
  auto high = both ? both.getRhs().getDefiningOp<BitShiftOp>() : BitShiftOp();
  if (!low || !high || !low.getRight() || high.getRight())
    return std::nullopt;
  auto first = low.getLhs().getDefiningOp<GatherOp>(),
       second = high.getLhs().getDefiningOp<GatherOp>();
  if (!first || !second || first.getOperand() != second.getOperand())
    return std::nullopt;
  Value source = first.getOperand();
  uint64_t last = lifter.shapes.rank(source) - 1;
  std::optional<int64_t> bytes = lifter.getSize(source, -1),
                         count = lifter.getSize(value, -1);
  if (!bytes || !count || first.getAxis() != last || second.getAxis() != last ||
      lifter.shapes.rank(value) != lifter.shapes.rank(source))
    return std::nullopt;
  auto getPlace = [&](int64_t i) { return i * bits / 8; };
  auto getStart = [&](int64_t i) { return i * bits % 8; };
  if (!holds(first.getIndices(), *count, lifter, getPlace) ||
      !holds(low.getRhs(), *count, lifter, getStart) ||
      !holds(second.getIndices(), *count, lifter,
             [&](int64_t i) {
               int64_t next = getStart(i) == 0 ? 0 : 1;
               return std::min(getPlace(i) + next, *bytes - 1);
             }) ||
      !holds(high.getRhs(), *count, lifter,
             [&](int64_t i) { return (8 - getStart(i)) % 8; }))
    return std::nullopt;
  return Fields{source, bits, *count};
}

static bool isBytes(Value value, Lifter &lifter) {
  return lifter.shapes.elementType(value).isUnsignedInteger(8);
}

/// All fields of a row.
static std::optional<Fields> matchWholeRows(Value value, Lifter &lifter) {
  value = getReshapeSource(value);
  std::optional<Fields> fields;
  if (auto mask = value.getDefiningOp<BitwiseAndOp>()) {
    fields = matchBytewise(mask, lifter);
    for (int64_t bits : {3, 5, 6, 7})
      if (!fields && isOne(mask.getRhs(), (1 << bits) - 1, lifter))
        fields = matchWindows(mask.getLhs(), bits, lifter);
  } else if (auto bytes = lifter.getSize(value, -1)) {
    fields = Fields{value, /*bits=*/8, *bytes};
  }
  return fields && isBytes(fields->source, lifter) ? fields : std::nullopt;
}

std::optional<Fields> llmc::matchFields(Value value, Lifter &lifter) {
  value = getReshapeSource(value);
  if (auto cast = value.getDefiningOp<CastOp>())
    value = getReshapeSource(cast.getOperand());
  auto part = matchSliceOfLastDim(value, lifter);
  if (!part)
    return matchWholeRows(value, lifter);
  auto fields = matchWholeRows(part->operand, lifter);
  if (!fields || part->start != 0 ||
      lifter.getSize(part->operand, -1) != fields->count)
    return std::nullopt;
  fields->count = part->length;
  return fields;
}

std::optional<Fields> llmc::matchPairs(Value value, Lifter &lifter) {
  auto both = getReshapeSource(value).getDefiningOp<BitwiseOrOp>();
  auto low =
      both ? both.getLhs().getDefiningOp<BitwiseAndOp>() : BitwiseAndOp();
  auto shift = both ? both.getRhs().getDefiningOp<BitShiftOp>() : BitShiftOp();
  auto high =
      shift ? shift.getLhs().getDefiningOp<BitwiseAndOp>() : BitwiseAndOp();
  if (!low || !high || shift.getRight() || low.getLhs() != high.getLhs() ||
      !isOne(low.getRhs(), 7, lifter) ||
      !isOne(high.getRhs(), 7 << 3, lifter) ||
      !isOne(shift.getRhs(), 1, lifter))
    return std::nullopt;
  auto windows = matchWindows(low.getLhs(), /*bits=*/6, lifter);
  if (!windows || !isBytes(windows->source, lifter))
    return std::nullopt;
  return Fields{windows->source, /*bits=*/3, 2 * windows->count};
}
