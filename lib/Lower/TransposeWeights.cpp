//===- TransposeWeights.cpp - parameters as llmc.linear reads them --------===//

#include "llmc/Lower/Passes.h"
#include "mlir/IR/DialectResourceBlobManager.h"

namespace llmc {
#define GEN_PASS_DEF_TRANSPOSEWEIGHTS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// Transposes `rows` x `columns` elements of `size` bytes, in tiles that fit
/// the first-level cache on both sides.
static void transposeBytes(const char *from, char *to, int64_t rows,
                           int64_t columns, int64_t size) {
  constexpr int64_t tile = 32;
  auto move = [&](auto element) {
    using Element = decltype(element);
    const auto *in = reinterpret_cast<const Element *>(from);
    auto *out = reinterpret_cast<Element *>(to);
    for (int64_t r0 = 0; r0 < rows; r0 += tile)
      for (int64_t c0 = 0; c0 < columns; c0 += tile)
        for (int64_t c = c0, ce = std::min(c0 + tile, columns); c < ce; ++c)
          for (int64_t r = r0, re = std::min(r0 + tile, rows); r < re; ++r)
            out[c * rows + r] = in[r * columns + c];
  };
  switch (size) {
  case 1:
    return move(uint8_t());
  case 2:
    return move(uint16_t());
  case 4:
    return move(uint32_t());
  default:
    return move(uint64_t());
  }
}

/// Whether several elements share a byte of a parameter.
static bool isPacked(RankedTensorType type) {
  unsigned width = type.getElementTypeBitWidth();
  return width > 1 && width < 8;
}

namespace {
struct TransposeWeights : llmc::impl::TransposeWeightsBase<TransposeWeights> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    llvm::DenseMap<Attribute, ParamOp> transposed;
    SmallVector<TransposeOp> ops;
    getOperation().walk([&](TransposeOp op) {
      // Packed elements are transposed where they are unpacked.
      if (op.getOperand().getDefiningOp<WeightOp>() &&
          op.getPerm() == ArrayRef<int64_t>{1, 0} && !isPacked(op.getType()))
        ops.push_back(op);
    });
    for (TransposeOp op : ops) {
      auto weight = op.getOperand().getDefiningOp<WeightOp>();
      ParamOp &param = transposed[weight.getParamAttr()];
      if (!param)
        param = transpose(symbols, symbols.lookup<ParamOp>(weight.getParam()));
      OpBuilder builder(op);
      Value value = WeightOp::create(builder, op.getLoc(), param.getType(),
                                     param.getSymName());
      op.replaceAllUsesWith(value);
      op.erase();
      if (weight.use_empty())
        weight.erase();
    }
    for (auto &[symbol, param] : transposed)
      releaseIfUnused(symbols, cast<FlatSymbolRefAttr>(symbol).getValue());
  }

  ParamOp transpose(SymbolTable &symbols, ParamOp param) {
    RankedTensorType type = param.getType();
    int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
    SmallVector<char> copy;
    ArrayRef<char> source = getParamBytes(param, copy);
    auto result = RankedTensorType::get({columns, rows}, type.getElementType());
    std::string name = (param.getSymName() + ".T").str();
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(source.size(), 64);
    transposeBytes(source.data(), blob.getMutableData().data(), rows, columns,
                   source.size() / std::max<int64_t>(rows * columns, 1));
    bytes += source.size();
    OpBuilder builder(param);
    auto value = DenseResourceElementsAttr::get(result, name, std::move(blob));
    auto op = ParamOp::create(builder, param.getLoc(), name, value, nullptr);
    symbols.insert(op);
    return op;
  }

  /// Blobs belong to the context: the bytes go only when their entry is
  /// replaced.
  void releaseIfUnused(SymbolTable &symbols, StringRef name) {
    auto param = symbols.lookup<ParamOp>(name);
    if (!param || !SymbolTable::symbolKnownUseEmpty(param, getOperation()))
      return;
    auto resource = dyn_cast<DenseResourceElementsAttr>(param.getValue());
    param.erase();
    if (!resource)
      return;
    auto &manager =
        DenseResourceElementsHandle::getManagerInterface(&getContext());
    manager.getBlobManager().update(
        resource.getRawHandle().getKey(),
        UnmanagedAsmResourceBlob::allocateWithAlign({}, 1));
  }
};
} // namespace
