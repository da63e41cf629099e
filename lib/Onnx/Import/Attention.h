//===- Attention.h - what builders of attention ops share -------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_IMPORT_ATTENTION_H
#define LLMC_LIB_ONNX_IMPORT_ATTENTION_H

#include "OnnxNode.h"

namespace llmc::onnx_detail {

/// Fails when the node has the input, which contributed ops number and name.
void refuseInput(OnnxNode &node, unsigned index, llvm::StringRef what);

mlir::Value toI64(OnnxNode &node, mlir::Value value);

/// [B, S, H * D] as [B, H, S, D].
mlir::Value splitHeads(OnnxNode &node, mlir::Value x, int64_t heads);

/// [B, H, S, D] as [B, S, H * D].
mlir::Value mergeHeads(OnnxNode &node, mlir::Value x);

/// The i64 vector begin, begin + 1, ..., end - 1; both are i64 vectors of one
/// element.
mlir::Value positions(OnnxNode &node, mlir::Value begin, mlir::Value end);

/// Position embedding of x [B, H, S, D] from the tables [B or 1, S, R / 2].
/// `rotary` is the number of elements of a head that are rotated, 0 for all.
mlir::Value rotate(OnnxNode &node, mlir::Value x, mlir::Value cos,
                   mlir::Value sin, int64_t rotary, bool interleaved);

/// What llmc.attention takes, and what ONNX's attention ops say besides.
struct AttentionParts {
  mlir::Value query, key, value; ///< [B, H, S, D]
  /// Bool or float; both broadcast to [B, H, S, T]. Float is added.
  mlir::Value allowed, bias;
  double scale = 0; ///< 0: 1 / sqrt(D)
  double softcap = 0;
  int64_t window = 0;
  /// Query i sees keys up to i + offset, where the offset is T - S, or 0 when
  /// the first query and the first key are aligned.
  bool causal = false;
  bool alignsFirstKey = false;
};

/// The result [B, H, S, Dv].
mlir::Value createAttention(OnnxNode &node, AttentionParts parts);

/// Both masks as one, in the form that llmc.attention takes.
mlir::Value combineMasks(OnnxNode &node, mlir::Value allowed, mlir::Value bias);

/// Keys j of which query i may see, as a bool [S, T]: j <= i + offset, where
/// `offset` is an i64 vector of one element.
mlir::Value causalMask(OnnxNode &node, mlir::Value queryLength,
                       mlir::Value keyLength, mlir::Value offset);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_ATTENTION_H
