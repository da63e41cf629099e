//===- OnnxNode.h - what a builder sees of one ONNX node --------*- C++ -*-===//
//
// A builder reads its node's operands and attributes here and creates llmc ops
// here. Errors stick: after the first one `create` does nothing and returns a
// null value, accessors of types answer for null values, and the node has
// failed. So builders read straight through, without a check per line.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_ONNX_IMPORT_ONNXNODE_H
#define LLMC_LIB_ONNX_IMPORT_ONNXNODE_H

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

namespace onnx {
class AttributeProto;
class GraphProto;
class NodeProto;
} // namespace onnx

namespace llmc::onnx_detail {

class GraphImporter;

class OnnxNode {
public:
  OnnxNode(GraphImporter &importer, onnx::NodeProto &proto, int64_t opset,
           llvm::SmallVector<mlir::Value> inputs, mlir::Location location);

  //===------------------------------------------------------------------===//
  // The node
  //===------------------------------------------------------------------===//

  llvm::StringRef getOpType() const;
  /// Version of the node's domain that the model imports.
  int64_t getOpset() const { return opset; }
  onnx::NodeProto &getProto() const { return proto; }
  GraphImporter &getImporter() const { return importer; }
  mlir::OpBuilder &getBuilder() const;
  mlir::Location getLoc() const { return location; }
  mlir::MLIRContext *getContext() const { return location.getContext(); }

  /// Reports what is wrong with the node, which the message need not name.
  mlir::LogicalResult fail(const llvm::Twine &message);
  bool hasFailed() const { return failed; }

  //===------------------------------------------------------------------===//
  // Inputs and outputs
  //===------------------------------------------------------------------===//

  unsigned getNumInputs() const { return inputs.size(); }
  bool hasInput(unsigned index) const {
    return index < inputs.size() && inputs[index];
  }
  /// Null when the optional input is absent.
  mlir::Value input(unsigned index) const {
    return index < inputs.size() ? inputs[index] : mlir::Value();
  }
  llvm::ArrayRef<mlir::Value> getInputs() const { return inputs; }

  unsigned getNumOutputs() const;
  /// Whether the model gives the output a name, that is, may use it.
  bool wantsOutput(unsigned index) const;
  /// Binds an output; a null value only after an error.
  void setOutput(unsigned index, mlir::Value value);
  llvm::ArrayRef<mlir::Value> getOutputs() const { return outputs; }
  /// Binds the only output that there is, or the first.
  mlir::LogicalResult result(mlir::Value value);
  /// The type that the model's value_info declares for an output, or null.
  mlir::RankedTensorType declaredType(unsigned output) const;

  //===------------------------------------------------------------------===//
  // Types of values; a null value is a scalar f32
  //===------------------------------------------------------------------===//

  mlir::RankedTensorType type(mlir::Value value) const;
  mlir::Type elementType(mlir::Value value) const {
    return type(value).getElementType();
  }
  int64_t rank(mlir::Value value) const { return type(value).getRank(); }
  /// kDynamic outside the rank.
  int64_t dim(mlir::Value value, int64_t index) const;
  /// Whether dimension `i` of `a` is dimension `j` of `b` for all inputs.
  bool haveEqualSize(mlir::Value a, int64_t i, mlir::Value b, int64_t j) const;
  /// Fails unless the dimension is static.
  int64_t staticDim(mlir::Value value, int64_t index, llvm::StringRef what);
  /// Fails outside [-rank, rank).
  int64_t normalizeAxis(int64_t axis, int64_t rank);
  llvm::SmallVector<int64_t> normalizeAxes(llvm::ArrayRef<int64_t> axes,
                                           int64_t rank);

  //===------------------------------------------------------------------===//
  // Attributes; one of another type than asked for is an error
  //===------------------------------------------------------------------===//

  bool hasAttr(llvm::StringRef name) const;
  int64_t intAttr(llvm::StringRef name, int64_t defaultValue);
  int64_t requiredInt(llvm::StringRef name);
  double floatAttr(llvm::StringRef name, double defaultValue);
  llvm::StringRef stringAttr(llvm::StringRef name,
                             llvm::StringRef defaultValue);
  /// Empty when absent.
  llvm::SmallVector<int64_t> intsAttr(llvm::StringRef name);
  llvm::SmallVector<double> floatsAttr(llvm::StringRef name);
  llvm::SmallVector<llvm::StringRef> stringsAttr(llvm::StringRef name);
  /// A constant of the value of a tensor attribute; null when absent.
  mlir::Value tensorAttr(llvm::StringRef name);
  onnx::GraphProto *graphAttr(llvm::StringRef name);
  /// Fails when one of the attributes is set to something but `value`: the
  /// setting is one that llmc does not implement.
  void requireInt(llvm::StringRef name, int64_t value);

