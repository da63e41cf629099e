//===- Statistics.h - what calibration knows of a model ---------*- C++ -*-===//
//
// Collected once, by llmc-calibrate, and shared by every pass: the numbers are
// keyed by the names of parameters, which compression keeps. A context carries
// one such set, of the model that is being compressed.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_CALIBRATE_STATISTICS_H
#define LLMC_CALIBRATE_STATISTICS_H

#include "llmc/Calibrate/Matrix.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace llmc {

/// Of the rows x, each of `columns` numbers, that linears read. Linears over
/// one value, such as those of queries, keys and values, share it.
struct InputStatistics {
  int64_t columns = 0;
  int64_t count = 0; ///< Rows that were seen.
  /// Of each column: E[x], max |x| and E[|x|].
  llvm::ArrayRef<float> mean, absMax, absMean;
  /// E[x x^T], [columns, columns], symmetric. GPTQ's Hessian is twice this. On
  /// the diagonal it has E[x^2].
  llvm::ArrayRef<float> gram;
  /// What keeps the numbers: memory or a mapped file.
  std::shared_ptr<const void> owner;

  float getMeanSquare(int64_t column) const {
    return gram[column * columns + column];
  }
  float getVariance(int64_t column) const {
    return getMeanSquare(column) - mean[column] * mean[column];
  }
  MatrixRef<const float> getGram() const {
    return {gram.data(), columns, columns};
  }
  /// The statistics of rows x * scales, elementwise.
  std::shared_ptr<const InputStatistics>
  scaled(llvm::ArrayRef<float> scales) const;
  /// The statistics of rows that keep only these columns, in this order.
  std::shared_ptr<const InputStatistics>
  selected(llvm::ArrayRef<int64_t> kept) const;
  /// The statistics of rows v x, as far as those of x tell: E[|v x|] is that of
  /// a normal distribution, max |v x| a bound.
  std::shared_ptr<const InputStatistics>
  multiplied(MatrixRef<const float> v) const;
  /// The statistics of these rows and others of as many columns.
  std::shared_ptr<const InputStatistics>
  combined(const InputStatistics &other) const;
};

/// Statistics in memory of `count` rows of as many columns as `mean` has.
std::shared_ptr<const InputStatistics>
makeInputStatistics(int64_t count, std::vector<float> mean,
                    std::vector<float> absMax, std::vector<float> absMean,
                    std::vector<float> gram);

/// How far what a linear reads, x, and what its result is added to, r, are by
/// now from what they were in the model before it was compressed, x' and r'.
struct InputMismatch {
  /// E[(x' - x) x^T], [columns, columns].
  std::shared_ptr<const Matrix<float>> input;
  /// E[(r' - r) x^T], [rows, columns]; empty if there is no r.
  Matrix<float> residual;
};

/// Of a block, the ops between two places where one value is all that a model
/// hands on: an attention or MLP with its norm and residual addition, say.
struct BlockStatistics {
  /// Names of the weights of its linears.
  std::vector<std::string> params;
  /// Rows that were seen, and 1 - E[cos(x, y)] over the rows x before and y
  /// behind the block (block influence, ShortGPT, arXiv 2403.03853), from 0 to
  /// 2; -1 where there is nothing of the same size to compare with.
  int64_t count = 0;
  double influence = -1;
  /// The same over this block and the one before it, which is a whole layer
  /// behind an MLP.
  double pairInfluence = -1;
};

/// Where the queries of an attention over itself look.
struct AttentionStatistics {
  /// The first keys of a text have a row each; so many successive distances
  /// are one bin.
  static constexpr int64_t numFirst = 16, binWidth = 16;

  int64_t heads = 0;
  int64_t length = 0; ///< Positions of a sample.
  int64_t count = 0;  ///< Queries that were seen, in each head.
  /// [heads, numFirst + 1, bins]: the mean over queries, at positions p, of the
  /// probability of the key j at distances |p - j| in each bin; in the last row
  /// of all keys j >= numFirst together.
  std::vector<float> mass;

