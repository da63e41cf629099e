//===- Proto.h - ONNX's generated protobuf classes --------------*- C++ -*-===//
//
// Generated from the onnx-ml.proto of the `onnx` Python package. Included by
// .cpp files of lib/Onnx only.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_ONNX_PROTO_H
#define LLMC_LIB_ONNX_PROTO_H

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include "onnx-ml.pb.h"
#pragma GCC diagnostic pop

#endif // LLMC_LIB_ONNX_PROTO_H
