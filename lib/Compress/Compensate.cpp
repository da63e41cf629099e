//===- Compensate.cpp - what makes up for removed columns -----------------===//

#include "BlockQuantizer.h"
#include "UnitPruner.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

Matrix<float> llmc::readMatrix(const MatrixParam &matrix) {
  SmallVector<char> copy;
  WeightSource source = *getWeightSource(matrix.param, matrix.transposed, copy);
  Matrix<float> values(source.rows, source.columns);
  readWeight(source, 0, 0, values);
  return values;
}

void llmc::writeMatrix(const MatrixParam &matrix, const Matrix<float> &values) {
  ParamOp param = matrix.param;
  RankedTensorType type = param.getType();
  FloatFormat format = *getFloatFormat(type.getElementType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  auto bytes = std::make_shared<std::vector<char>>(rows * columns *
                                                   getFloatBytes(format));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      storeFloat(bytes->data(), format, i * columns + j,
                 matrix.transposed ? values(j, i) : values(i, j));
  replaceValue(param, makeResource(type, param.getSymName(),
                                   makeBlob(*bytes, alignof(float), bytes)));
}

FailureOr<CompensatedWeight> llmc::compensate(Matrix<float> weight,
                                              const InputStatistics &input,
                                              const llvm::BitVector &removed,
                                              Compensation how,
                                              double damping) {
  bool refit = how == Compensation::Refit || how == Compensation::RefitBias,
       bias = how == Compensation::Bias || how == Compensation::RefitBias;
  SmallVector<int64_t> gone, kept;
  for (int64_t j = 0; j < weight.columns; ++j)
    (removed[j] ? gone : kept).push_back(j);
  int64_t out = weight.rows, numGone = gone.size(), numKept = kept.size();
  CompensatedWeight result;
  if (bias) {
    result.bias.resize(out);
    for (int64_t i = 0; i < out; ++i)
      for (int64_t j : gone)
        result.bias[i] += double(weight(i, j)) * input.mean[j];
  }
  if (refit) {
    // The correlations that a bias cannot account for, or all of them.
    auto correlation = [&](int64_t a, int64_t b) {
      double value = input.gram[a * input.columns + b];
      return bias ? value - double(input.mean[a]) * input.mean[b] : value;
    };
    Matrix<double> inner(numKept, numKept), cross(numGone, numKept);
    double trace = 0;
    for (int64_t a = 0; a < numKept; ++a) {
      for (int64_t b = 0; b < numKept; ++b)
        inner(a, b) = correlation(kept[a], kept[b]);
      trace += inner(a, a);
    }
    for (int64_t a = 0; a < numKept; ++a)
      inner(a, a) += damping * trace / numKept;
    for (int64_t a = 0; a < numGone; ++a)
      for (int64_t b = 0; b < numKept; ++b)
        cross(a, b) = correlation(gone[a], kept[b]);
    if (failed(factorCholesky(inner)))
      return failure();
    solveUpper(inner, /*transpose=*/false, cross);
    solveUpper(inner, /*transpose=*/true, cross);

    Matrix<double> lost(out, numGone), change(out, numKept);
    for (int64_t i = 0; i < out; ++i)
      for (int64_t a = 0; a < numGone; ++a)
        lost(i, a) = weight(i, gone[a]);
    multiply(1, lost, false, cross, false, 0, change);
    for (int64_t i = 0; i < out; ++i)
      for (int64_t b = 0; b < numKept; ++b) {
        weight(i, kept[b]) += change(i, b);
        if (bias)
          result.bias[i] -= change(i, b) * input.mean[kept[b]];
      }
  }
  result.weight = std::move(weight);
  return result;
}

/// The parameter that is the bias of all these linears and nothing else.
static ParamOp findOwnBias(ArrayRef<LinearOp> linears) {
  LinearOp first = linears.front();
  auto load =
      first.getBias() ? first.getBias().getDefiningOp<WeightOp>() : WeightOp();
  if (!load)
    return {};
  bool own = true;
  auto module = first->getParentOfType<ModuleOp>();
  module.walk([&](WeightOp other) {
    if (other.getParam() != load.getParam())
      return;
    for (OpOperand &use : other->getUses()) {
      auto linear = dyn_cast<LinearOp>(use.getOwner());
      own &= linear && llvm::is_contained(linears, linear) &&
             use.get() == linear.getBias();
    }
  });
  for (LinearOp linear : linears) {
    auto other = linear.getBias() ? linear.getBias().getDefiningOp<WeightOp>()
                                  : WeightOp();
    own &= other && other.getParam() == load.getParam();
  }
  return own ? SymbolTable::lookupNearestSymbolFrom<ParamOp>(
                   load, load.getParamAttr())
             : ParamOp();
}

void llmc::addBias(ArrayRef<LinearOp> linears, ParamOp param,
                   ArrayRef<double> bias) {
  LinearOp any = linears.front();
  Type element = any.getWeight().getType().getElementType();
  FloatFormat format = *getFloatFormat(element);
  auto type = RankedTensorType::get({int64_t(bias.size())}, element);
  ParamOp own = findOwnBias(linears);
  SmallVector<char> copy;
  const char *old = own ? getParamBytes(own, copy).data() : nullptr;
  auto bytes =
      std::make_shared<std::vector<char>>(bias.size() * getFloatBytes(format));
  for (auto [i, value] : llvm::enumerate(bias))
    storeFloat(bytes->data(), format, i,
               value + (old ? loadFloat(old, format, i) : 0));
  StringRef base = param.getSymName();
  base.consume_back(".weight");
  std::string name = own ? own.getSymName().str() : (base + ".bias").str();
  auto value =
      makeResource(type, name, makeBlob(*bytes, alignof(float), bytes));
  if (own)
    return replaceValue(own, value);

  SymbolTable symbols(param->getParentOfType<ModuleOp>());
  OpBuilder builder(param.getContext());
  builder.setInsertionPointAfter(param);
  auto added = ParamOp::create(builder, param.getLoc(), name, value,
                               param.getSymVisibilityAttr());
  // Gives it another name if there is one like it.
  symbols.insert(added);
  for (LinearOp linear : linears) {
    OpBuilder b(linear);
    Value load = WeightOp::create(b, linear.getLoc(), type, added.getSymName());
    if (linear.getBias())
      load = AddOp::create(b, linear.getLoc(), linear.getBias(), load);
    linear.getBiasMutable().assign(load);
  }
}
