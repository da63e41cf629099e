//===- ScaleFolding.cpp - scales between linears and their input ----------===//

#include "ScaleFolding.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Regex.h"
#include <numeric>

using namespace mlir;
using namespace llmc;

std::vector<float> ScaleGroup::spread(ArrayRef<float> scales) const {
  std::vector<float> columns;
  for (int64_t scale : scaleOf)
    columns.push_back(scales[scale]);
  return columns;
}

std::vector<float> ScaleGroup::collectLargest(ArrayRef<float> columns) const {
  std::vector<float> scales(numScales);
  for (auto [scale, column] : llvm::zip_equal(scaleOf, columns))
    scales[scale] = std::max(scales[scale], column);
  return scales;
}

namespace {

class ScaleFolder {
public:
  ScaleFolder(ModuleOp module)
      : module(module), weights(collectUsedWeights(module)), symbols(module) {
    for (UsedWeight &weight : weights)
      for (Value value : weight.values)
        weightOf[value] = &weight;
    module.walk([&](WeightOp op) { loads[op.getParam()].push_back(op); });
  }

  /// The linears of each value that linears read.
  llvm::MapVector<Value, SmallVector<LinearOp>> collectLinears() {
    llvm::MapVector<Value, SmallVector<LinearOp>> linears;
    module.walk([&](LinearOp op) { linears[op.getOperand()].push_back(op); });
    return linears;
  }

  /// The parameters that are their weights.
  SmallVector<ParamOp> getParams(ArrayRef<LinearOp> linears);

  /// Fills `group`, or returns why that cannot be.
  std::string find(Value input, ArrayRef<LinearOp> linears, ScaleGroup &group);

  /// Multiplies the columns of the weights and divides the producers.
  void fold(ScaleGroup &group, ArrayRef<float> scales);

private:
  std::string findWeights(ArrayRef<LinearOp> linears, ScaleGroup &group);
  std::string findProducers(Value input, ScaleGroup &group);
  std::string findValues(AttentionOp attention, ScaleGroup &group);
  /// The rows of a linear's weight and bias, where only `user` reads it.
  std::string addRows(LinearOp linear, ScaleGroup &group);
  /// A vector that only `user` reads.
  std::string addVector(Value vector, Operation *user, ScaleGroup &group);
  void scale(ParamOp param, int64_t dim, ArrayRef<float> factors, bool divide);

