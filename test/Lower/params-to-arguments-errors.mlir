// RUN: llmc-opt %s --llmc-params-to-arguments --split-input-file --verify-diagnostics

// expected-error @+1 {{the module has no function @main}}
module {
  func.func @other() {
    return
  }
}
