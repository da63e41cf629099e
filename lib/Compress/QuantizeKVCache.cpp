//===- QuantizeKVCache.cpp - keys and values in fewer bits ----------------===//

#include "llmc/Compress/Passes.h"
#include "llmc/Lift/KVCache.h"

namespace llmc {
#define GEN_PASS_DEF_QUANTIZEKVCACHE
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

static constexpr int64_t headAxis = 3;

/// `attributes` of a cache for the scales of its rows.
static DictionaryAttr getScaleAttrs(DictionaryAttr attributes,
                                    Builder &builder) {
  if (!attributes)
    return builder.getDictionaryAttr({});
  NamedAttrList list(attributes);
  if (auto name = attributes.getAs<StringAttr>(nameAttr))
    list.set(nameAttr, builder.getStringAttr(name.getValue() + ".scale"));
  if (auto dims = attributes.getAs<ArrayAttr>(dimsAttr);
      dims && int64_t(dims.size()) > headAxis) {
    SmallVector<Attribute> names(dims.begin(), dims.end());
    names[headAxis] = builder.getStringAttr("");
    list.set(dimsAttr, builder.getArrayAttr(names));
  }
  return list.getDictionary(builder.getContext());
}

namespace {
struct QuantizeKVCache : llmc::impl::QuantizeKVCacheBase<QuantizeKVCache> {
  using QuantizeKVCacheBase::QuantizeKVCacheBase;

  void runOnOperation() override {
    main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal()) {
      getOperation().emitError("has no function @main whose key-value cache "
                               "could be quantized");
      return signalPassFailure();
    }
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      if (main.getArgAttr(i, stateAttr)) {
        main.emitError("has a key-value cache that is updated in place: run "
                       "llmc-quantize-kv-cache before llmc-kv-cache-in-place");
        return signalPassFailure();
      }
    SmallVector<KVCache> caches = findKVCaches(main);
    llvm::erase_if(caches, [](KVCache &cache) {
      return !isa<FloatType>(getElementTypeOrSelf(cache.past.getType()));
    });
    if (caches.empty()) {
      main.emitError("has no key-value cache of floats: there is no argument "
                     "[batch, heads, rows, head_size] that is only "
                     "concatenated with new rows and returned");
      return signalPassFailure();
    }
    for (KVCache &cache : caches) {
      auto type = cast<RankedTensorType>(cache.past.getType());
      if (format == KVCacheFormat::Int8)
        storeIntegers(cache);
      else if (type.getElementTypeBitWidth() > 16)
        storeHalves(cache);
    }
    main.setFunctionType(FunctionType::get(
        &getContext(), main.getBody().getArgumentTypes(),
        main.getBody().back().getTerminator()->getOperandTypes()));
  }

private:
  /// Makes `past` of `element`, with `rows` appended; the result of @main.
  Value append(OpBuilder &b, KVCache &cache, Value rows) {
    Location loc = cache.append.getLoc();
    auto type = cast<RankedTensorType>(cache.past.getType());
    BlockArgument past = cache.past;
    past.setType(type.clone(getElementTypeOrSelf(rows.getType())));
    Value all =
        ConcatOp::create(b, loc, ValueRange{past, rows}, KVCache::rowAxis);
    // What inference knew of the concatenation still holds.
    all.setType(cast<RankedTensorType>(cache.append->getResult(0).getType())
                    .clone(getElementTypeOrSelf(rows.getType())));
    return all;
  }

  /// Returns `stored`, and has everything else read `value`.
  void replace(KVCache &cache, Value stored, Value value) {
    Operation *terminator = main.getBody().back().getTerminator();
    terminator->setOperand(cache.result, stored);
    Operation *old = cache.append;
    old->getResult(0).replaceAllUsesWith(value);
    old->erase();
    ++numCaches;
  }

  void storeHalves(KVCache &cache) {
    OpBuilder b(cache.append);
    Location loc = cache.append.getLoc();
    Type wide = getElementTypeOrSelf(cache.past.getType());
    Value rows = cache.append->getOperand(1);
    Value stored =
        append(b, cache, CastOp::create(b, loc, rows, b.getF16Type()));
    replace(cache, stored, CastOp::create(b, loc, stored, wide));
  }

  void storeIntegers(KVCache &cache) {
    OpBuilder b(cache.append);
    Location loc = cache.append.getLoc();
    Type wide = getElementTypeOrSelf(cache.past.getType()),
         f32 = b.getF32Type();
    auto toType = [&](Value value, Type type) -> Value {
      if (getElementTypeOrSelf(value.getType()) == type)
        return value;
      return CastOp::create(b, loc, value, type);
    };
    Value rows = toType(cache.append->getOperand(1), f32);
    Value limit = createScalarConstant(b, loc, f32, 127);
    // Below it nothing is divided by 0, or by what denormals make of it.
    Value tiny = createScalarConstant(b, loc, f32, 0x1p-120);
    Value largest =
        ReduceOp::create(b, loc, AbsOp::create(b, loc, rows).getResult(),
                         ReduceKind::Max, ArrayRef<int64_t>{headAxis});
    Value newScales = DivOp::create(b, loc, largest, limit);
    Value inverse =
        DivOp::create(b, loc, limit, MaxOp::create(b, loc, largest, tiny));
    Value rounded =
        RoundOp::create(b, loc, MulOp::create(b, loc, rows, inverse));

    unsigned number = cache.past.getArgNumber();
    auto type = cast<RankedTensorType>(cache.past.getType());
    SmallVector<int64_t> shape(type.getShape());
    shape[headAxis] = 1;
    (void)main.insertArgument(
        main.getNumArguments(), RankedTensorType::get(shape, f32),
        getScaleAttrs(main.getArgAttrDict(number), b), cache.past.getLoc());
    Value scales = ConcatOp::create(
        b, loc, ValueRange{main.getArguments().back(), newScales},
        KVCache::rowAxis);
    (void)main.insertResult(
        main.getNumResults(), scales.getType(),
        getScaleAttrs(main.getResultAttrDict(cache.result), b));
    Operation *terminator = main.getBody().back().getTerminator();
    terminator->insertOperands(terminator->getNumOperands(), scales);

    Value stored = append(b, cache, toType(rounded, b.getI8Type()));
    Value value = MulOp::create(b, loc, toType(stored, f32), scales);
    replace(cache, stored, toType(value, wide));
  }

  func::FuncOp main;
};
} // namespace
