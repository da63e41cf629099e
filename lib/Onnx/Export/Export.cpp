//===- Export.cpp - llmc modules become ONNX models -----------------------===//

#include "llmc/Onnx/Export.h"
#include "GraphExporter.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// A file that is there under its name only after `keep`.
class TemporaryFile {
public:
  TemporaryFile(ModuleOp module, StringRef path) : module(module), path(path) {}
  ~TemporaryFile() {
    if (file)
      llvm::consumeError(file->discard());
  }

  LogicalResult open() {
    llvm::Expected<llvm::sys::fs::TempFile> created =
        llvm::sys::fs::TempFile::create(path + ".%%%%%%.tmp",
                                        llvm::sys::fs::all_read |
                                            llvm::sys::fs::owner_write);
    if (!created)
      return fail(created.takeError());
    file.emplace(std::move(*created));
    return success();
  }

  int getDescriptor() const { return file->FD; }

  LogicalResult keep() {
    if (llvm::Error error = file->keep(path))
      return fail(std::move(error));
    file.reset();
    return success();
  }

  LogicalResult fail(llvm::Error error) {
    return module.emitError("cannot write '")
           << path << "': " << toString(std::move(error));
  }

private:
  ModuleOp module;
  std::string path;
  std::optional<llvm::sys::fs::TempFile> file;
};
} // namespace

static LogicalResult writeData(const ExternalData &data, TemporaryFile &file) {
  if (failed(file.open()))
    return failure();
  llvm::raw_fd_ostream stream(file.getDescriptor(), /*shouldClose=*/false);
  data.write(stream);
  stream.flush();
  if (std::error_code error = stream.error()) {
    stream.clear_error();
    return file.fail(llvm::errorCodeToError(error));
  }
  return success();
}

static LogicalResult writeModel(const ::onnx::ModelProto &model,
                                TemporaryFile &file) {
  if (model.ByteSizeLong() > INT_MAX)
    return file.fail(llvm::createStringError(
        "the model is larger than 2 GiB, protobuf's limit; put weights into "
        "external data"));
  if (failed(file.open()))
    return failure();
  google::protobuf::io::FileOutputStream stream(file.getDescriptor());
  if (!model.SerializeToZeroCopyStream(&stream) || !stream.Flush())
    return file.fail(llvm::errorCodeToError(
        std::error_code(stream.GetErrno(), std::generic_category())));
  return success();
}

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

  SmallString<256> dataPath(llvm::sys::path::parent_path(path));
  llvm::sys::path::append(dataPath, dataName);
  TemporaryFile dataFile(module, dataPath), modelFile(module, path);
  if (!data.empty() && failed(writeData(data, dataFile)))
    return failure();
  if (failed(writeModel(model, modelFile)))
    return failure();
  if (!data.empty() && failed(dataFile.keep()))
    return failure();
  return modelFile.keep();
}
