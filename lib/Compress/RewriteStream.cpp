//===- RewriteStream.cpp - other bases of a residual stream ---------------===//

#include "LowRank.h"
#include "ResidualStream.h"
#include "Rotation.h"
#include "UnitPruner.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

using Norm = ResidualStream::Norm;

static RankedTensorType resize(Value value, int64_t width) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape(type.getShape());
  shape.back() = width;
  return type.clone(shape);
}

namespace llmc {
class StreamRewriter {
public:
  StreamRewriter(ResidualStream &stream, const Matrix<float> *tiedBasis)
      : stream(stream), tiedBasis(tiedBasis),
        module(stream.main->getParentOfType<ModuleOp>()), symbols(module) {}

  ResidualStream::Change run();

private:
  const Matrix<float> &getBasis(size_t segment) const {
    return *stream.segments[segment].basis;
  }
  const Matrix<float> &getBasis(Value value) const {
    return getBasis(stream.segmentOf.lookup(value));
  }
  void insertSkips();
  void resizeOps();
  void rewriteWriter(ResidualStream::Writer &writer);
  void rewriteNorm(Norm &norm);
  void rewriteReaders(Norm &norm, const Statistics::Input &input);
  void restore(Norm &norm, Value result, const Statistics::Input &input);
  void rewriteSource(ResidualStream::Source &source);
  void rewriteTied();

  FloatWeight open(const UsedWeight &used);
  /// Replaces the columns of a weight by their products with `basis`.
  void multiplyColumns(const UsedWeight &used, const Matrix<float> &basis);
  /// Gives a vector that an operand of `user` loads other values.
  void setVector(Operation *user, unsigned operand, ArrayRef<float> values);
  ParamOp addParam(ParamOp place, const Twine &name, RankedTensorType type,
                   ArrayRef<float> values);
  /// x matrix^T + bias behind or before `x`.
  LinearOp addLinear(OpBuilder &b, Value x, const Matrix<float> &matrix,
                     ArrayRef<float> bias, ParamOp place, const Twine &name);
  int64_t countBytes();

  ResidualStream &stream;
  const Matrix<float> *tiedBasis;
  const UsedWeight *tied = nullptr;
  ModuleOp module;
  SymbolTable symbols;
  llvm::StringMap<int64_t> numLoads;
  int64_t numInserted = 0;
};
} // namespace llmc

int64_t StreamRewriter::countBytes() {
  int64_t bytes = 0;
  for (ParamOp param : module.getOps<ParamOp>())
    bytes += getByteSize(param.getType()).value_or(0);
  return bytes;
}

FloatWeight StreamRewriter::open(const UsedWeight &used) {
  FloatWeight weight;
  static_cast<UsedWeight &>(weight) = used;
  RankedTensorType type = weight.param.getType();
  weight.format = *getFloatFormat(type.getElementType());
  weight.rows = type.getDimSize(weight.transposed);
  weight.columns = type.getDimSize(!weight.transposed);
  return weight;
}

void StreamRewriter::multiplyColumns(const UsedWeight &used,
                                     const Matrix<float> &basis) {
  FloatWeight weight = open(used);
  storeFloats(weight, product(readFloats(weight), false, basis));
}

static DenseResourceElementsAttr
makeValue(RankedTensorType type, StringRef name, ArrayRef<float> values) {
  FloatFormat format = *getFloatFormat(type.getElementType());
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      values.size() * getFloatBytes(format), /*align=*/64,
      /*dataIsMutable=*/true);
  for (auto [i, value] : llvm::enumerate(values))
    storeFloat(blob.getMutableData().data(), format, i, value);
  return makeResource(type, name, std::move(blob));
}

ParamOp StreamRewriter::addParam(ParamOp place, const Twine &name,
                                 RankedTensorType type,
                                 ArrayRef<float> values) {
  OpBuilder builder(place);
  auto param = ParamOp::create(builder, place.getLoc(), name.str(),
                               makeValue(type, name.str(), values),
                               place.getSymVisibilityAttr());
  // Gives it another name if there is one like it.
  symbols.insert(param, Block::iterator(place));
  return param;
}