  int64_t getNumBins() const { return (length + binWidth - 1) / binWidth; }
  /// The part of the probability that a query of `head` gives to keys at
  /// distances below `window` and the first `sinks` ones: the mean over queries
  /// that have other keys. `window` is a multiple of binWidth, `sinks` at most
  /// numFirst, their sum below `length`.
  double getInside(int64_t head, int64_t window, int64_t sinks) const;
  /// Adds what was seen of another attention of as many heads and positions.
  void add(const AttentionStatistics &other);
};

/// What happened to the model when one weight alone was compressed, or one that
/// is an embedding too in one of both places.
struct WeightProbe {
  std::string param;
  bool inEmbedding = false;
  /// The mean over tokens of sum(p log(p / q)), in nats, for the probabilities
  /// p of the model as it is.
  double divergence = 0;
  /// For the error E of the weight, tr(E G E^T) with the Gram matrix G of what
  /// its linear reads, or the sum of the squares of E for an embedding.
  double squaredError = 0;
};

class Statistics {
public:
  using Input = std::shared_ptr<const InputStatistics>;

  /// The set that `context` carries, empty at first. It has llmc's dialect.
  static Statistics &of(mlir::MLIRContext *context);

  /// What is known of the input of the linears whose weight is the parameter
  /// `param`; null if nothing.
  Input lookup(llvm::StringRef param) const;
  /// What was known of a mismatch is not of this input any more.
  void set(llvm::StringRef param, Input input);
  void erase(llvm::StringRef param);
  const std::map<std::string, Input> &getInputs() const { return inputs; }

  /// How often each row of the embedding `param` was read; empty if nothing is
  /// known.
  llvm::ArrayRef<int64_t> lookupCounts(llvm::StringRef param) const;
  void setCounts(llvm::StringRef param, std::vector<int64_t> counts);

  /// While llmc-calibrate compresses a block beside a reference; null if
  /// nothing is known.
  const InputMismatch *lookupMismatch(llvm::StringRef param) const;
  void setMismatch(llvm::StringRef param, InputMismatch mismatch);
  void clearMismatches() { mismatches.clear(); }
  /// Of attentions, by a parameter of the linear that makes their queries.
  const std::map<std::string, AttentionStatistics> &getAttentions() const {
    return attentions;
  }
  /// What is known of an attention whose queries a linear makes of this
  /// parameter, or of one whose name begins with that of it and a dot, as those
  /// do that passes make of a parameter; null if nothing.
  const AttentionStatistics *lookupAttention(llvm::StringRef param) const;
  /// Adds to what is known, if it is of as many heads and positions.
  void addAttention(llvm::StringRef param, AttentionStatistics attention);

  /// What is known of the parameter `from` is known of `to` from now on: they
  /// have become one.
  void merge(llvm::StringRef from, llvm::StringRef to);

  /// In the order of the model.
  std::vector<BlockStatistics> blocks;
  std::vector<WeightProbe> probes;

  void clear();

  /// A safetensors file: "<param>.mean", ".abs_max", ".abs_mean", ".gram" of
  /// each different input, named after its first parameter, "<param>.counts"
  /// of each embedding, "<param>.attention" of each attention; in its metadata
  /// which parameters share an input, rows, blocks, probes and attentions.
  llvm::Error write(llvm::StringRef path) const;
  /// Replaces all by the contents of a file, which stays mapped.
  llvm::Error read(llvm::StringRef path);

private:
  std::map<std::string, Input> inputs;
  std::map<std::string, std::vector<int64_t>> counts;
  std::map<std::string, InputMismatch> mismatches;
  std::map<std::string, AttentionStatistics> attentions;
};

} // namespace llmc

#endif // LLMC_CALIBRATE_STATISTICS_H
