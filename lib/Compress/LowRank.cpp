//===- LowRank.cpp - products of two small matrices -----------------------===//

#include "LowRank.h"
#include "HessianFactor.h"
#include "llmc/Lift/LowRank.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

//===----------------------------------------------------------------------===//
// Matrices
//===----------------------------------------------------------------------===//

Matrix<float> Factors::multiply() const {
  Matrix<float> product(u.rows, v.columns);
  llmc::multiply(1, u, false, v, false, 0, product);
  return product;
}

bool Factors::round(FloatFormat format) {
  bool finite = roundFloats(u, format);
  return roundFloats(v, format) && finite;
}

llvm::Expected<ErrorMetric> ErrorMetric::create(FactorMethod method,
                                                const InputStatistics *input,
                                                double alpha, double damping) {
  ErrorMetric metric;
  if (method == FactorMethod::Scaled) {
    for (float mean : input->absMean) {
      // The published code adds this too, for columns that were always 0.
      metric.scales.push_back(std::pow(double(mean), alpha) + 1e-6);
      if (!std::isfinite(metric.scales.back()))
        return llvm::createStringError(
            "the statistics of its input are not finite");
    }
  } else if (method == FactorMethod::Whitened) {
    FailureOr<DampedHessian> damped = dampHessian(*input, damping);
    if (failed(damped))
      return llvm::createStringError(
          "the statistics of its input are not finite");
    metric.upper = Matrix<double>(input->columns, input->columns);
    llvm::copy(damped->hessian.values, metric.upper.values.begin());
    if (failed(factorCholesky(metric.upper)))
      return llvm::createStringError(
          "the Gram matrix of its input is not positive definite; calibrate "
          "with more tokens or raise damping");
  }
  return metric;
}

Matrix<double> ErrorMetric::apply(MatrixRef<const float> w) const {
  Matrix<double> result(w.rows, w.columns);
  for (int64_t i = 0; i < w.rows; ++i)
    for (int64_t j = 0; j < w.columns; ++j)
      result(i, j) = w(i, j) * (scales.empty() ? 1 : scales[j]);
  if (upper.rows == 0)
    return result;
  Matrix<double> product(w.rows, w.columns);
  multiply(1, result.ref(), false, upper.ref(), true, 0, product);
  return product;
}

void ErrorMetric::undo(MatrixRef<double> v) const {
  if (upper.rows != 0)
    solveUpper(upper.ref(), /*transpose=*/true, v);
  for (int64_t j = 0; j < int64_t(scales.size()); ++j)
    for (int64_t i = 0; i < v.rows; ++i)
      v(i, j) /= scales[j];
}

Factors Decomposition::truncate(int64_t rank) const {
  const SingularValues &all = singular;
  Factors factors{Matrix<float>(all.u.rows, rank),
                  Matrix<float>(rank, all.vt.columns)};
  Matrix<double> v(rank, all.vt.columns);
  for (int64_t k = 0; k < rank; ++k) {
    double root = std::sqrt(all.values[k]);
    for (int64_t i = 0; i < all.u.rows; ++i)
      factors.u(i, k) = all.u(i, k) * root;
    for (int64_t j = 0; j < v.columns; ++j)
      v(k, j) = all.vt(k, j) * root;
  }
  metric->undo(v);
  llvm::copy(v.values, factors.v.values.begin());
  return factors;
}

LogicalResult Decomposer::verify(MLIRContext *context, StringRef pass) const {
  auto fail = [&](StringRef option, double value) {
    return emitError(UnknownLoc::get(context))
           << pass << ": " << option << " is " << value
           << "; it must not be negative";
  };
  if (!(alpha >= 0 && std::isfinite(alpha)))
    return fail("alpha", alpha);
  if (!(damping >= 0 && std::isfinite(damping)))
    return fail("damping", damping);
  return success();
}

llvm::Expected<Decomposition>
Decomposer::decompose(MatrixRef<const float> w,
                      const Statistics::Input &input) {
  if (!metric || (method != FactorMethod::Plain && last != input)) {
    llvm::Expected<ErrorMetric> created =
        ErrorMetric::create(method, input.get(), alpha, damping);
    if (!created)
      return created.takeError();
    metric = std::make_shared<ErrorMetric>(std::move(*created));
    last = input;
  }
  FailureOr<SingularValues> values = findSingularValues(metric->apply(w).ref());
  if (failed(values))
    return llvm::createStringError("its singular values cannot be computed");
  return Decomposition(std::move(*values), metric);
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

ParamOp FactorParams::createFactor(ParamOp place, const Twine &name,
                                   MatrixRef<const float> factor, Type element,
                                   SymbolTable &symbols) {
  FloatFormat format = *getFloatFormat(element);
  OpBuilder builder(place);
  std::string full = name.str();
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      factor.rows * factor.columns * getFloatBytes(format), /*align=*/64,
      /*dataIsMutable=*/true);
  for (int64_t i = 0; i < factor.rows; ++i)
    for (int64_t j = 0; j < factor.columns; ++j)
      storeFloat(blob.getMutableData().data(), format, i * factor.columns + j,
                 factor(i, j));
  auto type = RankedTensorType::get({factor.rows, factor.columns}, element);
  auto param = ParamOp::create(builder, place.getLoc(), full,
                               makeResource(type, full, std::move(blob)),
                               place.getSymVisibilityAttr());
  symbols.insert(param, Block::iterator(place));
  return param;
}