  ModuleOp module;
  SmallVector<UsedWeight> weights;
  SymbolTable symbols;
  llvm::DenseMap<Value, UsedWeight *> weightOf;
  llvm::StringMap<SmallVector<WeightOp>> loads;
};

std::string describe(Value value) {
  if (Operation *op = value.getDefiningOp())
    return ("'" + op->getName().getStringRef() + "'").str();
  return "an argument";
}

SmallVector<ParamOp> ScaleFolder::getParams(ArrayRef<LinearOp> linears) {
  llvm::SetVector<ParamOp> params;
  for (LinearOp linear : linears) {
    Operation *source = linear.getWeight().getDefiningOp();
    if (auto transpose = dyn_cast_or_null<TransposeOp>(source))
      source = transpose.getOperand().getDefiningOp();
    if (auto load = dyn_cast_or_null<WeightOp>(source))
      params.insert(symbols.lookup<ParamOp>(load.getParam()));
  }
  return params.takeVector();
}

std::string ScaleFolder::find(Value input, ArrayRef<LinearOp> linears,
                              ScaleGroup &group) {
  std::string reason = findWeights(linears, group);
  if (!reason.empty())
    return reason;
  for (Operation *user : input.getUsers())
    if (!isa<LinearOp>(user))
      return ("its input is read by '" + user->getName().getStringRef() +
              "' too")
          .str();
  int64_t columns = group.sources.front().columns;
  group.scaleOf.resize(columns);
  std::iota(group.scaleOf.begin(), group.scaleOf.end(), 0);
  group.numScales = columns;
  return findProducers(input, group);
}

std::string ScaleFolder::findWeights(ArrayRef<LinearOp> linears,
                                     ScaleGroup &group) {
  for (LinearOp linear : linears) {
    UsedWeight *weight = weightOf.lookup(linear.getWeight());
    if (!weight)
      return "the weight of a linear with the same input is computed, or "
             "compressed";
    if (llvm::any_of(group.weights, [&](UsedWeight &other) {
          return other.param == weight->param;
        }))
      continue;
    if (std::string reason = weight->getObstacle(WeightKinds::Linear, "scale");
        !reason.empty())
      return weight->inEmbedding && weight->inLinear && !weight->otherUser
                 ? "it is tied to an embedding"
                 : reason;
    for (Value value : weight->values)
      for (OpOperand &use : value.getUses())
        if (cast<LinearOp>(use.getOwner()).getOperand() != linear.getOperand())
          return "a linear with another input has the same weight";
    group.weights.push_back(*weight);
  }
  for (UsedWeight &weight : group.weights) {
    std::optional<WeightSource> source =
        getWeightSource(weight, group.copies.emplace_back());
    if (!source)
      return "its elements are not f32, f16 or bf16";
    group.sources.push_back(*source);
  }
  return {};
}

std::string ScaleFolder::addVector(Value vector, Operation *user,
                                   ScaleGroup &group) {
  auto load = vector.getDefiningOp<WeightOp>();
  if (!load)
    return describe(vector) + ", which is no parameter, scales its input";
  ParamOp param = symbols.lookup<ParamOp>(load.getParam());
  for (WeightOp other : loads[load.getParam()])
    for (Operation *reader : other->getUsers())
      if (reader != user)
        return ("'" + param.getSymName() + "', which scales its input, has " +
                "another use")
            .str();
  RankedTensorType type = param.getType();
  if (type.getRank() != 1 || type.getDimSize(0) != group.numScales ||
      !getFloatFormat(type.getElementType()))
    return ("'" + param.getSymName() + "', which scales its input, is no " +
            "vector of floats of its size")
        .str();
  group.producers.push_back({param, 0});
  return {};
}

std::string ScaleFolder::addRows(LinearOp linear, ScaleGroup &group) {
  UsedWeight *weight = weightOf.lookup(linear.getWeight());
  if (!weight)
    return "the weight of the linear that makes its input is computed, or "
           "compressed";
  bool only = !weight->otherUser && !weight->inEmbedding;
  for (Value value : weight->values)
    only &= value == linear.getWeight() && value.hasOneUse();
  if (!only)
    return ("'" + weight->param.getSymName() +
            "', which makes its input, has another use")
        .str();
  RankedTensorType type = weight->param.getType();
  int64_t dim = weight->transposed ? 1 : 0;
  if (type.getDimSize(dim) != group.numScales ||
      !getFloatFormat(type.getElementType()))
    return ("'" + weight->param.getSymName() +
            "', which makes its input, has other sizes or elements")
        .str();
  group.producers.push_back({weight->param, dim});
  if (Value bias = linear.getBias())
    return addVector(bias, linear, group);
  return {};
}

/// `value` if it has one use; the use is the one by which it was found.
template <typename OpT> OpT getOnly(Value value) {
  return value.hasOneUse() ? value.getDefiningOp<OpT>() : OpT();
}

bool swapsHeadsAndRows(TransposeOp op) {
  return op && op.getPerm() == ArrayRef<int64_t>{0, 2, 1, 3};
}

/// The scales that the heads of one head of values share go into its rows.
std::string ScaleFolder::findValues(AttentionOp attention, ScaleGroup &group) {
  auto unknown = [&](Value value) {
    return "the values of the attention before it come from " +
           describe(value) + ", not from a linear alone";
  };
  auto queries = cast<RankedTensorType>(attention.getQuery().getType());
  auto type = cast<RankedTensorType>(attention.getValue().getType());
  int64_t heads = queries.getDimSize(1), groups = type.getDimSize(1),
          size = type.getDimSize(3);
  if (ShapedType::isDynamic(heads) || ShapedType::isDynamic(groups) ||
      ShapedType::isDynamic(size) || heads % groups != 0 ||
      heads * size != group.getNumColumns())
    return unknown(attention.getValue());

  Value value = attention.getValue();
  // What a cache holds is scaled as well.
  if (auto concat = value.getDefiningOp<ConcatOp>()) {
    bool isCache = concat.getInputs().size() == 2 && concat.getAxis() == 2 &&
                   isa<BlockArgument>(concat.getInputs()[0]) &&
                   concat.getInputs()[0].hasOneUse();
    for (Operation *user : concat->getUsers())
      isCache &= user == attention || isa<func::ReturnOp>(user);
    if (!isCache)
      return unknown(value);
    value = concat.getInputs()[1];
  } else if (!value.hasOneUse()) {
    return unknown(value);
  }
  auto transpose = getOnly<TransposeOp>(value);
  if (attention.getQuery() == attention.getValue() ||
      attention.getKey() == attention.getValue() ||
      !swapsHeadsAndRows(transpose))
    return unknown(value);
  auto reshape = getOnly<ReshapeOp>(transpose.getOperand());
  if (!reshape)
    return unknown(transpose.getOperand());
  auto linear = getOnly<LinearOp>(reshape.getOperand());
  auto split = cast<RankedTensorType>(reshape.getType());
  if (!linear || split.getRank() != 4 || split.getDimSize(2) != groups ||
      split.getDimSize(3) != size ||
      cast<RankedTensorType>(linear.getType()).getRank() != 3)
    return unknown(reshape.getOperand());

  group.numScales = groups * size;
  for (int64_t column = 0; column < group.getNumColumns(); ++column)
    group.scaleOf[column] =
        column / size / (heads / groups) * size + column % size;
  return addRows(linear, group);
}

std::string ScaleFolder::findProducers(Value input, ScaleGroup &group) {
  Operation *op = input.getDefiningOp();
  if (auto norm = dyn_cast_or_null<RMSNormOp>(op))
    return addVector(norm.getScale(), norm, group);
  if (auto norm = dyn_cast_or_null<LayerNormOp>(op)) {
    if (int64_t(norm.getAxis()) !=
        cast<RankedTensorType>(norm.getType()).getRank() - 1)
      return "the layer_norm before it has more than one dimension";
    std::string reason = addVector(norm.getScale(), norm, group);
    if (reason.empty() && norm.getBias())
      reason = addVector(norm.getBias(), norm, group);
    return reason;
  }
  // relu(x / s) is relu(x) / s.
  while (auto relu = dyn_cast_or_null<ReluOp>(op))
    op = relu.getOperand().hasOneUse() ? relu.getOperand().getDefiningOp()
                                       : nullptr;
  if (auto linear = dyn_cast_or_null<LinearOp>(op))
    return addRows(linear, group);
  if (auto product = dyn_cast_or_null<MulOp>(op)) {
    for (Value factor : {product.getRhs(), product.getLhs()})
      if (auto linear = getOnly<LinearOp>(factor))
        if (factor.getType() == input.getType())
          return addRows(linear, group);
    return "no factor of its input is the result of a linear alone";
  }
  if (auto reshape = dyn_cast_or_null<ReshapeOp>(op)) {
    auto transpose = getOnly<TransposeOp>(reshape.getOperand());
    auto type = cast<RankedTensorType>(reshape.getType());
    if (swapsHeadsAndRows(transpose) && type.getRank() == 3)
      if (auto attention = getOnly<AttentionOp>(transpose.getOperand()))
        return findValues(attention, group);
  }
  return "nothing before it can be scaled: its input is " + describe(input);
}

void ScaleFolder::scale(ParamOp param, int64_t dim, ArrayRef<float> factors,
                        bool divide) {
  RankedTensorType type = param.getType();
  FloatFormat format = *getFloatFormat(type.getElementType());
  SmallVector<char> copy;
  const char *from = getParamBytes(param, copy).data();
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      type.getNumElements() * getFloatBytes(format), 64,
      /*dataIsMutable=*/true);
  char *to = blob.getMutableData().data();
  int64_t rows = type.getDimSize(0),
          columns = type.getRank() == 1 ? 1 : type.getDimSize(1);
  parallelFor(module.getContext(), 0, rows, [&](size_t row) {
    for (int64_t column = 0; column < columns; ++column) {
      int64_t index = row * columns + column;
      float factor = factors[dim == 0 ? int64_t(row) : column];
      float value = loadFloat(from, format, index);
      storeFloat(to, format, index, divide ? value / factor : value * factor);
    }
  });
  replaceValue(param, makeResource(type, param.getSymName(), std::move(blob)));
}

