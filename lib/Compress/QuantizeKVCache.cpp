//===- QuantizeKVCache.cpp - keys and values in fewer bits ----------------===//

#include "NibbleRows.h"
#include "llmc/Compress/Passes.h"
#include "llmc/Lift/KVCache.h"
#include "llmc/Weights/Blobs.h"

namespace llmc {
#define GEN_PASS_DEF_QUANTIZEKVCACHE
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

static constexpr int64_t headAxis = 3;

/// `attributes` of a cache for something else that has its rows, of another
/// size.
static DictionaryAttr getRowAttrs(DictionaryAttr attributes, StringRef suffix,
                                  Builder &builder) {
  if (!attributes)
    return builder.getDictionaryAttr({});
  NamedAttrList list(attributes);
  if (auto name = attributes.getAs<StringAttr>(nameAttr))
    list.set(nameAttr, builder.getStringAttr(name.getValue() + suffix));
  if (auto dims = attributes.getAs<ArrayAttr>(dimsAttr);
      dims && int64_t(dims.size()) > headAxis) {
    SmallVector<Attribute> names(dims.begin(), dims.end());
    names[headAxis] = builder.getStringAttr("");
    list.set(dimsAttr, builder.getArrayAttr(names));
  }
  return list.getDictionary(builder.getContext());
}

/// Has every shape of `past` say `size` for a row, whose bytes are fewer.
static void keepRowSize(BlockArgument past, int64_t size) {
  for (Operation *user : llvm::make_early_inc_range(past.getUsers())) {
    auto shape = dyn_cast<ShapeOp>(user);
    if (!shape || int64_t(shape.getEnd()) <= headAxis)
      continue;
    OpBuilder b(shape);
    Value all = createI64Constant(b, shape.getLoc(), {size});
    if (int64_t start = shape.getStart(); start < headAxis)
      all = ConcatOp::create(
          b, shape.getLoc(),
          ValueRange{ShapeOp::create(b, shape.getLoc(), past, start, headAxis),
                     all},
          0);
    shape.replaceAllUsesWith(all);
    shape.erase();
  }
}

/// The attentions whose keys are `rows`, none if anything else but the function
/// reads them.
static SmallVector<AttentionOp> findReadersOfKeys(Value rows) {
  SmallVector<AttentionOp> readers;
  for (OpOperand &use : rows.getUses()) {
    auto attention = dyn_cast<AttentionOp>(use.getOwner());
    if (attention && use == attention.getKeyMutable())
      readers.push_back(attention);
    else if (!isa<ShapeOp, func::ReturnOp>(use.getOwner()))
      return {};
  }
  return readers;
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
    if (format != KVCacheFormat::Int4 && (group != 32 || !rotate)) {
      main.emitError("group and rotate are of format=int4: leave them out");
      return signalPassFailure();
    }
    if (format == KVCacheFormat::Int4 && failed(checkGroups(caches)))
      return signalPassFailure();
    for (KVCache &cache : caches) {
      auto type = cast<RankedTensorType>(cache.past.getType());
      if (format == KVCacheFormat::Int4)
        storeNibbles(cache);
      else if (format == KVCacheFormat::Int8)
        storeBytes(cache);
      else if (type.getElementTypeBitWidth() > 16)
        storeHalves(cache);
    }
    main.setFunctionType(FunctionType::get(
        &getContext(), main.getBody().getArgumentTypes(),
        main.getBody().back().getTerminator()->getOperandTypes()));
  }

private:
  LogicalResult checkGroups(ArrayRef<KVCache> caches) {
    if (group < 1)
      return main.emitError("group must be at least 1, not ")
             << group.getValue();
    for (const KVCache &cache : caches) {
      auto type = cast<RankedTensorType>(cache.past.getType());
      int64_t size = type.getDimSize(headAxis);
      auto name = main.getArgAttrOfType<StringAttr>(cache.past.getArgNumber(),
                                                    nameAttr);
      auto error = [&] {
        return main.emitError("the key-value cache '")
               << (name ? name.getValue() : StringRef()) << "' has rows of ";
      };
      if (ShapedType::isDynamic(size))
        return error() << "a size that is not known; integers of 4 bits need "
                          "it: export the model with a fixed head size";
      if (size % 2 != 0)
        return error() << size << " numbers, which two halves of bytes do not "
                       << "divide: use format=int8";
      if (size % group != 0)
        return error() << size << " numbers, which groups of "
                       << group.getValue()
                       << " do not divide: give a `group` that does";
    }
    return success();
  }

  /// Makes `past` of `element`, with `rows` appended; the result of @main.
  Value append(OpBuilder &b, KVCache &cache, Value rows) {
    Location loc = cache.append.getLoc();
    auto withRows = [&](Type old) {
      auto from = cast<RankedTensorType>(rows.getType());
      SmallVector<int64_t> shape(cast<RankedTensorType>(old).getShape());
      shape[headAxis] = from.getDimSize(headAxis);
      return RankedTensorType::get(shape, from.getElementType());
    };
    BlockArgument past = cache.past;
    past.setType(withRows(past.getType()));
    Value all =
        ConcatOp::create(b, loc, ValueRange{past, rows}, KVCache::rowAxis);
    // What inference knew of the concatenation still holds.
    all.setType(withRows(cache.append.getType()));
    return all;
  }

