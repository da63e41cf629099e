//===- IndexOps.td - gathering, scattering, ordering and searching --------===//
//
// Ops whose positions are computed at run time. An index outside its axis is
// an error at run time (llmc_error), never an access outside a buffer.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_IR_INDEXOPS
#define LLMC_IR_INDEXOPS

include "llmc/IR/LLMCBase.td"

def LLMC_ScatterKind
    : I32EnumAttr<"ScatterKind", "how an update meets the element it hits", [
    I32EnumAttrCase<"None", 0, "none">, I32EnumAttrCase<"Add", 1, "add">,
    I32EnumAttrCase<"Mul", 2, "mul">, I32EnumAttrCase<"Max", 3, "max">,
    I32EnumAttrCase<"Min", 4, "min">]> {
  let cppNamespace = "::llmc";
  let genSpecializedAttr = 0;
}
def LLMC_ScatterKindAttr : EnumAttr<LLMC_Dialect, LLMC_ScatterKind, "scatter">;

def LLMC_PadMode : I32EnumAttr<"PadMode", "what padding is filled with", [
    I32EnumAttrCase<"Constant", 0, "constant">,
    I32EnumAttrCase<"Reflect", 1, "reflect">,
    I32EnumAttrCase<"Edge", 2, "edge">, I32EnumAttrCase<"Wrap", 3, "wrap">]> {
  let cppNamespace = "::llmc";
  let genSpecializedAttr = 0;
}
def LLMC_PadModeAttr : EnumAttr<LLMC_Dialect, LLMC_PadMode, "pad_mode">;

//===----------------------------------------------------------------------===//
// Gathering and scattering
//===----------------------------------------------------------------------===//