  //===------------------------------------------------------------------===//
  // Constants
  //===------------------------------------------------------------------===//

  /// Elements of an integer tensor that are known at import.
  std::optional<llvm::SmallVector<int64_t>> constantInts(mlir::Value value);
  /// Elements of a float constant or param.
  std::optional<llvm::SmallVector<double>> constantFloats(mlir::Value value);
  /// Elements of an input that must be known at import; empty when absent.
  llvm::SmallVector<int64_t> requiredInts(unsigned input, llvm::StringRef what);
  /// What older opsets have as an attribute and newer ones as an input.
  std::optional<llvm::SmallVector<int64_t>>
  intsAttrOrInput(llvm::StringRef name, unsigned input);

  mlir::Value ints(llvm::ArrayRef<int64_t> values);
  mlir::Value scalar(mlir::Type elementType, double value);
  /// A scalar of the element type of `value`.
  mlir::Value scalarLike(mlir::Value value, double number) {
    return scalar(elementType(value), number);
  }
  mlir::Value splat(mlir::RankedTensorType type, double value);
  mlir::Value constant(mlir::ElementsAttr value);

  //===------------------------------------------------------------------===//
  // Ops
  //===------------------------------------------------------------------===//

  /// Creates an op whose result types follow from its operands, and verifies
  /// it. The arguments are those of the op's builder after the result types.
  template <typename OpTy, typename... Args>
  mlir::Value create(Args &&...args) {
    mlir::Operation *op = createOp<OpTy>(std::forward<Args>(args)...);
    return op ? op->getResult(0) : mlir::Value();
  }

  template <typename OpTy, typename... Args>
  mlir::Operation *createOp(Args &&...args) {
    if (failed)
      return nullptr;
    mlir::OperationState state(location, OpTy::getOperationName());
    // The types are placeholders: inference gives the real ones, and unlike
    // ODS's inferring builders it may fail.
    llvm::SmallVector<mlir::Type> types(numResults<OpTy>(),
                                        getBuilder().getNoneType());
    OpTy::build(getBuilder(), state, mlir::TypeRange(types),
                std::forward<Args>(args)...);
    return finish(state, static_cast<InferTypes>(&OpTy::inferReturnTypes));
  }

  /// A cast unless the value has the element type already.
  mlir::Value castTo(mlir::Value value, mlir::Type elementType);
  /// A value with one more static type, or the value itself.
  mlir::Value refine(mlir::Value value, mlir::RankedTensorType type);

  // The shape ops that decompositions use all the time.
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> perm);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value unsqueeze(mlir::Value value, llvm::ArrayRef<int64_t> axes);
  mlir::Value squeeze(mlir::Value value, llvm::ArrayRef<int64_t> axes);
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t start,
                    int64_t end);
  /// Dimension `axis` as an i64 vector of one element.
  mlir::Value dimOf(mlir::Value value, int64_t axis);
  mlir::Value shapeOf(mlir::Value value);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> values, int64_t axis);
  mlir::Value reduce(ReduceKind kind, mlir::Value value,
                     llvm::ArrayRef<int64_t> axes, bool keepdims = true);

private:
  template <typename OpTy> static constexpr unsigned numResults() {
    using namespace mlir::OpTrait;
    if (OpTy::template hasTrait<NResults<2>::Impl>())
      return 2;
    if (OpTy::template hasTrait<NResults<3>::Impl>())
      return 3;
    if (OpTy::template hasTrait<NResults<4>::Impl>())
      return 4;
    return 1;
  }
  using InferTypes = mlir::LogicalResult (*)(
      mlir::MLIRContext *, std::optional<mlir::Location>, mlir::ValueRange,
      mlir::DictionaryAttr, mlir::OpaqueProperties, mlir::RegionRange,
      llvm::SmallVectorImpl<mlir::Type> &);
  mlir::Operation *finish(mlir::OperationState &state, InferTypes inferTypes);
  const onnx::AttributeProto *findAttr(llvm::StringRef name, int type);

  GraphImporter &importer;
  onnx::NodeProto &proto;
  int64_t opset;
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::Value> outputs;
  mlir::Location location;
  bool failed = false;
};

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_ONNXNODE_H
