//===- TensorReader.h - TensorProtos become attributes ----------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_IMPORT_TENSORREADER_H
#define LLMC_LIB_ONNX_IMPORT_TENSORREADER_H

#include "llmc/Weights/MappedFile.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"

namespace onnx {
class SparseTensorProto;
class TensorProto;
} // namespace onnx

namespace llmc::onnx_detail {

/// Reads the tensors of one model. Bytes stay where they are, in a mapped
/// external file or in the string that protobuf read, unless they need
/// converting. Errors are reported at `location`.
class TensorReader {
public:
  TensorReader(mlir::MLIRContext *context, llvm::StringRef modelPath);

  mlir::FailureOr<mlir::RankedTensorType>
  getType(const onnx::TensorProto &tensor, mlir::Location location);

  /// A small tensor as a DenseElementsAttr.
  mlir::FailureOr<mlir::ElementsAttr> readDense(onnx::TensorProto &tensor,
                                                mlir::Location location);

  /// A parameter: a resource called `name`. bool becomes ui8.
  mlir::FailureOr<mlir::DenseResourceElementsAttr>
  readResource(onnx::TensorProto &tensor, llvm::StringRef name,
               mlir::Location location);

  /// Writes out a sparse tensor with its zeros. `tensor` gets the values'
  /// name, type and the dense dimensions.
  mlir::LogicalResult densify(onnx::SparseTensorProto &sparse,
                              onnx::TensorProto &tensor,
                              mlir::Location location);

private:
  /// Bytes in ONNX's raw_data layout and who keeps them; a mapped file is kept
  /// apart so that its pages can be released.
  struct Bytes {
    llvm::ArrayRef<char> data;
    std::shared_ptr<const void> owner;
    std::shared_ptr<const MappedFile> file;
  };
  mlir::FailureOr<Bytes> getBytes(onnx::TensorProto &tensor,
                                  mlir::ShapedType type,
                                  mlir::Location location);
  mlir::FailureOr<Bytes> getExternalBytes(const onnx::TensorProto &tensor,
                                          int64_t size,
                                          mlir::Location location);
  mlir::FailureOr<Bytes> convertTypedData(const onnx::TensorProto &tensor,
                                          mlir::ShapedType type, int64_t size,
                                          mlir::Location location);

  mlir::MLIRContext *context;
  std::string directory;
  llvm::StringMap<std::shared_ptr<const MappedFile>> files;
  /// Strings taken out of TensorProtos; a tensor of an inlined function is
  /// read more than once.
  llvm::DenseMap<const onnx::TensorProto *, std::shared_ptr<std::string>>
      strings;
};

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_TENSORREADER_H
