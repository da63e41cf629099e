//===- Passes.h - passes that compress models -------------------*- C++ -*-===//

#ifndef LLMC_COMPRESS_PASSES_H
#define LLMC_COMPRESS_PASSES_H

#include "llmc/Compress/WeightUses.h"
#include "llmc/IR/PassStatistics.h"
#include "llmc/Weights/FloatFormat.h"

namespace llmc {

/// How the range of a block's grid is found.
enum class ClipSearch { None, MSE };
/// What errors are weighted with in that search. `Auto` is for passes whose
/// other options tell.
enum class ClipWeighting { None, Activations, Auto };
/// What a KV cache stores.
enum class KVCacheFormat { F16, Int8, Int4 };
/// What llmc-quantize-scales stores.
enum class ScaleType { F16, Int8 };
/// What scales of a quantized weight are stored as in the end.
enum class ScaleStorage { F32, F16, Int8 };
/// What linears with quantized weights will read.
enum class LinearOperands { Float, Int8 };
/// When scales of activations are found.
enum class ActivationScales { Dynamic, Static };
/// What llmc-cast-weights makes of the operands of linears.
enum class CastActivations { Float, BF16 };
/// What decides which neurons or heads go.
enum class PruneMethod { Magnitude, Activation, Flap, OBS };
/// Whether as many go from each layer.
enum class UnitScope { Layer, Global };
/// What makes up for those that went.
enum class Compensation { None, Bias, Refit, RefitBias };
/// Which heads go together.
enum class HeadUnit { Group, Query };
/// What llmc-group-heads makes of heads.
enum class GroupMethod { Mean, Statistics };
/// How llmc-slice chooses what of a residual stream stays.
enum class SliceMethod { PCA, Columns };
/// What the basis behind a sum is chosen for: what is read there, there and
/// later, or anywhere.
enum class SliceBasis { Own, Later, Shared };
/// What llmc-prune-layers removes.
enum class LayerUnit { Layer, Block };
/// What of a removal of layers is done.
enum class LayerStep { All, Mark, Remove };

/// What errors of a factored weight cost.
enum class FactorMethod { Plain, Scaled, Whitened };

/// What layers share of their weights.
enum class ShareMethod { Basis, Fit, Mean };

/// Which weights are compared with each other when some are pruned.
enum class PruneScope { Row, Layer, Global };
/// How pruned weights are stored.
enum class PruneStore { Sparse, Dense };
/// Where the values come from that weights share.
enum class ClusterMethod {
  KMeans,
  Exact,
  NF4,
  FP4,
  FP8E4M3,
  FP8E5M2,
  MXFP4,
  MXFP6E2M3,
  MXFP6E3M2,
  MXFP8E4M3,
  MXFP8E5M2
};

#define GEN_PASS_DECL
#include "llmc/Compress/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "llmc/Compress/Passes.h.inc"

/// Category of the remarks (mlir/IR/Remarks.h) that compression passes emit,
/// one for each weight they rewrite, with what changed as arguments.
inline constexpr llvm::StringLiteral compressRemarks = "llmc-compress";

} // namespace llmc

#endif // LLMC_COMPRESS_PASSES_H
