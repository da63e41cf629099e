//===- TensorWriter.h - attributes become TensorProtos ----------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_EXPORT_TENSORWRITER_H
#define LLMC_LIB_ONNX_EXPORT_TENSORWRITER_H

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace onnx {
class TensorProto;
}

namespace llmc::onnx_detail {

/// Fills in the bytes of a tensor.
mlir::LogicalResult writeData(mlir::ElementsAttr value,
                              ::onnx::TensorProto &tensor);

/// Fills in the type and the bytes of a tensor.
mlir::LogicalResult writeTensor(mlir::ElementsAttr value,
                                ::onnx::TensorProto &tensor);

/// The file of external data while it is planned and written.
class ExternalData {
public:
  /// Reserves a place for the bytes of `value` and says so in the tensor.
  void add(mlir::DenseResourceElementsAttr value, llvm::StringRef fileName,
           ::onnx::TensorProto &tensor);
  bool empty() const { return parts.empty(); }
  void write(llvm::raw_ostream &stream, bool freeWritten) const;

private:
  struct Part {
    int64_t offset;
    mlir::DenseResourceElementsAttr value;
  };
  std::vector<Part> parts;
  /// Offset of bytes that were added, which two tensors may share.
  llvm::DenseMap<const char *, int64_t> offsets;
  int64_t end = 0;
};

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_EXPORT_TENSORWRITER_H
