//===- Export.h - llmc modules become ONNX models ---------------*- C++ -*-===//

#ifndef LLMC_ONNX_EXPORT_H
#define LLMC_ONNX_EXPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"

namespace llmc {

struct ExportOptions {
  /// Name of the file for external data, in the model's folder; empty for
  /// `<model>.data`.
  std::string externalDataName;
  /// Weights go into the external file when together they have more bytes.
  int64_t externalDataLimit = int64_t(256) << 20;
  /// Tensors below this size stay in the model all the same.
  int64_t externalTensorSize = 1024;
  /// Frees the bytes of each weight when they are written, for a module that is
  /// not used any more: the file's pages in memory take their place.
  bool freeWritten = false;
};

/// Writes the model to `path`. The files appear complete or not at all: they
/// are written under temporary names and then renamed. External data of a model
/// that was there before is removed if the new one has none.
llvm::LogicalResult exportOnnxModel(mlir::ModuleOp module, llvm::StringRef path,
                                    const ExportOptions &options = {});

} // namespace llmc

#endif // LLMC_ONNX_EXPORT_H
