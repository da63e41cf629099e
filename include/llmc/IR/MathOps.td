//===- MathOps.td - elementwise ops, reductions and products --------------===//

#ifndef LLMC_IR_MATHOPS
#define LLMC_IR_MATHOPS

include "llmc/IR/LLMCBase.td"

class LLMC_UnaryOp<string mnemonic, string name, Type type = LLMC_Tensor>
    : LLMC_GraphOp<mnemonic> {
  let summary = "ONNX " # name # ", elementwise";
  let arguments = (ins type:$operand);
}

def LLMC_AbsOp : LLMC_UnaryOp<"abs", "Abs">;
def LLMC_NegOp : LLMC_UnaryOp<"neg", "Neg">;
def LLMC_SignOp : LLMC_UnaryOp<"sign", "Sign">;
def LLMC_FloorOp : LLMC_UnaryOp<"floor", "Floor", LLMC_FloatTensor>;
def LLMC_CeilOp : LLMC_UnaryOp<"ceil", "Ceil", LLMC_FloatTensor>;
def LLMC_RoundOp : LLMC_UnaryOp<"round", "Round (half to even)",
                                LLMC_FloatTensor>;
def LLMC_SqrtOp : LLMC_UnaryOp<"sqrt", "Sqrt", LLMC_FloatTensor>;
def LLMC_ReciprocalOp : LLMC_UnaryOp<"reciprocal", "Reciprocal",
                                     LLMC_FloatTensor>;
def LLMC_ExpOp : LLMC_UnaryOp<"exp", "Exp", LLMC_FloatTensor>;
def LLMC_LogOp : LLMC_UnaryOp<"log", "Log", LLMC_FloatTensor>;
def LLMC_SinOp : LLMC_UnaryOp<"sin", "Sin", LLMC_FloatTensor>;
def LLMC_CosOp : LLMC_UnaryOp<"cos", "Cos", LLMC_FloatTensor>;
def LLMC_TanOp : LLMC_UnaryOp<"tan", "Tan", LLMC_FloatTensor>;
def LLMC_AsinOp : LLMC_UnaryOp<"asin", "Asin", LLMC_FloatTensor>;
def LLMC_AcosOp : LLMC_UnaryOp<"acos", "Acos", LLMC_FloatTensor>;
def LLMC_AtanOp : LLMC_UnaryOp<"atan", "Atan", LLMC_FloatTensor>;
def LLMC_SinhOp : LLMC_UnaryOp<"sinh", "Sinh", LLMC_FloatTensor>;
def LLMC_CoshOp : LLMC_UnaryOp<"cosh", "Cosh", LLMC_FloatTensor>;
def LLMC_TanhOp : LLMC_UnaryOp<"tanh", "Tanh", LLMC_FloatTensor>;
def LLMC_AsinhOp : LLMC_UnaryOp<"asinh", "Asinh", LLMC_FloatTensor>;
def LLMC_AcoshOp : LLMC_UnaryOp<"acosh", "Acosh", LLMC_FloatTensor>;
def LLMC_AtanhOp : LLMC_UnaryOp<"atanh", "Atanh", LLMC_FloatTensor>;
def LLMC_ErfOp : LLMC_UnaryOp<"erf", "Erf", LLMC_FloatTensor>;
def LLMC_SigmoidOp : LLMC_UnaryOp<"sigmoid", "Sigmoid", LLMC_FloatTensor>;
def LLMC_ReluOp : LLMC_UnaryOp<"relu", "Relu">;
def LLMC_NotOp : LLMC_UnaryOp<"not", "Not", LLMC_BoolTensor>;
def LLMC_BitwiseNotOp : LLMC_UnaryOp<"bitwise_not", "BitwiseNot",
                                     LLMC_IntTensor>;

/// Elementwise test with an i1 result.
class LLMC_PredicateOp<string mnemonic, string name>
    : LLMC_GraphOp<mnemonic> {
  let summary = "ONNX " # name # ", elementwise";
  let arguments = (ins LLMC_FloatTensor:$operand);
  let results = (outs LLMC_BoolTensor:$result);
}
def LLMC_IsNaNOp : LLMC_PredicateOp<"is_nan", "IsNaN">;
def LLMC_IsInfOp : LLMC_PredicateOp<"is_inf", "IsInf"> {
  let arguments = (ins LLMC_FloatTensor:$operand,
                       DefaultValuedAttr<BoolAttr, "true">:$detect_negative,
                       DefaultValuedAttr<BoolAttr, "true">:$detect_positive);
}

class LLMC_BinaryOp<string mnemonic, string name, Type type = LLMC_Tensor>
    : LLMC_GraphOp<mnemonic, [LLMC_Broadcasts]> {
  let summary = "ONNX " # name # ", elementwise with broadcasting";
  let arguments = (ins type:$lhs, type:$rhs);
}

def LLMC_AddOp : LLMC_BinaryOp<"add", "Add">;
def LLMC_SubOp : LLMC_BinaryOp<"sub", "Sub">;
def LLMC_MulOp : LLMC_BinaryOp<"mul", "Mul">;
def LLMC_DivOp : LLMC_BinaryOp<"div", "Div (integers truncate)">;
def LLMC_ModOp : LLMC_BinaryOp<"mod", "Mod"> {
  let description = [{
    The sign of the result is the divisor's; with `fmod` it is the dividend's,
    as in C.
  }];
  let arguments = (ins LLMC_Tensor:$lhs, LLMC_Tensor:$rhs, UnitAttr:$fmod);
}
def LLMC_PowOp : LLMC_BinaryOp<"pow", "Pow"> {
  let description = [{
    The result has the base's element type; the exponent's may differ.
  }];
}
def LLMC_MaxOp : LLMC_BinaryOp<"max", "Max (NaN propagates)">;
def LLMC_MinOp : LLMC_BinaryOp<"min", "Min (NaN propagates)">;
def LLMC_AndOp : LLMC_BinaryOp<"and", "And", LLMC_BoolTensor>;
def LLMC_OrOp : LLMC_BinaryOp<"or", "Or", LLMC_BoolTensor>;
def LLMC_XorOp : LLMC_BinaryOp<"xor", "Xor", LLMC_BoolTensor>;
def LLMC_BitwiseAndOp : LLMC_BinaryOp<"bitwise_and", "BitwiseAnd",
                                      LLMC_IntTensor>;