void StreamRewriter::setVector(Operation *user, unsigned operand,
                               ArrayRef<float> values) {
  auto load = user->getOperand(operand).getDefiningOp<WeightOp>();
  auto param = symbols.lookup<ParamOp>(load.getParam());
  auto type = RankedTensorType::get({int64_t(values.size())},
                                    param.getType().getElementType());
  if (load->hasOneUse() && numLoads[param.getSymName()] == 1) {
    replaceValue(param, makeValue(type, param.getSymName(), values));
    load.getResult().setType(type);
    return;
  }
  ParamOp added = addParam(param, param.getSymName(), type, values);
  OpBuilder b(user);
  user->setOperand(
      operand, WeightOp::create(b, load.getLoc(), type, added.getSymName()));
  if (load->use_empty()) {
    load.erase();
    --numLoads[param.getSymName()];
  }
}

LinearOp StreamRewriter::addLinear(OpBuilder &b, Value x,
                                   const Matrix<float> &matrix,
                                   ArrayRef<float> bias, ParamOp place,
                                   const Twine &name) {
  Type element = cast<RankedTensorType>(x.getType()).getElementType();
  auto load = [&](const Twine &name, ArrayRef<int64_t> shape,
                  ArrayRef<float> values) -> Value {
    auto type = RankedTensorType::get(shape, element);
    ParamOp param = addParam(place, name, type, values);
    return WeightOp::create(b, x.getLoc(), type, param.getSymName());
  };
  SmallVector<Value> operands = {
      x, load(name, {matrix.rows, matrix.columns}, matrix.values)};
  if (llvm::any_of(bias, [](float value) { return value != 0; }))
    operands.push_back(load(name + ".bias", matrix.rows, bias));
  ++numInserted;
  return LinearOp::create(b, x.getLoc(), resize(x, matrix.rows), operands);
}

/// All of the stream goes through one of these, whose errors are not worth what
/// few bits save: no number of a rotation is a value of their grids.
static void keepPrecise(LinearOp linear) {
  ParamOp param = findParam(linear.getWeight());
  param->setAttr(bitsAttrName, Builder(param).getI64IntegerAttr(8));
}

/// Where a sum has another basis than what it adds to.
void StreamRewriter::insertSkips() {
  llvm::DenseMap<std::pair<Value, const Matrix<float> *>, Value> made;
  for (auto [op, segment] : stream.ops) {
    auto sum = dyn_cast<AddOp>(op);
    if (!sum || !stream.segmentOf.contains(sum))
      continue;
    const Matrix<float> &to = getBasis(segment);
    for (OpOperand &operand : sum->getOpOperands()) {
      Value value = operand.get();
      if (!stream.segmentOf.contains(value))
        continue;
      const Matrix<float> &from = getBasis(value);
      if (&from == &to)
        continue;
      Value &skip = made[{value, &to}];
      if (!skip) {
        OpBuilder b(module.getContext());
        b.setInsertionPointAfterValue(value);
        // The sum is what this norm reads, or one behind it.
        const Norm *next = nullptr;
        for (const Norm &norm : stream.norms)
          if (!next && sum->isBeforeInBlock(norm.op))
            next = &norm;
        const Norm &named = next ? *next : stream.norms.back();
        skip =
            addLinear(b, value, product(to, true, from), {}, named.scaleParam,
                      ParamOp(named.scaleParam).getSymName() + ".skip");
      }
      operand.set(skip);
    }
  }
}

/// Makes the last number of the shape of a reshape `width`.
static void setLastSize(ReshapeOp op, int64_t width) {
  OpBuilder b(op);
  Location loc = op.getLoc();
  ShapeContext shapes(b.getContext());
  int64_t rank = op.getType().getRank();
  if (auto constants = shapes.constants(op.getShape())) {
    // What is inferred or copied still is.
    if (constants->back() > 0) {
      constants->back() = width;
      op.getShapeMutable().assign(createI64Constant(b, loc, *constants));
    }
    return;
  }
  Value parts[] = {
      SliceOp::create(b, loc, op.getShape(), createI64Constant(b, loc, {0}),
                      createI64Constant(b, loc, {rank - 1}),
                      createI64Constant(b, loc, {1}), ArrayRef<int64_t>{0}),
      createI64Constant(b, loc, {width})};
  op.getShapeMutable().assign(ConcatOp::create(b, loc, parts, 0));
}

void StreamRewriter::resizeOps() {
  for (auto [op, segment] : stream.ops) {
    int64_t width = getBasis(segment).columns;
    Value result = op->getResult(0);
    if (cast<RankedTensorType>(result.getType()).getShape().back() == width)
      continue;
    result.setType(resize(result, width));
    if (auto reshape = dyn_cast<ReshapeOp>(op))
      setLastSize(reshape, width);
  }
}

