//===- Import.h - ONNX models become llmc modules ---------------*- C++ -*-===//

#ifndef LLMC_ONNX_IMPORT_H
#define LLMC_ONNX_IMPORT_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

namespace llmc {

struct ImportOptions {
  /// Sizes for symbolic dimensions (ONNX `dim_param`s), which become static.
  llvm::StringMap<int64_t> dims;
  /// Values for inputs, which become constants: for what must be known at
  /// import, such as the axes of a reduction.
  llvm::StringMap<mlir::DenseElementsAttr> constants;
};

/// Reads the ONNX model at `path`. Weights stay in its files, which are mapped,
/// wherever the bytes are stored as they are used. Null after exactly one
/// error diagnostic, which names the node where there is one.
mlir::OwningOpRef<mlir::ModuleOp>
importOnnxModel(llvm::StringRef path, mlir::MLIRContext *context,
                const ImportOptions &options = {});

/// The same for a serialized model in memory; external data is looked up
/// beside `path`, which also names the model in diagnostics.
mlir::OwningOpRef<mlir::ModuleOp>
importOnnxModelFromBuffer(llvm::StringRef bytes, llvm::StringRef path,
                          mlir::MLIRContext *context,
                          const ImportOptions &options = {});

/// The dialects that an imported module uses.
void registerOnnxImportDialects(mlir::DialectRegistry &registry);

} // namespace llmc

#endif // LLMC_ONNX_IMPORT_H
