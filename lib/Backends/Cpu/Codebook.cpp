//===- Codebook.cpp - numbers by their indices ----------------------------===//

#include "Codebook.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// Registers that the table of a panel may take.
static constexpr int64_t maxRegisters = 4;

bool CodebookReader::fitsRegisters() const {
  return k.isa.hasPermute && layout.codebook != Codebook::Row &&
         layout.getTableEntries() <= maxRegisters * layout.lanes;
}

Value CodebookReader::getAddress(Value panel) const {
  return layout.codebook == Codebook::Shared
             ? k.index(0)
             : k.mul(panel, layout.getTableElements());
}

Values CodebookReader::load(Value panel) const {
  Value address = getAddress(panel);
  if (!fitsRegisters())
    return {address};
  Values table;
  for (int64_t entry = 0; entry < layout.getTableEntries();
       entry += layout.lanes)
    table.push_back(k.loadVector(codebook, k.add(address, entry)));
  return table;
}

/// A register holds as many entries as it has lanes; the instructions look at
/// the lowest bits of an index, which is what they take.
Value CodebookReader::permute(ValueRange table, Value codes) const {
  if (k.isa.isNeon) {
    // Of bytes: code c is at 4 c to 4 c + 3.
    auto bytes = VectorType::get({4 * layout.lanes}, k.i8());
    Values arguments;
    for (Value part : table)
      arguments.push_back(k.bitcast(part, bytes));
    Type words = codes.getType();
    codes =
        arith::MulIOp::create(k.b, k.loc, codes, k.constant(words, 0x04040404));
    codes =
        arith::AddIOp::create(k.b, k.loc, codes, k.constant(words, 0x03020100));
    arguments.push_back(k.bitcast(codes, bytes));
    Value entries =
        k.call("llvm.aarch64.neon.tbl" + Twine(table.size()) + ".v16i8", bytes,
               arguments);
    return k.bitcast(entries, k.vectorOf(k.f32()));
  }
  auto call = [&](StringRef name, ValueRange arguments) -> Value {
    return k.call(name, k.vectorOf(k.f32()), arguments);
  };
  bool isWide = layout.lanes == 16;
  if (table.size() == 1)
    return k.selectLanes(table[0], codes);
  if (table.size() == 2 && isWide)
    return call("llvm.x86.avx512.vpermi2var.ps.512",
                {table[0], codes, table[1]});
  size_t half = table.size() / 2;
  Value low = permute(table.take_front(half), codes);
  Value high = permute(table.drop_front(half), codes);
  Value bit = k.bits(codes, 0, half * layout.lanes);
  Value isHigh = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ne,
                                       bit, k.constant(codes.getType(), 0));
  return arith::SelectOp::create(k.b, k.loc, isHigh, high, low);
}

Value CodebookReader::lookup(ValueRange table, Value codes) const {
  if (fitsRegisters())
    return permute(table, codes);
  auto words = cast<VectorType>(codes.getType());
  if (layout.codebook == Codebook::Row) {
    SmallVector<int32_t> lanes;
    for (int32_t lane = 0; lane < layout.lanes; ++lane)
      lanes.push_back(lane);
    Value own = arith::ConstantOp::create(
        k.b, k.loc, DenseElementsAttr::get(words, ArrayRef(lanes)));
    codes = arith::MulIOp::create(k.b, k.loc, codes,
                                  k.constant(words, double(layout.lanes)));
    codes = arith::AddIOp::create(k.b, k.loc, codes, own);
  }
  Value all = k.constant(k.vectorOf(k.b.getI1Type()), 1);
  VectorType floats = k.vectorOf(k.f32());
  return vector::GatherOp::create(k.b, k.loc, floats, codebook, table, codes,
                                  all, k.constant(floats, 0));
}

Value CodebookReader::lookup(Value panel, Value lane, Value code) const {
  Value entry =
      arith::IndexCastUIOp::create(k.b, k.loc, k.b.getIndexType(), code);
  if (layout.codebook == Codebook::Row)
    entry = k.add(k.mul(entry, layout.lanes), lane);
  return k.load(codebook, k.add(getAddress(panel), entry));
}
