//===- AttentionMatch.cpp - what an attention kernel computes -------------===//

#include "AttentionKernel.h"
#include "CacheMatch.h"
#include "NibbleMatch.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

static constexpr int64_t headsAndRows[] = {0, 2, 1, 3};

namespace {

/// Rows of heads, and what they are read from.
struct MatchedRows {
  HeadsSpec spec;
  SmallVector<Value> inputs;
};

class Matcher {
public:
  explicit Matcher(ShapeContext &shapes) : shapes(shapes) {}

  std::optional<AttentionMatch> match(AttentionOp op, Value result) {
    attention = op;
    spec.transposed = isa<TransposeOp>(result.getDefiningOp());
    query = op.getQuery();
    key = op.getKey();
    value = op.getValue();
    spec.pairs = shapes.elementType(query).isBF16();
    takeCasts();
    if (!matchSizes())
      return std::nullopt;
    keys = matchCache(key, shapes);
    values = matchCache(value, shapes);
    bool areReadable =
        isReadableCache(keys, spec.headSize, /*isKeys=*/true) &&
        isReadableCache(values, spec.valueSize, /*isKeys=*/false);
    bool haveOneLength = bool(keys.prefix) == bool(values.prefix) &&
                         shapes.dim(key, 2) == shapes.dim(value, 2);
    if (!haveOneLength || !areReadable) {
      if (keys.scales || values.scales)
        shortfalls.push_back(
            (haveOneLength ? "kernels read int8 caches of heads whose size is "
                             "a multiple of 4, and int4 ones of multiples of "
                             "32 in groups of 16 or multiples"
                           : "kernels read caches of integers where keys and "
                             "values have one length") +
            std::string(": the reference lowering makes floats of the whole "
                        "cache, each time"));
      keys = CacheMatch::read(key, shapes);
      values = CacheMatch::read(value, shapes);
    }
    spec.keys = keys.format;
    spec.values = values.format;
    if (keys.format == CacheFormat::Int4)
      spec.keyGroup = keys.group;
    if (values.format == CacheFormat::Int4)
      spec.valueGroup = values.group;
    if (Value mask = op.getMask(); mask && !matchMask(mask))
      return std::nullopt;
    std::optional<AttentionMatch> match = matchAppend(result);
    if (!match)
      match = matchReading(result);
    match->shortfalls = shortfalls;
    return match;
  }

private:
  static bool isReadable(Type element) {
    return isa<Float32Type, Float16Type, BFloat16Type>(element);
  }

  /// Words of keys have four bytes, and vectors of codes of 4 bits one group.
  static bool isReadableCache(const CacheMatch &cache, int64_t size,
                              bool isKeys) {
    if (cache.format == CacheFormat::Int4)
      return size % nibbleRow == 0 && cache.group % nibbleGroup == 0;
    return cache.format != CacheFormat::Int8 || !isKeys || size % 4 == 0;
  }

  /// Of bf16 attention: reads what all three operands are casts of, if they
  /// are.
  void takeCasts() {
    if (!spec.pairs)
      return;
    SmallVector<Value> sources;
    for (Value operand : {query, key, value})
      if (auto cast = operand.getDefiningOp<CastOp>();
          cast && shapes.elementType(cast.getOperand()).isF32())
        sources.push_back(cast.getOperand());
    if (sources.size() < 3)
      return;
    query = sources[0];
    key = sources[1];
    value = sources[2];
  }

