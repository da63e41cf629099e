//===- ExternalData.h - where a tensor's external bytes may lie -*- C++ -*-===//

#ifndef LLMC_LIB_ONNX_IMPORT_EXTERNALDATA_H
#define LLMC_LIB_ONNX_IMPORT_EXTERNALDATA_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace llmc::onnx_detail {

/// The file that `location` of a model in `directory` names. A model is
/// untrusted input: the file must lie in the model's folder, also after
/// symbolic links are followed.
llvm::Expected<std::string> resolveExternalPath(llvm::StringRef directory,
                                                llvm::StringRef location);

} // namespace llmc::onnx_detail

#endif // LLMC_LIB_ONNX_IMPORT_EXTERNALDATA_H
