//===- GraphExporter.h - a module's graph as a ModelProto -------*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_EXPORT_GRAPHEXPORTER_H
#define LLMC_LIB_ONNX_EXPORT_GRAPHEXPORTER_H

#include "../Proto.h"
#include "ExportTable.h"
#include "TensorWriter.h"
#include "llmc/Onnx/Export.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringSet.h"

namespace llmc::onnx_detail {

/// What kernels read of a weight that is quantized in blocks.
struct PackedWeight {
  std::string data, zeros;
  int64_t bits;
};

class GraphExporter {
public:
  /// External data is called `dataName`.
  GraphExporter(mlir::ModuleOp module, std::string dataName,
                const ExportOptions &options);

  /// Fills in the model but for the bytes of large initializers, which are
  /// external data or raw data.
  mlir::LogicalResult run(::onnx::ModelProto &model);
  const ExternalData &getExternalData() const { return externalData; }
  /// What has the bytes of each initializer that are not in the model; of some
  /// null.
  llvm::ArrayRef<mlir::DenseResourceElementsAttr> getRawData() const {
    return rawData;
  }

  //===------------------------------------------------------------------===//
  // For OpWriter and export functions
  //===------------------------------------------------------------------===//

  std::string getName(mlir::Value value);
  void setName(mlir::Value value, std::string name);
  std::string makeUnique(llvm::StringRef name);
  /// Writes the ops of a block, a branch of an If, as a subgraph.
  mlir::LogicalResult exportSubgraph(mlir::Block &block, llvm::StringRef name,
                                     ::onnx::GraphProto &graph);
  mlir::LogicalResult exportBlock(mlir::Block &block,
                                  ::onnx::GraphProto &graph);
  mlir::LogicalResult writeValueInfo(mlir::Type type,
                                     mlir::DictionaryAttr attributes,
                                     llvm::StringRef name,
                                     ::onnx::ValueInfoProto &info,
                                     mlir::Operation *op);

  // Initializers of the main graph. Those that nothing reads in the end are
  // not written.

  /// Equal constants share one. It gets the name of its location.
  std::string addConstant(mlir::ElementsAttr value, mlir::Location location);
  ParamOp getParam(WeightOp weight);
  /// The initializer of a param has the param's name.
  std::string addParam(WeightOp weight);
  /// A bool param is stored in bytes; nothing when these are not bools.
  std::optional<std::string> addBoolParam(WeightOp weight);
  /// A matrix behind a Transpose node, one per graph.
  std::string getTransposed(mlir::Value weight, OpWriter &writer);
  void setPacked(mlir::Value weight, PackedWeight names) {
    packed[weight] = std::move(names);
  }
  PackedWeight getPacked(mlir::Value weight) { return packed.at(weight); }
  /// Counts a weight that runtimes unpack when they load the model; a remark
  /// says how many there are.
  void noteUnpacked(WeightOpInterface op);
  /// Counts a linear for which ONNX Runtime unpacks the weight each time.
  void noteSlowLinear() { ++slowLinears; }
  /// The same, for floats as zero points.
  void noteFloatZeros() { ++floatZeroLinears; }

  void requireOpset(int64_t opset, mlir::Operation *op);
  /// Notes the domain of a written node, or version of a carried one.
  void useDomain(llvm::StringRef domain, int64_t version);
  mlir::LogicalResult carryVersion(int64_t version, mlir::Operation *op);

private:
  struct Initializer {
    std::string name;
    mlir::ElementsAttr value;
    /// The type that is written, over the same bytes as the value's.
    mlir::ShapedType type;
  };
  struct Unpacked {
    int64_t count = 0, stored = 0, dense = 0;
  };

  mlir::LogicalResult exportMain(mlir::func::FuncOp main,
                                 ::onnx::GraphProto &graph);
  void assignNames(mlir::func::FuncOp main);
  mlir::LogicalResult writeVersions(::onnx::ModelProto &model);
  mlir::LogicalResult writeInitializers();
  void reportSlowWeights();

  mlir::ModuleOp module;
  const ExportOptions &options;
  std::string dataName;
  ExportTable table;
  ::onnx::GraphProto *mainGraph = nullptr;
  ExternalData externalData;
  std::vector<mlir::DenseResourceElementsAttr> rawData;

  llvm::DenseMap<mlir::Value, std::string> names;
  llvm::StringSet<> usedNames;
  llvm::DenseMap<mlir::Attribute, std::string> constants;
  llvm::DenseMap<std::pair<mlir::Attribute, mlir::Type>, std::string> params;
  llvm::DenseMap<std::pair<mlir::Value, ::onnx::GraphProto *>, std::string>
      transposed;
  llvm::DenseMap<mlir::Value, PackedWeight> packed;
  std::vector<Initializer> initializers;
  Unpacked unpacked;
  int64_t slowLinears = 0, floatZeroLinears = 0;

  llvm::StringMap<int64_t> domains;
  /// The largest opset that an op needs, and that of carried nodes.
  int64_t neededOpset = 0;
  mlir::Operation *needingOp = nullptr;
  std::optional<int64_t> carriedOpset;
};

/// Graph outputs are values of their own: a value that has another name, or is
/// returned twice, gets there through an Identity.
void writeIdentity(::onnx::GraphProto &graph, llvm::StringRef from,
                   llvm::StringRef to);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_EXPORT_GRAPHEXPORTER_H