FactorParams FactorParams::create(ParamOp place, StringRef name,
                                  const Factors &factors, Type element,
                                  SymbolTable &symbols) {
  ParamOp u = createFactor(place, name + ".u", factors.u, element, symbols);
  return {u, createFactor(place, name + ".v", factors.v, element, symbols)};
}

Value FactorParams::load(OpBuilder &builder, Location location) {
  auto loadOne = [&](ParamOp param) -> Value {
    return WeightOp::create(builder, location, param.getType(),
                            param.getSymName());
  };
  auto type = RankedTensorType::get(
      {u.getType().getDimSize(0), v.getType().getDimSize(1)},
      u.getType().getElementType());
  Value first = loadOne(u);
  return MatMulOp::create(builder, location, type,
                          ValueRange{first, loadOne(v)});
}

void FactorParams::addTo(Operation *reader) {
  OpBuilder builder(reader);
  Value weight = getReadWeight(reader);
  Value sum = AddOp::create(
      builder, reader->getLoc(), cast<RankedTensorType>(weight.getType()),
      ValueRange{weight, load(builder, reader->getLoc())});
  reader->setOperand(1, sum);
  // A weight of more ops than this looks at stays an expression.
  (void)splitLowRank(reader);
}

void FactorParams::replace(const UsedWeight &weight) {
  llvm::SetVector<Operation *> readers = findReaders(weight.values);
  replaceWeight(weight, [&](OpBuilder &builder, Location location) {
    return load(builder, location);
  });
  for (Operation *reader : readers)
    if (failed(splitLowRank(reader)))
      llvm_unreachable("a product is its weight");
}

int64_t FactorParams::getBytes() {
  return *getByteSize(u.getType()) + *getByteSize(v.getType());
}

Statistics::Input llmc::countRows(MatrixRef<const float> rows,
                                  ArrayRef<int64_t> counts) {
  int64_t total = 0;
  Matrix<float> scaled(rows.rows, rows.columns);
  Matrix<float> gram(rows.columns, rows.columns);
  std::vector<float> absMax(rows.columns);
  std::vector<double> mean(rows.columns), absMean(rows.columns);
  for (int64_t i = 0; i < rows.rows; ++i) {
    total += counts[i];
    for (int64_t j = 0; j < rows.columns; ++j) {
      float value = rows(i, j);
      scaled(i, j) = std::sqrt(double(counts[i])) * value;
      mean[j] += double(counts[i]) * value;
      absMean[j] += double(counts[i]) * std::fabs(value);
      if (counts[i])
        absMax[j] = std::max(absMax[j], std::fabs(value));
    }
  }
  if (total == 0)
    return nullptr;
  addGram(scaled, gram);
  mirrorUpper(gram);
  auto divide = [&](auto &&sums) {
    std::vector<float> means;
    for (double sum : sums)
      means.push_back(sum / total);
    return means;
  };
  return makeInputStatistics(total, divide(mean), std::move(absMax),
                             divide(absMean), divide(gram.values));
}

void FactorParams::setStatistics(const Factors &factors,
                                 const Statistics::Input &input,
                                 ArrayRef<int64_t> counts, bool isEmbedding) {
  Statistics &statistics = Statistics::of(u.getContext());
  if (input) {
    statistics.set(v.getSymName(), input);
    statistics.set(u.getSymName(), input->multiplied(factors.v));
  }
  if (!isEmbedding || counts.empty())
    return;
  // The linear of an embedding reads the rows that were looked up.
  if (!input)
    if (Statistics::Input rows = countRows(factors.u, counts))
      statistics.set(v.getSymName(), rows);
  statistics.setCounts(u.getSymName(),
                       std::vector<int64_t>(counts.begin(), counts.end()));
}

Value llmc::getReadWeight(Operation *reader) {
  assert((isa<LinearOp, EmbeddingOp>(reader)) && "what has a weight");
  return reader->getOperand(1);
}

llvm::SetVector<Operation *> llmc::findReaders(ArrayRef<Value> weights) {
  llvm::SetVector<Operation *> readers;
  for (Value weight : weights)
    readers.insert_range(weight.getUsers());
  return readers;
}
