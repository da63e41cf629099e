//===- DotAArch64.cpp - sums of products of bytes on AArch64 --------------===//

#include "DotSums.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

static Value call(KernelBuilder &k, StringRef name, ValueRange arguments) {
  return k.call(name, k.vectorOf(k.i32()), arguments);
}

Value llmc::cpu::emitNeonDot(KernelBuilder &k, Value sum, Value a, Value b) {
  return call(k,
              k.isa.dot == Dot::Usdot ? "llvm.aarch64.neon.usdot.v4i32.v16i8"
                                      : "llvm.aarch64.neon.sdot.v4i32.v16i8",
              {sum, a, b});
}

Value llmc::cpu::emitNeonPairs(KernelBuilder &k, Value sums, Value weights,
                               Value x) {
  return call(k, "llvm.aarch64.neon.usmmla.v4i32.v16i8", {sums, weights, x});
}

Value llmc::cpu::emitNeonReduction(KernelBuilder &k, Value halves) {
  Value pairs[2];
  for (int64_t i = 0; i < 2; ++i) {
    Value part = vector::ExtractStridedSliceOp::create(
        k.b, k.loc, halves, ArrayRef<int64_t>(8 * i), ArrayRef<int64_t>(8),
        ArrayRef<int64_t>(1));
    pairs[i] = call(k, "llvm.aarch64.neon.saddlp.v4i32.v8i16", {part});
  }
  return call(k, "llvm.aarch64.neon.addp.v4i32", pairs);
}
