//===- ExportTable.h - llmc op to ONNX nodes --------------------*- C++ -*-===//
//
// The inverse of Import/OpTable.h: one function per op writes its nodes.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_ONNX_EXPORT_EXPORTTABLE_H
#define LLMC_LIB_ONNX_EXPORT_EXPORTTABLE_H

#include "OpWriter.h"
#include "llvm/ADT/StringMap.h"
#include <functional>

namespace llmc::onnx_detail {

class ExportTable {
public:
  using Function =
      std::function<mlir::LogicalResult(OpWriter &, mlir::Operation *)>;

  ExportTable();

  template <typename OpTy>
  void add(mlir::LogicalResult (*function)(OpWriter &, OpTy)) {
    functions[OpTy::getOperationName()] = [=](OpWriter &writer,
                                              mlir::Operation *op) {
      return function(writer, llvm::cast<OpTy>(op));
    };
  }

  /// An op with the operands and the one result of its ONNX op.
  template <typename OpTy> void addSimple(llvm::StringRef onnxOp) {
    functions[OpTy::getOperationName()] = [=](OpWriter &writer,
                                              mlir::Operation *op) {
      llvm::SmallVector<std::string> inputs;
      for (mlir::Value operand : op->getOperands())
        inputs.push_back(writer.in(operand));
      writer.result(onnxOp, inputs);
      return mlir::success();
    };
  }

  const Function *lookup(mlir::Operation *op) const {
    auto found = functions.find(op->getName().getStringRef());
    return found == functions.end() ? nullptr : &found->second;
  }

private:
  llvm::StringMap<Function> functions;
};

// One function per file.
void registerMathExports(ExportTable &table);
void registerShapeExports(ExportTable &table);
void registerIndexExports(ExportTable &table);
void registerWeightExports(ExportTable &table);
void registerPrunedExports(ExportTable &table);
void registerLLMExports(ExportTable &table);
void registerNNExports(ExportTable &table);
void registerImageExports(ExportTable &table);
void registerRecurrentExports(ExportTable &table);
void registerQuantExports(ExportTable &table);
void registerControlExports(ExportTable &table);
void registerLoopExports(ExportTable &table);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_EXPORT_EXPORTTABLE_H