  bool matchSizes() {
    Type element = shapes.elementType(query);
    if (!isReadable(element))
      return false;
    SmallVector<int64_t> sizes;
    for (auto [operand, axis] : {std::pair(query, 1), std::pair(key, 1),
                                 std::pair(query, 3), std::pair(value, 3)}) {
      std::optional<int64_t> size = getConstant(shapes.dim(operand, axis));
      if (!size || *size == 0 || shapes.elementType(operand) != element)
        return false;
      sizes.push_back(*size);
    }
    if (getConstant(shapes.dim(value, 1)) != sizes[1] ||
        getConstant(shapes.dim(key, 3)) != sizes[2] || sizes[0] % sizes[1] != 0)
      return false;
    spec.heads = sizes[0];
    spec.keyHeads = sizes[1];
    spec.headSize = sizes[2];
    spec.valueSize = sizes[3];
    spec.scale = attention.getScale().convertToFloat();
    spec.softcap = attention.getSoftcap().convertToFloat();
    spec.causal = attention.getCausal();
    spec.window = int64_t(attention.getWindow());
    return true;
  }

  /// A mask whose dimensions are known to be those of the scores, or 1.
  bool matchMask(Value value) {
    // Repeating is what the kernel does by itself.
    while (auto expand = value.getDefiningOp<ExpandOp>()) {
      if (shapes.rank(expand.getOperand()) != shapes.rank(value))
        break;
      value = expand.getOperand();
    }
    Type element = shapes.elementType(value);
    spec.choosing = element.isInteger(1);
    if (shapes.rank(value) == 0 || (!spec.choosing && !isReadable(element)))
      return false;
    AffineExpr scores[] = {shapes.dim(attention.getQuery(), 0),
                           shapes.dim(attention.getQuery(), 1),
                           shapes.dim(attention.getQuery(), 2),
                           shapes.dim(attention.getKey(), 2)};
    for (auto [size, wanted] :
         llvm::zip(shapes.dims(value),
                   ArrayRef(scores).take_back(shapes.rank(value)))) {
      spec.mask.push_back(size == wanted);
      if (size != wanted && getConstant(size) != 1)
        return false;
    }
    mask = value;
    return true;
  }

  /// `value`, [B, heads, S, D], with the rotations, the norm of each row and
  /// the transpose before it.
  MatchedRows matchRows(Value value) {
    MatchedRows rows;
    Value source = value;
    SmallVector<Value> parameters, tables;
    if (int64_t block = getRotationBlock(source, shapes);
        block > 0 && block % nibbleRow == 0) {
      source = source.getDefiningOp<LinearOp>().getOperand();
      rows.spec.hadamard = block;
    }
    if (auto rope = source.getDefiningOp<RopeOp>();
        rope && isReadable(shapes.elementType(rope.getCos())) &&
        getConstant(shapes.dim(rope.getCos(), 2))) {
      source = rope.getOperand();
      tables = {rope.getCos(), rope.getSin()};
      rows.spec.rotated = 2 * *getConstant(shapes.dim(rope.getCos(), 2));
      rows.spec.interleaved = rope.getInterleaved();
      rows.spec.tablesHaveBatch =
          getConstant(shapes.dim(rope.getCos(), 0)) != 1;
    }
    auto takeNorm = [&] {
      std::optional<NormMatch> norm = matchNorm(source.getDefiningOp(), shapes);
      if (!norm)
        return;
      source = norm->inputs.front();
      parameters = {norm->inputs.begin() + 1, norm->inputs.end()};
      rows.spec.norm = norm->spec;
    };
    takeNorm();
    if (auto transpose = source.getDefiningOp<TransposeOp>();
        transpose && transpose.getPerm() == ArrayRef(headsAndRows)) {
      source = transpose.getOperand();
      rows.spec.transposed = true;
    }
    if (!rows.spec.norm)
      takeNorm();
    rows.inputs.push_back(source);
    rows.inputs.append(parameters);
    rows.inputs.append(tables);
    return rows;
  }

  /// Reads what is no cache where linears left it.
  static bool takeTranspose(CacheMatch &cache) {
    auto transpose = cache.data.getDefiningOp<TransposeOp>();
    if (cache.prefix || cache.scales || !transpose ||
        transpose.getPerm() != ArrayRef(headsAndRows))
      return false;
    cache.data = transpose.getOperand();
    return true;
  }

