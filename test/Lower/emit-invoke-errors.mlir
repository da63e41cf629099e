// RUN: llmc-opt %s --llmc-emit-invoke --split-input-file --verify-diagnostics

// expected-error @+1 {{@main has no C interface: run llmc-lower}}
module {
  llvm.func @main()
}