/// basis with the mean of each column subtracted, if norms do that: then what
/// is written has none.
static Matrix<float> center(const Matrix<float> &basis, bool isCentered) {
  Matrix<float> result = basis;
  for (int64_t column = 0; isCentered && column < basis.columns; ++column) {
    double mean = 0;
    for (int64_t row = 0; row < basis.rows; ++row)
      mean += basis(row, column);
    mean /= basis.rows;
    for (int64_t row = 0; row < basis.rows; ++row)
      result(row, column) -= mean;
  }
  return result;
}

void StreamRewriter::rewriteWriter(ResidualStream::Writer &writer) {
  Matrix<float> basis = center(getBasis(writer.target), stream.isCentered);
  FloatWeight weight = open(*writer.weight);
  storeFloats(weight, product(basis, true, readFloats(weight)));
  LinearOp op = writer.op;
  op.getResult().setType(resize(op, basis.columns));
  if (!op.getBias())
    return;
  auto load = op.getBias().getDefiningOp<WeightOp>();
  auto param = symbols.lookup<ParamOp>(load.getParam());
  SmallVector<char> copy;
  const char *data = getParamBytes(param, copy).data();
  FloatFormat format = *getFloatFormat(param.getType().getElementType());
  std::vector<float> values;
  for (int64_t j = 0; j < basis.columns; ++j) {
    double sum = 0;
    for (int64_t i = 0; i < basis.rows; ++i)
      sum += double(basis(i, j)) * loadFloat(data, format, i);
    values.push_back(sum);
  }
  setVector(op, 2, values);
}

/// The rows i of `matrix` times `scale[i]`.
static Matrix<float> scaleRows(Matrix<float> matrix, ArrayRef<float> scale) {
  for (int64_t i = 0; i < matrix.rows; ++i)
    for (int64_t j = 0; j < matrix.columns; ++j)
      matrix(i, j) *= scale[i];
  return matrix;
}

void StreamRewriter::rewriteReaders(Norm &norm,
                                    const Statistics::Input &input) {
  Matrix<float> columns = scaleRows(getBasis(norm.getInput()), norm.scale);
  Statistics &statistics = Statistics::of(module.getContext());
  for (const UsedWeight *weight : norm.weights) {
    ParamOp param = weight->param;
    FloatWeight opened = open(*weight);
    Matrix<float> values = readFloats(opened);
    SmallVector<double> bias(values.rows);
    bool any = false;
    for (int64_t i = 0; i < values.rows; ++i)
      for (int64_t j = 0; j < values.columns; ++j) {
        bias[i] += double(values(i, j)) * norm.bias[j];
        any |= values(i, j) * norm.bias[j] != 0;
      }
    storeFloats(opened, product(values, false, columns));
    if (any) {
      SmallVector<LinearOp> linears;
      for (LinearOp reader : norm.readers)
        if (llvm::is_contained(weight->values, reader.getWeight()))
          linears.push_back(reader);
      addBias(linears, param, bias);
    }
    if (input)
      statistics.set(param.getSymName(), input);
    else
      statistics.erase(param.getSymName());
  }
}

/// A linear makes of the result of the last norm what its readers know, or of
/// that the coordinates that a tied weight has.
void StreamRewriter::restore(Norm &norm, Value result,
                             const Statistics::Input &input) {
  Matrix<float> matrix = scaleRows(getBasis(norm.getInput()), norm.scale);
  std::vector<float> bias = norm.bias;
  Statistics &statistics = Statistics::of(module.getContext());
  if (tied) {
    matrix = product(*tiedBasis, true, matrix);
    Matrix<float> column(bias.size(), 1);
    column.values = bias;
    bias = product(*tiedBasis, true, column).values;
    StringRef name = ParamOp(tied->param).getSymName();
    if (Statistics::Input old = statistics.lookup(name)) {
      Matrix<float> rows(tiedBasis->columns, tiedBasis->rows);
      for (int64_t i = 0; i < rows.rows; ++i)
        for (int64_t j = 0; j < rows.columns; ++j)
          rows(i, j) = (*tiedBasis)(j, i);
      statistics.set(name, old->multiplied(rows));
    }
  }
  OpBuilder b(module.getContext());
  b.setInsertionPointAfter(norm.op);
  LinearOp linear = addLinear(b, result, matrix, bias, norm.scaleParam,
                              ParamOp(norm.scaleParam).getSymName() + ".back");
  keepPrecise(linear);
  result.replaceAllUsesExcept(linear, linear);
  if (input)
    statistics.set(findParam(linear.getWeight()).getSymName(), input);
}

