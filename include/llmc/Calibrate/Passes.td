//===- Passes.td - collecting statistics of a model -----------------------===//

#ifndef LLMC_CALIBRATE_PASSES
#define LLMC_CALIBRATE_PASSES

include "mlir/Pass/PassBase.td"

def ReadStatistics : Pass<"llmc-read-statistics", "::mlir::ModuleOp"> {
  let summary = "Take the statistics of an earlier calibration from a file";
  let description = [{
    Reads a file that `llmc-calibrate{output=FILE}` wrote, so that passes behind
    this one have the statistics of the model's parameters. Those that were
    there before are dropped. Statistics of a parameter that the module does not
    have, or whose sizes do not fit it, are an error: the file is of another
    model.
  }];
  let options = [
    Option<"file", "file", "std::string", /*default=*/"\"\"",
           "The safetensors file">
  ];
}

#endif // LLMC_CALIBRATE_PASSES