  /// Another argument and result of @main for `rows` that go along with those
  /// of `cache`. Returns all of them.
  Value appendBeside(OpBuilder &b, KVCache &cache, Value rows,
                     StringRef suffix) {
    unsigned number = cache.past.getArgNumber();
    auto from = cast<RankedTensorType>(rows.getType());
    SmallVector<int64_t> shape(
        cast<RankedTensorType>(cache.past.getType()).getShape());
    shape[headAxis] = from.getDimSize(headAxis);
    (void)main.insertArgument(
        main.getNumArguments(),
        RankedTensorType::get(shape, from.getElementType()),
        getRowAttrs(main.getArgAttrDict(number), suffix, b),
        cache.past.getLoc());
    Value all = ConcatOp::create(b, cache.append.getLoc(),
                                 ValueRange{main.getArguments().back(), rows},
                                 KVCache::rowAxis);
    (void)main.insertResult(
        main.getNumResults(), all.getType(),
        getRowAttrs(main.getResultAttrDict(cache.result), suffix, b));
    Operation *terminator = main.getBody().back().getTerminator();
    terminator->insertOperands(terminator->getNumOperands(), all);
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

  void storeBytes(KVCache &cache) {
    OpBuilder b(cache.append);
    Location loc = cache.append.getLoc();
    Type wide = getElementTypeOrSelf(cache.past.getType()),
         f32 = b.getF32Type();
    Value rows = toType(b, cache.append->getOperand(1), f32);
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
    Value scales = appendBeside(b, cache, newScales, ".scale");
    Value stored = append(b, cache, toType(b, rounded, b.getI8Type()));
    Value value = MulOp::create(b, loc, toType(b, stored, f32), scales);
    replace(cache, stored, toType(b, value, wide));
  }

  void storeNibbles(KVCache &cache) {
    OpBuilder b(cache.append);
    Location loc = cache.append.getLoc();
    Type wide = getElementTypeOrSelf(cache.past.getType());
    Value rows = cache.append->getOperand(1);
    keepRowSize(
        cache.past,
        cast<RankedTensorType>(cache.past.getType()).getDimSize(headAxis));
    if (rotate)
      rows = rotateKeys(b, cache, rows);
    NibbleRows added =
        packNibbles(b, loc, toType(b, rows, b.getF32Type()), group);
    NibbleRows all;
    all.steps = appendBeside(b, cache, added.steps, ".scale");
    all.lows = appendBeside(b, cache, added.lows, ".min");
    all.data = append(b, cache, added.data);
    // A name of the old size is none of the new one.
    for (bool isResult : {false, true})
      dropHeadName(isResult,
                   isResult ? cache.result : cache.past.getArgNumber());
    replace(cache, all.data,
            toType(b, unpackNibbles(b, loc, all, group), wide));
  }

  void dropHeadName(bool isResult, unsigned number) {
    Builder b(&getContext());
    DictionaryAttr old =
        isResult ? main.getResultAttrDict(number) : main.getArgAttrDict(number);
    DictionaryAttr kept = getRowAttrs(old, "", b);
    if (isResult)
      main.setResultAttrs(number, kept);
    else
      main.setArgAttrs(number, kept);
  }

  static Value toType(OpBuilder &b, Value value, Type type) {
    if (getElementTypeOrSelf(value.getType()) == type)
      return value;
    return CastOp::create(b, value.getLoc(), value, type);
  }

  /// Rotates `rows` and the queries that they meet; queries' scale makes up for
  /// the length that this gives both. Returns the new rows.
  Value rotateKeys(OpBuilder &b, KVCache &cache, Value rows) {
    SmallVector<AttentionOp> readers =
        findReadersOfKeys(cache.append.getResult());
    if (readers.empty())
      return rows;
    auto type = cast<RankedTensorType>(cache.past.getType());
    int64_t size = type.getDimSize(headAxis), block = size & -size;
    ParamOp param = getRotation(size, block, type.getElementType());
    auto rotated = [&](OpBuilder &b, Value x) -> Value {
      Value weight = WeightOp::create(
          b, x.getLoc(), param.getType(),
          FlatSymbolRefAttr::get(&getContext(), param.getSymName()));
      return LinearOp::create(b, x.getLoc(), x, weight, Value());
    };
    int64_t bits = llvm::Log2_64(block), shift = llvm::divideCeil(bits, 2);
    for (AttentionOp reader : readers) {
      OpBuilder at(reader);
      reader.getQueryMutable().assign(rotated(at, reader.getQuery()));
      reader.setScaleAttr(at.getF32FloatAttr(std::ldexp(
          reader.getScale().convertToFloat(), int(2 * shift - bits))));
    }
    return rotated(b, rows);
  }

  /// Blocks of a Hadamard matrix on the diagonal, times a power of 2 that all
  /// products with it are exact for.
  ParamOp getRotation(int64_t size, int64_t block, Type element) {
    ParamOp &param = rotations[{size, element}];
    if (param)
      return param;
    FloatFormat format = *getFloatFormat(element);
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
        size * size * getFloatBytes(format), /*align=*/64,
        /*dataIsMutable=*/true);
    float unit =
        std::ldexp(1.0f, -int(llvm::divideCeil(llvm::Log2_64(block), 2)));
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j < size; ++j) {
        bool isNegative = llvm::popcount(uint64_t(i & j & (block - 1))) % 2;
        float value = i / block != j / block ? 0 : isNegative ? -unit : unit;
        storeFloat(blob.getMutableData().data(), format, i * size + j, value);
      }
    std::string name = ("kv_rotation." + Twine(size)).str();
    OpBuilder b(main);
    param = ParamOp::create(
        b, main.getLoc(), name,
        makeResource(RankedTensorType::get({size, size}, element), name,
                     std::move(blob)),
        StringAttr());
    SymbolTable(getOperation()).insert(param);
    return param;
  }

  llvm::DenseMap<std::pair<int64_t, Type>, ParamOp> rotations;
  func::FuncOp main;
};
} // namespace