void ScaleFolder::fold(ScaleGroup &group, ArrayRef<float> scales) {
  std::vector<float> columns = group.spread(scales), inverse;
  for (const ScaleGroup::Place &place : group.producers)
    scale(place.param, place.dim, scales, /*divide=*/true);
  for (UsedWeight &weight : group.weights)
    scale(weight.param, weight.transposed ? 0 : 1, columns, /*divide=*/false);
  for (float scale : columns)
    inverse.push_back(1 / scale);
  Statistics::Input input = group.input->scaled(inverse);
  Statistics &statistics = Statistics::of(module.getContext());
  for (UsedWeight &weight : group.weights)
    statistics.set(weight.param.getSymName(), input);
}

} // namespace

ScaleFoldingResult
llmc::foldScales(ModuleOp module, StringRef skip, bool strict,
                 llvm::function_ref<std::vector<float>(ScaleGroup &)> choose) {
  ScaleFoldingResult result;
  ScaleFolder folder(module);
  llvm::Regex skipped(skip);
  Statistics &statistics = Statistics::of(module.getContext());
  llvm::DenseSet<ParamOp> reported;
  for (auto &[input, linears] : folder.collectLinears()) {
    ScaleGroup group;
    SmallVector<ParamOp> params = folder.getParams(linears);
    if (!skip.empty() && llvm::any_of(params, [&](ParamOp param) {
          return skipped.match(param.getSymName());
        }))
      continue;
    std::string reason = folder.find(input, linears, group);
    for (UsedWeight &weight : group.weights) {
      if (!reason.empty())
        break;
      group.input = statistics.lookup(weight.param.getSymName());
      if (!group.input)
        reason = "no statistics of its input; run llmc-calibrate first";
      else if (group.input->columns != group.getNumColumns())
        reason = "the statistics of its input have another number of columns; "
                 "run llmc-calibrate again";
    }
    if (!reason.empty()) {
      for (ParamOp param : params) {
        if (!reported.insert(param).second)
          continue;
        ++result.numSkipped;
        InFlightDiagnostic diagnostic =
            strict ? param->emitError() : param->emitRemark();
        diagnostic << "'" << param.getSymName()
                   << "' is not scaled: " << reason;
        result.failed |= strict;
      }
      continue;
    }
    std::vector<float> scales = choose(group);
    if (scales.empty())
      continue;
    folder.fold(group, scales);
    ++result.numScaled;
  }
  return result;
}
