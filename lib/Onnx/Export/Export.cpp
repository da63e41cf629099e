//===- Export.cpp - llmc modules become ONNX models -----------------------===//

#include "llmc/Onnx/Export.h"
#include "GraphExporter.h"
#include "llmc/Weights/OutputFile.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// Protobuf's bytes go to LLVM's stream.
class ProtoStream : public google::protobuf::io::CopyingOutputStream {
public:
  explicit ProtoStream(llvm::raw_fd_ostream &stream) : stream(stream) {}
  bool Write(const void *buffer, int size) override {
    stream.write(static_cast<const char *>(buffer), size);
    return !stream.has_error();
  }

private:
  llvm::raw_fd_ostream &stream;
};
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
  ExternalData data;
  GraphExporter exporter(module, dataName, options);
  if (failed(exporter.run(model, data)))
    return failure();

  auto report = [&](llvm::Error error) {
    return module.emitError() << toString(std::move(error));
  };
  std::unique_ptr<OutputFile> dataFile;
  if (!data.empty()) {
    SmallString<256> dataPath(llvm::sys::path::parent_path(path));
    llvm::sys::path::append(dataPath, dataName);
    auto created = OutputFile::create(dataPath);
    if (!created)
      return report(created.takeError());
    dataFile = std::move(*created);
    data.write(dataFile->os());
  }
  if (model.ByteSizeLong() > INT_MAX)
    return module.emitError("cannot write '")
           << path
           << "': the model is larger than 2 GiB, protobuf's limit; put "
              "weights into external data";
  auto modelFile = OutputFile::create(path);
  if (!modelFile)
    return report(modelFile.takeError());
  {
    ProtoStream stream((*modelFile)->os());
    google::protobuf::io::CopyingOutputStreamAdaptor adaptor(&stream);
    // A failure is the stream's, which keep() reports.
    (void)model.SerializeToZeroCopyStream(&adaptor);
  }
  if (dataFile)
    if (llvm::Error error = dataFile->keep())
      return report(std::move(error));
  if (llvm::Error error = (*modelFile)->keep())
    return report(std::move(error));
  return success();
}
