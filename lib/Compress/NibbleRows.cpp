//===- NibbleRows.cpp - rows of numbers in four bits ----------------------===//
//
// Ops that ONNX has in all versions: codes are packed and unpacked as floats,
// which hold them exactly.
//
//===----------------------------------------------------------------------===//

#include "NibbleRows.h"

using namespace mlir;
using namespace llmc;

static constexpr int64_t rowAxis = 3, groupAxis = 4;

static int64_t getRowSize(Value rows) {
  return cast<RankedTensorType>(rows.getType()).getDimSize(rowAxis);
}

static Value splitGroups(OpBuilder &b, Location loc, Value rows,
                         int64_t group) {
  return ReshapeOp::create(
      b, loc, rows,
      createI64Constant(b, loc, {0, 0, 0, getRowSize(rows) / group, group}));
}

static Value joinGroups(OpBuilder &b, Location loc, Value groups,
                        int64_t size) {
  return ReshapeOp::create(b, loc, groups,
                           createI64Constant(b, loc, {0, 0, 0, size}));
}

/// One number of each group next to its numbers, in f32.
static Value spread(OpBuilder &b, Location loc, Value numbers) {
  return UnsqueezeOp::create(b, loc,
                             CastOp::create(b, loc, numbers, b.getF32Type()),
                             ArrayRef<int64_t>{groupAxis});
}

NibbleRows llmc::packNibbles(OpBuilder &b, Location loc, Value rows,
                             int64_t group) {
  int64_t size = getRowSize(rows);
  auto scalar = [&](double value) {
    return createScalarConstant(b, loc, b.getF32Type(), value);
  };
  Value groups = splitGroups(b, loc, rows, group);
  auto reduce = [&](ReduceKind kind) -> Value {
    return ReduceOp::create(b, loc, groups, kind, ArrayRef<int64_t>{groupAxis},
                            /*keepdims=*/false);
  };
  Value highest = reduce(ReduceKind::Max), lowest = reduce(ReduceKind::Min);
  NibbleRows packed;
  packed.lows = CastOp::create(b, loc, lowest, b.getF16Type());
  // From the least number as it is stored, which may be above the largest one.
  Value stored = CastOp::create(b, loc, packed.lows, b.getF32Type());
  Value range =
      MaxOp::create(b, loc, SubOp::create(b, loc, highest, stored), scalar(0));
  packed.steps = CastOp::create(
      b, loc, DivOp::create(b, loc, range, scalar(15)), b.getF16Type());

  // The least f16 above 0: a smaller step is 0, and codes do not matter.
  Value inverse = DivOp::create(
      b, loc, scalar(1),
      MaxOp::create(b, loc, spread(b, loc, packed.steps), scalar(0x1p-24)));
  Value offset = SubOp::create(b, loc, groups, spread(b, loc, packed.lows));
  Value codes = RoundOp::create(b, loc, MulOp::create(b, loc, offset, inverse));
  codes = MinOp::create(b, loc, MaxOp::create(b, loc, codes, scalar(0)),
                        scalar(15));
  codes = joinGroups(b, loc, codes, size);

  auto half = [&](int64_t begin) -> Value {
    return SliceOp::create(b, loc, codes, createI64Constant(b, loc, {begin}),
                           createI64Constant(b, loc, {begin + size / 2}),
                           createI64Constant(b, loc, {1}),
                           ArrayRef<int64_t>{rowAxis});
  };
  Value low = half(0);
  Value high = MulOp::create(b, loc, half(size / 2), scalar(16));
  packed.data = CastOp::create(b, loc, AddOp::create(b, loc, low, high),
                               b.getIntegerType(8, /*isSigned=*/false));
  return packed;
}

Value llmc::unpackNibbles(OpBuilder &b, Location loc, const NibbleRows &rows,
                          int64_t group) {
  auto scalar = [&](double value) {
    return createScalarConstant(b, loc, b.getF32Type(), value);
  };
  Value bytes = CastOp::create(b, loc, rows.data, b.getF32Type());
  Value high =
      FloorOp::create(b, loc, MulOp::create(b, loc, bytes, scalar(0.0625)));
  Value low =
      SubOp::create(b, loc, bytes, MulOp::create(b, loc, high, scalar(16)));
  Value codes = ConcatOp::create(b, loc, ValueRange{low, high}, rowAxis);
  int64_t size = getRowSize(codes);
  Value products = MulOp::create(b, loc, splitGroups(b, loc, codes, group),
                                 spread(b, loc, rows.steps));
  Value groups = AddOp::create(b, loc, products, spread(b, loc, rows.lows));
  return joinGroups(b, loc, groups, size);
}
