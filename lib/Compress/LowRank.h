//===- LowRank.h - products of two small matrices ---------------*- C++ -*-===//
//
// The matrices of a rank that are nearest to a given one, for different losses,
// and weights that are made of them.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_LOWRANK_H
#define LLMC_LIB_COMPRESS_LOWRANK_H

#include "FloatWeights.h"
#include "llmc/Compress/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/ADT/SetVector.h"

namespace llmc {

/// The product u v of [out, rank] and [rank, in].
struct Factors {
  Matrix<float> u, v;

  int64_t getRank() const { return v.rows; }
  Matrix<float> multiply() const;
  /// Rounds both as they are stored. False if something becomes infinite.
  bool round(FloatFormat format);
};

/// The S in which the loss of an error E of a weight is |E S|^2.
class ErrorMetric {
public:
  /// Fails, saying why, where statistics do not have it. `input` may be null
  /// for FactorMethod::Plain.
  static llvm::Expected<ErrorMetric> create(FactorMethod method,
                                            const InputStatistics *input,
                                            double alpha, double damping);
  /// w S.
  Matrix<double> apply(MatrixRef<const float> w) const;
  /// Replaces v by v S^-1.
  void undo(MatrixRef<double> v) const;

private:
  /// The diagonal of S, or empty.
  std::vector<double> scales;
  /// The upper triangular R with S = R^T, or empty.
  Matrix<double> upper;
};

/// What is known of a weight once its singular values are.
class Decomposition {
public:
  Decomposition(SingularValues &&values,
                std::shared_ptr<const ErrorMetric> metric)
      : singular(std::move(values)), metric(std::move(metric)) {}

  /// Those of w S, descending.
  llvm::ArrayRef<double> getValues() const { return singular.values; }
  /// The best factors of this rank.
  Factors truncate(int64_t rank) const;

private:
  SingularValues singular;
  std::shared_ptr<const ErrorMetric> metric;
};

/// Decomposes weights in a loss; those with the same input, one after the
/// other, share its metric.
class Decomposer {
public:
  Decomposer(FactorMethod method, double alpha, double damping)
      : method(method), alpha(alpha), damping(damping) {}

  /// Reports what makes no sense.
  llvm::LogicalResult verify(mlir::MLIRContext *context,
                             llvm::StringRef pass) const;
  /// Fails, saying why. `input` may be null where the method needs none.
  llvm::Expected<Decomposition> decompose(MatrixRef<const float> w,
                                          const Statistics::Input &input);

private:
  FactorMethod method;
  double alpha, damping;
  Statistics::Input last;
  std::shared_ptr<const ErrorMetric> metric;
};

/// The parameters of a product.
struct FactorParams {
  ParamOp u, v;

  /// NAME.u and NAME.v before `place`.
  static FactorParams create(ParamOp place, llvm::StringRef name,
                             const Factors &factors, mlir::Type element,
                             mlir::SymbolTable &symbols);
  /// One factor before `place`.
  static ParamOp createFactor(ParamOp place, const llvm::Twine &name,
                              MatrixRef<const float> factor, mlir::Type element,
                              mlir::SymbolTable &symbols);
  /// Loads and multiplies them.
  mlir::Value load(mlir::OpBuilder &builder, mlir::Location location);
  /// Makes a linear or embedding add the product to its weight: replaces it by
  /// it, linears of the factors and a sum.
  void addTo(mlir::Operation *reader);
  /// Makes what reads a weight read the product, by linears of the factors.
  void replace(const UsedWeight &weight);
  int64_t getBytes();
  /// Makes known what the linears of the factors read, whose product reads
  /// `input`, which may be null. Rows of u are looked up as often as `counts`
  /// says, which may be empty, if the product `isEmbedding`.
  void setStatistics(const Factors &factors, const Statistics::Input &input,
                     llvm::ArrayRef<int64_t> counts, bool isEmbedding);
};

/// Statistics of the rows of a matrix, each seen so many times; null if none
/// was.
Statistics::Input countRows(MatrixRef<const float> rows,
                            llvm::ArrayRef<int64_t> counts);

/// The weight of a linear or embedding.
mlir::Value getReadWeight(mlir::Operation *reader);

/// Linears and embeddings that read these values as their weights.
llvm::SetVector<mlir::Operation *>
findReaders(llvm::ArrayRef<mlir::Value> weights);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_LOWRANK_H
