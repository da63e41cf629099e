//===- ExportTable.cpp - llmc op to ONNX nodes ----------------------------===//

#include "ExportTable.h"

using namespace llmc::onnx_detail;

ExportTable::ExportTable() {
  registerMathExports(*this);
  registerShapeExports(*this);
  registerIndexExports(*this);
  registerWeightExports(*this);
  registerPrunedExports(*this);
  registerLLMExports(*this);
  registerNNExports(*this);
  registerImageExports(*this);
  registerRecurrentExports(*this);
  registerQuantExports(*this);
  registerControlExports(*this);
  registerLoopExports(*this);
}
