//===- Families.td - all ops, for the enums and attributes they declare ---===//

include "llmc/IR/WeightOps.td"
include "llmc/IR/MathOps.td"
include "llmc/IR/ShapeOps.td"
include "llmc/IR/IndexOps.td"
include "llmc/IR/LLMOps.td"
include "llmc/IR/NNOps.td"
include "llmc/IR/ImageOps.td"
include "llmc/IR/RecurrentOps.td"
include "llmc/IR/QuantOps.td"
include "llmc/IR/OnnxOps.td"
include "llmc/IR/KernelOps.td"
