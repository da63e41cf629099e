//===- Export.cpp - llmc modules become ONNX models -----------------------===//

#include "llmc/Onnx/Export.h"
#include "GraphExporter.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/OutputFile.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/LEB128.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

//===----------------------------------------------------------------------===//
// Protobuf's encoding (https://protobuf.dev/programming-guides/encoding)
//===----------------------------------------------------------------------===//

/// The key of a field that has a length, as messages and bytes do.
static uint64_t getKey(int field) { return uint64_t(field) << 3 | 2; }

static uint64_t getFieldSize(int field, uint64_t length) {
  return llvm::getULEB128Size(getKey(field)) + llvm::getULEB128Size(length) +
         length;
}

/// What is in front of the `length` bytes of a field.
static void writeKey(int field, uint64_t length, llvm::raw_ostream &stream) {
  llvm::encodeULEB128(getKey(field), stream);
  llvm::encodeULEB128(length, stream);
}

namespace {
/// A model whose initializers have bytes that were not copied into them. A
/// message may have its fields in any order: these come last.
class SplitModel {
public:
  /// Takes the graph out of `model`. `rawData` has what has the bytes of each
  /// of its initializers, null for those that are complete.
  SplitModel(::onnx::ModelProto &model,
             ArrayRef<DenseResourceElementsAttr> rawData)
      : model(model), rawData(rawData), graph(model.release_graph()) {
    initializers.Swap(graph->mutable_initializer());
    graphSize = graph->ByteSizeLong();
    for (auto [tensor, value] : llvm::zip_equal(initializers, rawData))
      graphSize += getFieldSize(::onnx::GraphProto::kInitializerFieldNumber,
                                getSize(tensor, value));
  }

  uint64_t getSize() const {
    return model.ByteSizeLong() +
           getFieldSize(::onnx::ModelProto::kGraphFieldNumber, graphSize);
  }

  void write(llvm::raw_ostream &stream, bool freeWritten) const;

private:
  static uint64_t getSize(const ::onnx::TensorProto &tensor,
                          DenseResourceElementsAttr value) {
    uint64_t size = tensor.ByteSizeLong();
    if (value)
      size += getFieldSize(::onnx::TensorProto::kRawDataFieldNumber,
                           getBytes(value).size());
    return size;
  }

  const ::onnx::ModelProto &model;
  ArrayRef<DenseResourceElementsAttr> rawData;
  std::unique_ptr<::onnx::GraphProto> graph;
  google::protobuf::RepeatedPtrField<::onnx::TensorProto> initializers;
  uint64_t graphSize;
};

void SplitModel::write(llvm::raw_ostream &stream, bool freeWritten) const {
  stream << model.SerializeAsString();
  writeKey(::onnx::ModelProto::kGraphFieldNumber, graphSize, stream);
  stream << graph->SerializeAsString();
  // Initializers of several types may have the same bytes.
  llvm::DenseMap<Attribute, int> uses;
  for (DenseResourceElementsAttr value : rawData)
    ++uses[value];
  for (auto [tensor, value] : llvm::zip_equal(initializers, rawData)) {
    writeKey(::onnx::GraphProto::kInitializerFieldNumber,
             getSize(tensor, value), stream);
    stream << tensor.SerializeAsString();
    if (!value)
      continue;
    ArrayRef<char> bytes = getBytes(value);
    writeKey(::onnx::TensorProto::kRawDataFieldNumber, bytes.size(), stream);
    stream.write(bytes.data(), bytes.size());
    if (--uses[value] == 0 && freeWritten)
      freeBytes(value);
  }
}
} // namespace

LogicalResult llmc::exportOnnxModel(ModuleOp module, StringRef path,
                                    const ExportOptions &options) {
  std::string dataName = options.externalDataName.empty()
                             ? (llvm::sys::path::filename(path) + ".data").str()
                             : options.externalDataName;
  if (llvm::sys::path::filename(dataName) != dataName)
    return module.emitError("external data must lie in the model's folder: '")
           << dataName << "' is not the name of a file";
  ::onnx::ModelProto model;
  GraphExporter exporter(module, dataName, options);
  if (failed(exporter.run(model)))
    return failure();
  const ExternalData &data = exporter.getExternalData();

  auto report = [&](llvm::Error error) {
    return module.emitError() << toString(std::move(error));
  };
  SmallString<256> dataPath(llvm::sys::path::parent_path(path));
  llvm::sys::path::append(dataPath, dataName);
  std::unique_ptr<OutputFile> dataFile;
  if (!data.empty()) {
    auto created = OutputFile::create(dataPath);
    if (!created)
      return report(created.takeError());
    dataFile = std::move(*created);
    data.write(dataFile->os(), options.freeWritten);
  }
  SplitModel split(model, exporter.getRawData());
  if (split.getSize() > INT_MAX)
    return module.emitError("cannot write '")
           << path
           << "': the model is larger than 2 GiB, protobuf's limit; put "
              "weights into external data";
  bool isDataStale = !dataFile && llvm::sys::fs::exists(path);
  auto modelFile = OutputFile::create(path);
  if (!modelFile)
    return report(modelFile.takeError());
  // A failure is the stream's, which keep() reports.
  split.write((*modelFile)->os(), options.freeWritten);
  if (dataFile)
    if (llvm::Error error = dataFile->keep())
      return report(std::move(error));
  if (llvm::Error error = (*modelFile)->keep())
    return report(std::move(error));
  if (isDataStale)
    if (std::error_code error = llvm::sys::fs::remove(dataPath))
      emitWarning(module.getLoc())
          << "nothing reads '" << dataPath
          << "' any more, and it cannot be removed: " << error.message();
  return success();
}