def LLMC_GatherElementsOp : LLMC_GraphOp<"gather_elements"> {
  let summary = "ONNX GatherElements: one element per index along `axis`";
  let description = [{
    The result has the shape of `indices`, no dimension of which is larger than
    the operand's but at `axis`:
    `result[i][j] = operand[indices[i][j]][j]` for axis 0 of rank 2. Negative
    indices count from the end.

    ```mlir
    %y = llmc.gather_elements %x, %i {axis = 1 : i64}
       : (tensor<?x8xf32>, tensor<?x2xi64>) -> tensor<?x2xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_IntTensor:$indices,
                       I64Attr:$axis);
}

def LLMC_GatherNDOp : LLMC_GraphOp<"gather_nd"> {
  let summary = "ONNX GatherND: slices at tuples of indices";
  let description = [{
    The last dimension of `indices` is static: each of its vectors addresses
    the operand's dimensions from `batch_dims` on, whose leading ones both
    operands share. Negative indices count from the end.

    ```mlir
    %y = llmc.gather_nd %x, %i {batch_dims = 1 : i64}
       : (tensor<?x4x8xf32>, tensor<?x3x1xi64>) -> tensor<?x3x8xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_IntTensor:$indices,
                       DefaultValuedAttr<I64Attr, "0">:$batch_dims);
}

def LLMC_ScatterElementsOp : LLMC_GraphOp<"scatter_elements"> {
  let summary = "ONNX ScatterElements: the operand with elements updated";
  let description = [{
    `updates` has the shape of `indices`; the positions are those of
    gather_elements. `kind` says how an update meets what is there; updates
    of one position apply in row-major order.

    ```mlir
    %y = llmc.scatter_elements add %x, %i, %u {axis = 0 : i64}
       : (tensor<?x8xf32>, tensor<2x8xi64>, tensor<2x8xf32>) -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins LLMC_ScatterKindAttr:$kind, LLMC_Tensor:$operand,
                       LLMC_IntTensor:$indices, LLMC_Tensor:$updates,
                       I64Attr:$axis);
  let assemblyFormat = [{
    $kind operands attr-dict `:` functional-type(operands, results)
  }];
}

def LLMC_ScatterNDOp : LLMC_GraphOp<"scatter_nd"> {
  let summary = "ONNX ScatterND: the operand with slices updated";
  let description = [{
    Each vector along the last dimension of `indices`, which is static,
    addresses the operand's leading dimensions; `updates` has the shape
    `indices.shape[:-1] + operand.shape[indices.shape[-1]:]`.

    ```mlir
    %y = llmc.scatter_nd none %x, %i, %u
       : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
  }];
  let arguments = (ins LLMC_ScatterKindAttr:$kind, LLMC_Tensor:$operand,
                       LLMC_IntTensor:$indices, LLMC_Tensor:$updates);
  let assemblyFormat = [{
    $kind operands attr-dict `:` functional-type(operands, results)
  }];
}

//===----------------------------------------------------------------------===//
// Ordering and searching
//===----------------------------------------------------------------------===//

class LLMC_ArgOp<string mnemonic, string name> : LLMC_GraphOp<mnemonic> {
  let summary = "ONNX " # name # ": where an axis has its extreme element";
  let description = [{
    The first of equal elements, or the last with `select_last_index`. The
    axis stays as a unit dimension.
  }];
  let arguments = (ins LLMC_Tensor:$operand, I64Attr:$axis,
                       UnitAttr:$select_last_index);
  let results = (outs LLMC_I64Tensor:$result);
}
def LLMC_ArgMaxOp : LLMC_ArgOp<"arg_max", "ArgMax">;
def LLMC_ArgMinOp : LLMC_ArgOp<"arg_min", "ArgMin">;

def LLMC_TopKOp : LLMC_GraphOp<"top_k"> {
  let summary = "ONNX TopK: the k extreme elements of an axis and their places";
  let description = [{
    Sorted, the largest (or with `smallest` the smallest) first; of equal
    elements the one with the lower index. `k` is an i64 vector of one element,
    at least 0 and at most the size of the axis.

    ```mlir
    %values, %indices = llmc.top_k %x, %k {axis = 1 : i64}
       : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>)
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_I64Tensor:$k, I64Attr:$axis,
                       UnitAttr:$smallest);
  let results = (outs LLMC_Tensor:$values, LLMC_I64Tensor:$indices);
}

class LLMC_CumulativeOp<string mnemonic, string name>
    : LLMC_GraphOp<mnemonic> {
  let summary = "ONNX " # name # " along `axis`";
  let description = [{
    `exclusive` leaves each element out of its own result, `reverse` runs from
    the end.
  }];
  let arguments = (ins LLMC_Tensor:$operand, I64Attr:$axis,
                       UnitAttr:$exclusive, UnitAttr:$reverse);
}
def LLMC_CumSumOp : LLMC_CumulativeOp<"cumsum", "CumSum">;
def LLMC_CumProdOp : LLMC_CumulativeOp<"cumprod", "CumProd">;

def LLMC_NonZeroOp : LLMC_GraphOp<"non_zero"> {
  let summary = "ONNX NonZero: the places of elements that are not 0";
  let description = [{
    The result is `[rank, n]`, a column for each such element in row-major
    order. How many there are is only known at run time.
  }];
  let arguments = (ins LLMC_Tensor:$operand);
  let results = (outs LLMC_I64Tensor:$result);
}

def LLMC_UniqueOp : LLMC_GraphOp<"unique"> {
  let summary = "The different rows of a matrix, as in ONNX Unique";
  let description = [{
    `firsts` has the first row of each kind, in order of appearance or with
    `sorted` in lexicographic order, `inverse` for each row the place of its
    kind in `firsts`, and `counts` how many rows are of that kind.
    ```mlir
    %firsts, %inverse, %counts = llmc.unique %x {sorted}
       : (tensor<?x1xf32>) -> (tensor<?xi64>, tensor<?xi64>, tensor<?xi64>)
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, UnitAttr:$sorted);
  let results = (outs LLMC_I64Tensor:$firsts, LLMC_I64Tensor:$inverse,
                      LLMC_I64Tensor:$counts);
}

//===----------------------------------------------------------------------===//
// Making and extending
//===----------------------------------------------------------------------===//

def LLMC_RangeOp : LLMC_GraphOp<"range"> {
  let summary = "ONNX Range: start, start + delta, ... up to but not limit";
  let arguments = (ins LLMC_Tensor:$start, LLMC_Tensor:$limit,
                       LLMC_Tensor:$delta);
}

def LLMC_PadOp : LLMC_GraphOp<"pad"> {
  let summary = "ONNX Pad on every axis";
  let description = [{
    `pads` is an i64 vector with the number of elements to add at the begin of
    each dimension followed by those at the end; a negative number removes.
    `value`, a scalar, fills what `mode` constant adds. `reflect` mirrors
    without repeating the border, `edge` repeats it, `wrap` starts over from
    the other end.

    ```mlir
    %y = llmc.pad constant %x, %pads, %value
       : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<2x5xf32>
    ```
  }];
  let arguments = (ins LLMC_PadModeAttr:$mode, LLMC_Tensor:$operand,
                       LLMC_I64Tensor:$pads, Optional<LLMC_Tensor>:$value);
  let assemblyFormat = [{
    $mode operands attr-dict `:` functional-type(operands, results)
  }];
}

#endif // LLMC_IR_INDEXOPS
