//===- Safetensors.h - tensors by name in a file ----------------*- C++ -*-===//
//
// The format of huggingface/safetensors: 8 bytes with the length of a JSON
// header, the header, and the bytes of the tensors.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_WEIGHTS_SAFETENSORS_H
#define LLMC_WEIGHTS_SAFETENSORS_H

#include "llmc/Weights/MappedFile.h"
#include "mlir/IR/Types.h"
#include "llvm/ADT/SmallVector.h"
#include <map>
#include <string>

namespace llmc {

/// A tensor in row-major order.
struct NamedTensor {
  std::string dtype; ///< "F32", "I64", ... as the format has them.
  llvm::SmallVector<int64_t> shape;
  llvm::ArrayRef<char> data;

  template <typename T> llvm::ArrayRef<T> getValues() const {
    return {reinterpret_cast<const T *>(data.data()), data.size() / sizeof(T)};
  }
};

struct Safetensors {
  /// Keeps the bytes of a file that was read.
  std::shared_ptr<const MappedFile> file;
  std::map<std::string, NamedTensor> tensors;
  std::map<std::string, std::string> metadata;

  /// Maps a file. Fails, with the file's name, on anything that the format
  /// does not allow; every tensor has the bytes that its shape asks for, and
  /// begins at a multiple of its element's size.
  static llvm::Expected<Safetensors> read(llvm::StringRef path);
  /// Writes a file that is complete or not there.
  llvm::Error write(llvm::StringRef path) const;

  /// The tensor of this name, dtype and rank; fails with what is there instead.
  llvm::Expected<NamedTensor> get(llvm::StringRef name, llvm::StringRef dtype,
                                  int64_t rank) const;
};

/// Bytes of an element, nothing for a dtype that llmc does not know.
std::optional<int64_t> getDtypeBytes(llvm::StringRef dtype);

/// The dtype of an MLIR element type and the inverse; empty and null for types
/// that the other side does not have.
llvm::StringRef getDtype(mlir::Type type);
mlir::Type getDtypeType(llvm::StringRef dtype, mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_WEIGHTS_SAFETENSORS_H