  /// Attention that reads what is there.
  AttentionMatch matchReading(Value result) {
    MatchedRows queryRows = matchRows(query);
    spec.query = queryRows.spec;
    spec.hasLength = bool(keys.prefix);
    spec.keysTransposed = takeTranspose(keys);
    spec.valuesTransposed = takeTranspose(values);
    AttentionMatch match{spec, queryRows.inputs, {result}, {Value()}};
    for (const CacheMatch &cache : {keys, values})
      match.inputs.append(cache.getBuffers());
    if (spec.hasLength)
      match.inputs.push_back(keys.prefix.getLength());
    if (mask)
      match.inputs.push_back(mask);
    return match;
  }

  /// Attention that appends the rows to the cache first.
  std::optional<AttentionMatch> matchAppend(Value result) {
    std::optional<CacheAppend> newKeys = matchCacheAppend(keys, shapes),
                               newValues = matchCacheAppend(values, shapes);
    if (!newKeys || !newValues || newKeys->past != newValues->past ||
        !isAppended(*newKeys, keys.prefix) ||
        !isAppended(*newValues, values.prefix))
      return std::nullopt;
    MatchedRows queryRows = matchRows(query),
                keyRows = matchRows(newKeys->rows),
                valueRows = matchRows(newValues->rows);
    AttentionMatch match{spec, {}, {result}, {Value()}};
    match.spec.appends = true;
    match.spec.query = queryRows.spec;
    match.spec.newKeys = keyRows.spec;
    match.spec.newValues = valueRows.spec;
    for (const MatchedRows &rows : {queryRows, keyRows, valueRows})
      match.inputs.append(rows.inputs);
    match.inputs.push_back(newKeys->past);
    if (mask)
      match.inputs.push_back(mask);
    for (const CacheAppend &append : {*newKeys, *newValues})
      for (TensorScatterOp write : append.writes) {
        match.outputs.push_back(write.getResult());
        match.updated.push_back(write.getPastCache());
      }
    SmallVector<Value> read(match.inputs);
    llvm::append_range(read, ArrayRef(match.updated).drop_front());
    if (!canLaunch(read, match.outputs))
      return std::nullopt;
    return match;
  }

  /// Whether the cache ends with the new rows, and they are as many as the
  /// batch has everywhere.
  bool isAppended(const CacheAppend &append, PrefixOp prefix) {
    std::optional<SmallVector<AffineExpr>> past = shapes.values(append.past),
                                           length = shapes.values(
                                               prefix.getLength());
    if (!past || !length ||
        length->front() != past->front() + shapes.dim(append.rows, 2))
      return false;
    return llvm::all_of(append.writes, [&](TensorScatterOp write) {
      return shapes.dim(write.getPastCache(), 0) == shapes.dim(append.rows, 0);
    });
  }

  ShapeContext &shapes;
  AttentionOp attention;
  Value query, key, value; ///< or what they are casts of
  AttentionSpec spec;
  CacheMatch keys, values;
  SmallVector<std::string> shortfalls;
  Value mask;
};
} // namespace

std::optional<AttentionMatch> llmc::cpu::matchAttention(Operation *op,
                                                        ShapeContext &shapes) {
  Operation *source = op;
  auto take = [&](auto skipped) {
    Operation *before =
        skipped ? skipped.getOperand().getDefiningOp() : nullptr;
    if (before && skipped.getOperand().hasOneUse())
      source = before;
  };
  if (auto transpose = dyn_cast<TransposeOp>(source);
      transpose && transpose.getPerm() == ArrayRef(headsAndRows))
    take(transpose);
  // Back to the type that its operands are cast from.
  if (auto cast = dyn_cast<CastOp>(source);
      cast && shapes.elementType(cast.getResult()).isF32() &&
      shapes.elementType(cast.getOperand()).isBF16())
    take(cast);
  auto attention = dyn_cast<AttentionOp>(source);
  if (!attention)
    return std::nullopt;
  return Matcher(shapes).match(attention, op->getResult(0));
}