def LLMC_BitwiseOrOp : LLMC_BinaryOp<"bitwise_or", "BitwiseOr",
                                     LLMC_IntTensor>;
def LLMC_BitwiseXorOp : LLMC_BinaryOp<"bitwise_xor", "BitwiseXor",
                                      LLMC_IntTensor>;
def LLMC_BitShiftOp : LLMC_BinaryOp<"bit_shift", "BitShift", LLMC_IntTensor> {
  let arguments = (ins LLMC_IntTensor:$lhs, LLMC_IntTensor:$rhs,
                       UnitAttr:$right);
}

class LLMC_CompareOp<string mnemonic, string name>
    : LLMC_BinaryOp<mnemonic, name> {
  let results = (outs LLMC_BoolTensor:$result);
}
def LLMC_EqualOp : LLMC_CompareOp<"equal", "Equal">;
def LLMC_LessOp : LLMC_CompareOp<"less", "Less">;
def LLMC_LessOrEqualOp : LLMC_CompareOp<"less_or_equal", "LessOrEqual">;
def LLMC_GreaterOp : LLMC_CompareOp<"greater", "Greater">;
def LLMC_GreaterOrEqualOp
    : LLMC_CompareOp<"greater_or_equal", "GreaterOrEqual">;

def LLMC_WhereOp : LLMC_GraphOp<"where", [LLMC_Broadcasts]> {
  let summary = "ONNX Where, elementwise with broadcasting";
  let arguments = (ins LLMC_BoolTensor:$condition, LLMC_Tensor:$lhs,
                       LLMC_Tensor:$rhs);
}

def LLMC_CastOp : LLMC_GraphOp<"cast"> {
  let summary = "ONNX Cast: conversion of the element type";
  let description = [{
    Floats to integers truncate, anything to i1 is `!= 0`. Conversions to
    8-bit floats saturate unless `saturate` is false; those to f8E8M0FNU round
    in `round_mode`, all others to the nearest, ties to even.
  }];
  let arguments = (ins LLMC_Tensor:$operand, TypeAttr:$to,
      DefaultValuedAttr<BoolAttr, "true">:$saturate,
      DefaultValuedAttr<LLMC_StrOf<["up", "down", "nearest"]>,
                        "\"up\"">:$round_mode);
}

def LLMC_BitCastOp : LLMC_GraphOp<"bit_cast"> {
  let summary = "ONNX BitCast-26: the same bits as another element type";
  let description = [{ Both types have the same size in memory. }];
  let arguments = (ins LLMC_Tensor:$operand, TypeAttr:$to);
}

//===----------------------------------------------------------------------===//
// Reductions and products
//===----------------------------------------------------------------------===//

def LLMC_ReduceKind : I32EnumAttr<"ReduceKind", "how elements are combined", [
    I32EnumAttrCase<"Sum", 0, "sum">, I32EnumAttrCase<"Mean", 1, "mean">,
    I32EnumAttrCase<"Prod", 2, "prod">, I32EnumAttrCase<"Max", 3, "max">,
    I32EnumAttrCase<"Min", 4, "min">]> {
  let cppNamespace = "::llmc";
  let genSpecializedAttr = 0;
}
def LLMC_ReduceKindAttr : EnumAttr<LLMC_Dialect, LLMC_ReduceKind, "reduce">;

def LLMC_ReduceOp : LLMC_GraphOp<"reduce"> {
  let summary = "ONNX ReduceSum, ReduceMean, ReduceProd, ReduceMax, ReduceMin";
  let description = [{
    Reduces over `axes` (non-negative, ascending; empty means none). The other
    ONNX reductions (L1, L2, LogSum, LogSumExp, SumSquare) are this op between
    elementwise ops.
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_ReduceKindAttr:$kind,
                       DenseI64ArrayAttr:$axes,
                       DefaultValuedAttr<BoolAttr, "true">:$keepdims);
  let assemblyFormat = [{
    $kind $operand attr-dict `:` functional-type(operands, results)
  }];
}

def LLMC_SoftmaxOp : LLMC_GraphOp<"softmax"> {
  let summary = "ONNX Softmax-13 along one axis";
  let description = [{ With `log`, ONNX LogSoftmax. }];
  let arguments = (ins LLMC_FloatTensor:$operand,
                       DefaultValuedAttr<I64Attr, "-1">:$axis, UnitAttr:$log);
}

def LLMC_MatMulOp : LLMC_GraphOp<"matmul"> {
  let summary = "ONNX MatMul: numpy.matmul of ranked tensors";
  let arguments = (ins LLMC_Tensor:$lhs, LLMC_Tensor:$rhs);
}

def LLMC_DetOp : LLMC_GraphOp<"det"> {
  let summary = "ONNX Det-22: determinants of the last two dimensions";
  let arguments = (ins LLMC_FloatTensor:$operand);
}

#endif // LLMC_IR_MATHOPS
