//===- LLMCBase.td - the dialect, its attributes and op base classes ------===//
//
// Every family of ops (WeightOps.td, MathOps.td, ...) builds on these.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_IR_LLMCBASE
#define LLMC_IR_LLMCBASE

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "llmc/IR/Interfaces.td"

def LLMC_Dialect : Dialect {
  let name = "llmc";
  let cppNamespace = "::llmc";
  let summary = "Language models and their compressed weights as a graph.";
  let description = [{
    Graph ops follow the newest ONNX definition of the same name, on ranked
    tensors with signless integers for signed and `uiN` for unsigned ONNX
    types. A weight is an SSA value; compressing it rewrites the expression
    that computes it (`llmc.weight`, `llmc.dequantize`, `llmc.lookup`, ...).

    Attributes of a model's entry function:

    * `llmc.name` on an argument or result: its ONNX name.
    * `llmc.dims` on an argument or result: one string per dimension, the ONNX
      `dim_param` or empty. Equal names are equal sizes.
    * `llmc.state` on an argument: it is a buffer that the session owns and the
      call updates; the value is the name of the ONNX output it stands for. On
      a result: the updated buffer; the value is the argument's name.
    * `llmc.size` on a scalar integer argument: it is not negative.
  }];
  let hasConstantMaterializer = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerWeightOps();
    void registerMathOps();
    void registerShapeOps();
    void registerIndexOps();
    void registerLLMOps();
    void registerNNOps();
    void registerImageOps();
    void registerRecurrentOps();
    void registerQuantOps();
    void registerOnnxOps();
    void registerKernelOps();
    void registerFolding();
  }];
}

//===----------------------------------------------------------------------===//
// Type constraints
//===----------------------------------------------------------------------===//

def LLMC_Tensor : Type<CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">,
                       "ranked tensor", "::mlir::RankedTensorType">;
class LLMC_TensorOf<Type element, string description>
    : Type<And<[LLMC_Tensor.predicate,
                SubstLeaves<"$_self",
                  "::llvm::cast<::mlir::ShapedType>($_self).getElementType()",
                  element.predicate>]>,
           description, "::mlir::RankedTensorType">;
def LLMC_FloatTensor : LLMC_TensorOf<AnyFloat, "ranked tensor of floats">;
def LLMC_IntTensor : LLMC_TensorOf<AnyInteger, "ranked tensor of integers">;
def LLMC_BoolTensor : LLMC_TensorOf<I1, "ranked tensor of i1">;
def LLMC_I64Tensor : LLMC_TensorOf<I64, "ranked tensor of i64">;

/// A string attribute with one of the values that ONNX defines for it.
class LLMC_StrOf<list<string> values> : ConfinedAttr<StrAttr, [
    AttrConstraint<Or<!foreach(value, values, CPred<
        "::llvm::cast<::mlir::StringAttr>($_self).getValue() == \"" # value #
        "\"">)>, "one of " # !interleave(values, ", ")>]>;

//===----------------------------------------------------------------------===//
// Op base classes
//===----------------------------------------------------------------------===//

/// The operands are broadcast against each other as numpy does it.
def LLMC_Broadcasts : NativeOpTrait<"Broadcasts"> {
  let cppNamespace = "::llmc";
}

class LLMC_Op<string mnemonic, list<Trait> traits = []>
    : Op<LLMC_Dialect, mnemonic, traits>;

/// An op without side effects whose result types follow from its operands and
/// attributes through `inferShapes`, written once per op in lib/IR. Builders
/// infer types from it, the verifier checks against it, and the pass
/// llmc-infer-shapes refines types by it with symbolic dimensions.
class LLMC_GraphOp<string mnemonic, list<Trait> traits = []>
    : LLMC_Op<mnemonic, !listconcat(traits, [
        Pure, InferTypeOpAdaptorWithIsCompatible,
        DeclareOpInterfaceMethods<LLMC_ShapeInferenceOpInterface>])> {
  let results = (outs LLMC_Tensor:$result);
  let assemblyFormat =
      "operands attr-dict `:` functional-type(operands, results)";
  code baseDeclaration = [{
    /// Appends the shape of each result; see ShapeInfo.
    static ::llvm::LogicalResult inferShapes(
        ::llmc::ShapeContext &shapes, Adaptor adaptor,
        ::llvm::SmallVectorImpl<::llmc::ShapeInfo> &results);
  }];
  let extraClassDeclaration = baseDeclaration;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::inferReturnTypes(
        ::mlir::MLIRContext *context, std::optional<::mlir::Location> location,
        Adaptor adaptor, ::llvm::SmallVectorImpl<::mlir::Type> &types) {
      ::llmc::ShapeContext shapes(context, location);
      ::llvm::SmallVector<::llmc::ShapeInfo> results;
      if (::mlir::failed($cppClass::inferShapes(shapes, adaptor, results)))
        return ::mlir::failure();
      for (::llmc::ShapeInfo &info : results)
        types.push_back(info.getType());
      return ::mlir::success();
    }
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange inferred,
                                            ::mlir::TypeRange actual) {
      return ::llmc::areCompatibleTypes(inferred, actual);
    }
    ::llvm::LogicalResult $cppClass::inferResultShapes(
        ::llmc::ShapeContext &shapes,
        ::llvm::SmallVectorImpl<::llmc::ShapeInfo> &results) {
      return $cppClass::inferShapes(
          shapes, Adaptor((*this)->getOperands(), *this), results);
    }
  }];
}

#endif // LLMC_IR_LLMCBASE
