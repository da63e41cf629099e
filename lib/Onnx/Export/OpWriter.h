//===- OpWriter.h - what an export function sees of one op ------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_EXPORT_OPWRITER_H
#define LLMC_LIB_ONNX_EXPORT_OPWRITER_H

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Operation.h"

namespace onnx {
class GraphProto;
class NodeProto;
} // namespace onnx

namespace llmc::onnx_detail {

class GraphExporter;

/// A node that has been written; chained calls set its attributes.
class WrittenNode {
public:
  explicit WrittenNode(::onnx::NodeProto &proto) : proto(&proto) {}

  WrittenNode &attr(llvm::StringRef name, int64_t value);
  WrittenNode &attr(llvm::StringRef name, double value);
  WrittenNode &attr(llvm::StringRef name, llvm::StringRef value);
  WrittenNode &attr(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  WrittenNode &attr(llvm::StringRef name, llvm::ArrayRef<float> values);
  WrittenNode &attr(llvm::StringRef name,
                    llvm::ArrayRef<llvm::StringRef> values);
  /// The name of its first output.
  std::string name() const;
  operator std::string() const { return name(); }
  ::onnx::NodeProto &getProto() { return *proto; }

private:
  ::onnx::NodeProto *proto;
};

class OpWriter {
public:
  OpWriter(GraphExporter &exporter, ::onnx::GraphProto &graph,
           mlir::Operation *op)
      : exporter(exporter), graph(graph), op(op) {}

  using Names = llvm::ArrayRef<std::string>;

  /// ONNX name of an operand, empty for an absent one.
  std::string in(mlir::Value value);
  /// ONNX name of a result of the op.
  std::string out(unsigned index = 0);

  /// Writes a node that defines the op's results.
  WrittenNode result(llvm::StringRef opType, Names inputs,
                     llvm::StringRef domain = "");
  /// Writes a node that defines one value of no op, and names it.
  WrittenNode node(llvm::StringRef opType, Names inputs,
                   llvm::StringRef domain = "");

  /// Initializers for constants that the op holds as attributes.
  std::string ints(llvm::ArrayRef<int64_t> values);
  std::string scalar(mlir::Type elementType, double value);
  std::string scalarLike(mlir::Value value, double number) {
    return scalar(
        llvm::cast<mlir::ShapedType>(value.getType()).getElementType(), number);
  }
  std::string constant(mlir::ElementsAttr value);

  /// The model's opset must be at least this.
  void requireOpset(int64_t opset);
  /// Makes `value` another name of `name`.
  void alias(mlir::Value value, std::string name);
  mlir::LogicalResult fail(const llvm::Twine &message);

  GraphExporter &getExporter() { return exporter; }
  ::onnx::GraphProto &getGraph() { return graph; }
  mlir::Operation *getOp() { return op; }

private:
  GraphExporter &exporter;
  ::onnx::GraphProto &graph;
  mlir::Operation *op;
};

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_EXPORT_OPWRITER_H
