//===- GraphImporter.h - walks graphs, functions and subgraphs --*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_IMPORT_GRAPHIMPORTER_H
#define LLMC_LIB_ONNX_IMPORT_GRAPHIMPORTER_H

#include "../Proto.h"
#include "OpTable.h"
#include "TensorReader.h"
#include "llmc/Onnx/Import.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringSet.h"
#include <memory>

namespace llmc::onnx_detail {

/// The opsets of ONNX's own domain that the builders know.
inline constexpr int64_t minOpset = 7, maxOpset = 28;
inline constexpr int64_t maxIrVersion = 14;

class GraphImporter {
public:
  GraphImporter(::onnx::ModelProto &model, mlir::ModuleOp module,
                llvm::StringRef path, const ImportOptions &options);

  /// Fills the module.
  mlir::LogicalResult run();

  mlir::OpBuilder &getBuilder() { return builder; }
  TensorReader &getReader() { return reader; }
  mlir::ModuleOp getModule() { return module; }
  /// Symbolic shapes of all values so far, from the inputs' dim_params on.
  ShapeContext &getShapes() { return shapes; }

  /// The node that is being imported, for diagnostics.
  std::string describeCurrentNode() const;

  /// Imports a subgraph attribute of the current node at the insertion point,
  /// with `arguments` as its inputs. It sees the values around the node.
  /// Appends its outputs.
  mlir::LogicalResult
  importSubgraph(::onnx::GraphProto &graph, mlir::ValueRange arguments,
                 llvm::SmallVectorImpl<mlir::Value> &outputs);

  /// The value of a tensor: a constant, or a weight whose param is made.
  mlir::Value importTensor(::onnx::TensorProto &tensor, llvm::StringRef name,
                           mlir::Location location, bool initializer);

  /// The type that value_info gives a name; null without one. Unknown and
  /// symbolic dimensions are dynamic.
  mlir::RankedTensorType getDeclaredType(llvm::StringRef name) const;

  /// An attribute of a node, where references to an attribute of the function
  /// around the node are followed. Null when it is absent.
  const ::onnx::AttributeProto *findAttribute(const ::onnx::NodeProto &node,
                                              llvm::StringRef name) const;

  mlir::Location getLoc(llvm::StringRef valueName) const;

private:
  /// What holds inside one function body, or in the model outside of all.
  struct Frame {
    const Frame *caller = nullptr;
    const ::onnx::FunctionProto *function = nullptr;
    llvm::StringMap<int64_t> opsets;
    llvm::StringMap<const ::onnx::AttributeProto *> attributes;
    /// Makes the names of values in the function unique.
    std::string prefix;
  };

  /// A name's value; initializers become values on their first use.
  struct Binding {
    mlir::Value value;
    ::onnx::TensorProto *initializer = nullptr;
  };

  /// The names of one graph. Names of the graphs around it are visible.
  struct Scope {
    const Scope *outer = nullptr;
    const Frame *frame = nullptr;
    mlir::Block *block = nullptr;
    llvm::StringMap<Binding> names;
    llvm::StringMap<const ::onnx::TypeProto *> types;
  };

  using Nodes = google::protobuf::RepeatedPtrField<::onnx::NodeProto>;

  mlir::LogicalResult importMain();
  mlir::LogicalResult readOpsets(
      const google::protobuf::RepeatedPtrField<::onnx::OperatorSetIdProto> &ids,
      Frame &frame);
  mlir::LogicalResult declareInitializers(::onnx::GraphProto &graph);
  void declareTypes(const ::onnx::GraphProto &graph);
  mlir::LogicalResult importNodes(Nodes &nodes);
  mlir::FailureOr<std::vector<int>> sortNodes(const Nodes &nodes);
  mlir::LogicalResult importNode(::onnx::NodeProto &node);
  mlir::LogicalResult importCall(::onnx::NodeProto &node,
                                 ::onnx::FunctionProto &function,
                                 mlir::ValueRange inputs);
  mlir::LogicalResult importUnknown(OnnxNode &node);
  mlir::LogicalResult bindOutputs(::onnx::NodeProto &node,
                                  mlir::ArrayRef<mlir::Value> outputs);
  mlir::LogicalResult bind(llvm::StringRef name, mlir::Value value);
  mlir::FailureOr<mlir::Value> lookup(llvm::StringRef name);
  static std::string makeFunctionKey(llvm::StringRef domain,
                                     llvm::StringRef name,
                                     llvm::StringRef overload);

  /// The value of a graph output with the static dimensions that the model
  /// declares, and the names of its symbolic ones.
  mlir::Value finishOutput(const ::onnx::ValueInfoProto &output,
                           mlir::Value value,
                           llvm::SmallVectorImpl<std::string> &dims);

  /// The ranked tensor type that is declared, and the names of its symbolic
  /// dimensions. Null when there is none.
  mlir::RankedTensorType
  convertType(const ::onnx::TypeProto &type,
              llvm::SmallVectorImpl<std::string> *dims) const;

  ::onnx::ModelProto &model;
  mlir::ModuleOp module;
  const ImportOptions &options;
  mlir::OpBuilder builder;
  TensorReader reader;
  OpTable table;
  ShapeContext shapes;
  mlir::Location fileLocation;
  llvm::StringMap<::onnx::FunctionProto *> functions;
  llvm::StringSet<> paramNames;
  /// Params of tensors, which have one however often their graph is imported:
  /// for each call of its function, or as a loop's types are being found.
  llvm::DenseMap<const ::onnx::TensorProto *, ParamOp> params;
  Scope *scope = nullptr;
  const ::onnx::NodeProto *currentNode = nullptr;
  int64_t nodeCount = 0, nodeLimit = 0;
};

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_GRAPHIMPORTER_H
