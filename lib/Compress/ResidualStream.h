//===- ResidualStream.h - what the layers of a model add to -----*- C++ -*-===//
//
// Embeddings, sums of that with what linears compute, and norms that read the
// sums: a basis of this space may be changed, or made smaller, in the weights
// of whatever writes and reads it.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_RESIDUALSTREAM_H
#define LLMC_LIB_COMPRESS_RESIDUALSTREAM_H

#include "FloatWeights.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/MapVector.h"

namespace llmc {

class ResidualStream {
public:
  struct Source {
    EmbeddingOp op;
    /// What is known of its weight; null if that is not a parameter.
    const UsedWeight *weight;
    /// Whether nothing else reads the weight.
    bool isOwn;
  };

  struct Norm {
    /// llmc.rms_norm or llmc.layer_norm.
    mlir::Operation *op;
    ParamOp scaleParam, biasParam;
    std::vector<float> scale, bias;
    /// The linears that read it, and their weights, each once.
    llvm::SmallVector<LinearOp> readers;
    llvm::SetVector<const UsedWeight *> weights;
    /// Why the weights cannot take what the norm did, or empty. Then a linear
    /// behind the norm makes of its result what it was.
    std::string obstacle;
    /// What linears read, if that is known of one, with scale and bias undone.
    Statistics::Input normalized;

    mlir::Value getInput() const { return op->getOperand(0); }
    float getEpsilon() const;
  };

  struct Writer {
    LinearOp op;
    const UsedWeight *weight;
    /// The sum that it is part of.
    mlir::Value target;
  };

  /// Values between which are only ops that move rows, and the norms that read
  /// them.
  struct Segment {
    /// The first of the values.
    mlir::Value value;
    llvm::SmallVector<Norm *> norms;
    /// [width, new width], columns orthonormal. x becomes basis^T x.
    const Matrix<float> *basis = nullptr;
  };

  /// In the order of the model.
  std::vector<Source> sources;
  std::vector<Norm> norms;
  std::vector<Writer> writers;
  std::vector<Segment> segments;
  int64_t width = 0;
  /// Whether norms subtract the mean.
  bool isCentered = false;

  /// For messages.
  llvm::StringRef getName() const;
  /// The tied weight: one that an embedding and the linears behind the last
  /// norm read, and nothing else; null if there is none.
  const UsedWeight *findTied() const;

  /// Gives each segment without a basis that of the next one.
  void spreadBases();
  struct Change {
    int64_t numInserted = 0, bytesBefore = 0, bytesAfter = 0;
  };
  /// Changes the bases. A weight that is tied gets the rows' coordinates in
  /// `tiedBasis`, [width, new width], unless that is null.
  Change apply(const Matrix<float> *tiedBasis);

private:
  friend class StreamFinder;
  friend class StreamRewriter;

  mlir::func::FuncOp main;
  std::shared_ptr<const llvm::SmallVector<UsedWeight>> weights;
  /// Which segment a value belongs to.
  llvm::MapVector<mlir::Value, size_t> segmentOf;
  /// The ops between embeddings, linears and norms, and the segments whose
  /// width their results have.
  llvm::MapVector<mlir::Operation *, size_t> ops;
};

struct StreamOptions {
  /// What a pass does, for messages: "rotated".
  llvm::StringRef participle;
  /// Whether the width stays.
  bool keepsWidth;
  llvm::StringRef skip;
  bool strict;
};

/// The streams of a lifted model whose bases can be changed. Says of others why
/// they stay, which is an error when `strict`; then `failed` is set. Streams
/// with a parameter that `skip` matches are left out, in silence.
std::vector<ResidualStream> findResidualStreams(mlir::ModuleOp module,
                                                const StreamOptions &options,
                                                int64_t &numSkipped,
                                                bool &failed);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_RESIDUALSTREAM_H