void StreamRewriter::rewriteNorm(Norm &norm) {
  const Matrix<float> &basis = getBasis(norm.getInput());
  Statistics::Input input;
  if (norm.normalized) {
    Matrix<float> rows(basis.columns, basis.rows);
    for (int64_t i = 0; i < rows.rows; ++i)
      for (int64_t j = 0; j < rows.columns; ++j)
        rows(i, j) = basis(j, i);
    input = norm.normalized->multiplied(rows);
  }
  // The mean of the squares is one over all columns, of which some are 0.
  double part = double(basis.columns) / basis.rows;
  setVector(norm.op, 1, std::vector<float>(basis.columns, 1 / std::sqrt(part)));
  norm.scaleParam = symbols.lookup<ParamOp>(
      norm.op->getOperand(1).getDefiningOp<WeightOp>().getParam());
  OpBuilder b(norm.op);
  auto made = RMSNormOp::create(b, norm.op->getLoc(),
                                resize(norm.op->getResult(0), basis.columns),
                                norm.getInput(), norm.op->getOperand(1),
                                b.getF32FloatAttr(norm.getEpsilon() / part));
  norm.op->getResult(0).replaceAllUsesWith(made);
  Operation *old = norm.op;
  norm.op = made;
  auto biasLoad = old->getNumOperands() > 2
                      ? old->getOperand(2).getDefiningOp<WeightOp>()
                      : WeightOp();
  old->erase();
  if (biasLoad && biasLoad->use_empty()) {
    biasLoad.erase();
    if (--numLoads[norm.biasParam.getSymName()] == 0) {
      symbols.remove(norm.biasParam);
      eraseParam(norm.biasParam);
    }
  }
  if (norm.obstacle.empty())
    rewriteReaders(norm, input);
  else
    restore(norm, made, input);
}

static bool isIdentity(const Matrix<float> &matrix) {
  for (int64_t i = 0; i < matrix.rows; ++i)
    for (int64_t j = 0; j < matrix.columns; ++j)
      if (std::abs(matrix(i, j) - (i == j)) > 1e-5)
        return false;
  return matrix.rows == matrix.columns;
}

void StreamRewriter::rewriteSource(ResidualStream::Source &source) {
  Value value = source.op;
  Matrix<float> basis = center(getBasis(value), stream.isCentered);
  if (source.isOwn) {
    multiplyColumns(*source.weight, basis);
    return value.setType(resize(value, basis.columns));
  }
  Matrix<float> map(basis.columns, basis.rows);
  for (int64_t i = 0; i < map.rows; ++i)
    for (int64_t j = 0; j < map.columns; ++j)
      map(i, j) = basis(j, i);
  if (tied && source.weight == tied) {
    map = product(map, false, *tiedBasis);
    value.setType(resize(value, tiedBasis->columns));
    if (isIdentity(map))
      return;
  }
  OpBuilder b(module.getContext());
  b.setInsertionPointAfter(source.op);
  ParamOp place = findParam(source.op.getWeight());
  if (!place)
    place = stream.norms.front().scaleParam;
  LinearOp linear =
      addLinear(b, value, map, {}, place, place.getSymName() + ".into");
  keepPrecise(linear);
  value.replaceAllUsesExcept(linear, linear);
  Statistics &statistics = Statistics::of(module.getContext());
  ArrayRef<int64_t> counts = statistics.lookupCounts(place.getSymName());
  if (!source.weight || source.weight->transposed || counts.empty() ||
      !getFloatFormat(place.getType().getElementType()))
    return;
  Matrix<float> rows = readFloats(open(*source.weight));
  if (rows.rows == int64_t(counts.size()))
    if (Statistics::Input input = countRows(rows, counts))
      statistics.set(findParam(linear.getWeight()).getSymName(), input);
}

ResidualStream::Change StreamRewriter::run() {
  if (tiedBasis)
    tied = stream.findTied();
  module.walk([&](WeightOp op) { ++numLoads[op.getParam()]; });
  int64_t before = countBytes();
  insertSkips();
  resizeOps();
  for (ResidualStream::Writer &writer : stream.writers)
    rewriteWriter(writer);
  for (Norm &norm : stream.norms)
    rewriteNorm(norm);
  if (tied)
    multiplyColumns(*tied, *tiedBasis);
  for (ResidualStream::Source &source : stream.sources)
    rewriteSource(source);
  return {numInserted, before, countBytes()};
}

ResidualStream::Change ResidualStream::apply(const Matrix<float> *tiedBasis) {
  return StreamRewriter(*this, tiedBasis).run();
}
