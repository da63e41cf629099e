//===- Blobs.h - the bytes behind params ------------------------*- C++ -*-===//
//
// Parameters are `dense_resource` attributes. Their blobs belong to the
// context, not to a module: erasing IR frees nothing. Whoever drops a param
// frees its bytes with the functions here. A key has one owner; two params
// never share one.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_WEIGHTS_BLOBS_H
#define LLMC_WEIGHTS_BLOBS_H

#include "llmc/IR/Dialect.h"
#include "llmc/Weights/MappedFile.h"
#include "mlir/IR/AsmState.h"
#include <memory>

namespace llmc {

/// Bytes that a tensor of this type has: rows packed without padding, i1 a byte
/// each, other elements narrower than a byte packed little end first. Nothing
/// when the shape is dynamic or the product overflows.
std::optional<int64_t> getByteSize(mlir::ShapedType type);

/// A blob over `data`, which `owner` keeps alive. Copied to the heap when it
/// is not aligned to `alignment`.
mlir::AsmResourceBlob makeBlob(llvm::ArrayRef<char> data, size_t alignment,
                               std::shared_ptr<const void> owner);

/// A blob over a slice of a mapped file, copied when it is not aligned.
/// Freeing the blob releases the pages.
mlir::AsmResourceBlob makeBlob(llvm::ArrayRef<char> slice, size_t alignment,
                               std::shared_ptr<const MappedFile> file);

/// A resource attribute named `name` (made unique in the context).
mlir::DenseResourceElementsAttr makeResource(mlir::RankedTensorType type,
                                             llvm::StringRef name,
                                             mlir::AsmResourceBlob blob);

/// The bytes of a resource, empty when they were freed.
llvm::ArrayRef<char> getBytes(mlir::DenseResourceElementsAttr resource);

/// Frees the bytes now. Attributes that still name the resource see no data.
void freeBytes(mlir::DenseResourceElementsAttr resource);

/// Erases `param` and frees its bytes.
void eraseParam(ParamOp param);

/// Gives `param` another value and frees the bytes of the old one.
void replaceValue(ParamOp param, mlir::ElementsAttr value);

/// Erases the params of `module` that no op names and frees their bytes.
/// Returns how many there were.
unsigned eraseUnusedParams(mlir::ModuleOp module);

} // namespace llmc

#endif // LLMC_WEIGHTS_BLOBS_H
