//===- WeightOps.td - parameters and the expressions over them ------------===//

#ifndef LLMC_IR_WEIGHTOPS
#define LLMC_IR_WEIGHTOPS

include "llmc/IR/LLMCBase.td"
include "mlir/IR/SymbolInterfaces.td"

def LLMC_ParamOp : LLMC_Op<"param", [Symbol]> {
  let summary = "A named parameter of the model and its bytes";
  let description = [{
    Holds the bytes of one parameter. The symbol is its stable name: recipes,
    statistics and reports key on it. Sub-byte formats are stored packed as
    `ui8`, so the number of bytes always follows from the type.

    ```mlir
    llmc.param @fc1 = dense_resource<fc1> : tensor<1536x576xf32>
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, ElementsAttr:$value,
                       OptionalAttr<StrAttr>:$sym_visibility);
  let assemblyFormat = "$sym_name `=` $value attr-dict";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getValue().getType());
    }
  }];
}

def LLMC_WeightOp : LLMC_Op<"weight", [
    Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>,
    DeclareOpInterfaceMethods<LLMC_WeightOpInterface, ["getStorageBytes"]>]> {
  let summary = "The value of a parameter";
  let description = [{
    ```mlir
    %w = llmc.weight @fc1 : tensor<1536x576xf32>
    ```
    Two uses of one parameter are a tied weight.
  }];
  let arguments = (ins FlatSymbolRefAttr:$param);
  let results = (outs LLMC_Tensor:$result);
  let assemblyFormat = "$param attr-dict `:` type($result)";
}

def LLMC_ConstantOp : LLMC_Op<"constant", [
    Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "A small constant tensor that is not a parameter";
  let description = [{
    Axes, shapes, masks, scalars. Folders may combine constants; parameters,
    which are `llmc.param`, are never folded.
  }];
  let arguments = (ins ElementsAttr:$value);
  let results = (outs LLMC_Tensor:$result);
  let assemblyFormat = "$value attr-dict";
  let hasFolder = 1;
}

def LLMC_DequantizeOp : LLMC_GraphOp<"dequantize", [
    DeclareOpInterfaceMethods<LLMC_WeightOpInterface>]> {
  let summary = "A weight from integers, block scales and zero points";
  let description = [{
    Computes `(q - zero) * scale` for a weight `[out, in]` that is quantized in
    blocks of `block` along `in`; `zero` is `2^(bits-1)` when `zeros` is
    absent. The layout is that of com.microsoft.MatMulNBits: `data` is
    `ui8[out, blocks, block * bits / 8]`, elements packed little end first;
    `scales` is `f32[out, blocks]` (f16 and bf16 too); `zeros` is
    `ui8[out, ceil(blocks * bits / 8)]`, packed the same way, or, where zero
    points are no integers, of the type of `scales`. The last block is padded
    when `block` does not divide `in`.

    ```mlir
    %w = llmc.dequantize %q, %scales {bits = 4, block = 64, columns = 576}
       : (tensor<1536x9x32xui8>, tensor<1536x9xf32>) -> tensor<1536x576xf32>
    // With floats for zero points, as llmc-quantize-hqq makes them.
    %w = llmc.dequantize %q, %scales, %zeros
       {bits = 4, block = 64, columns = 576}
       : (tensor<1536x9x32xui8>, tensor<1536x9xf32>, tensor<1536x9xf32>)
       -> tensor<1536x576xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$data, LLMC_FloatTensor:$scales,
                       Optional<LLMC_Tensor>:$zeros,
                       I64Attr:$bits, I64Attr:$block, I64Attr:$columns);
  let hasVerifier = 1;
}

def LLMC_LookupOp : LLMC_GraphOp<"lookup", [
    DeclareOpInterfaceMethods<LLMC_WeightOpInterface>]> {
  let summary = "A weight from indices into codebooks, and block scales";
  let description = [{
    Computes `codebook[index] * scale` for a weight `[out, in]` whose values
    are shared: each is one of `2^bits`. `indices` are `bits` wide and stored
    as the data of `llmc.dequantize`, `ui8[out, blocks, block * bits / 8]`.
    `codebook` is `[2^bits]`, or `[groups, 2^bits]` with one for each
    `out / groups` successive rows, which may be one row. `scales`, 1 when
    absent, is `[out, blocks]`. The result has the element type of the codebook.

    A codebook `[groups, 2^bits, dims]` has vectors: each index stands for
    `dims` successive columns. Blocks and rows are whole vectors, and `indices`
    is `ui8[out, blocks, block / dims * bits / 8]`.

    ```mlir
    // Clusters of each row.
    %w = llmc.lookup %q, %centers {bits = 3, block = 64, columns = 576}
       : (tensor<1536x9x24xui8>, tensor<1536x8xf32>) -> tensor<1536x576xf32>
    // NF4: the 16 values of bitsandbytes times the largest magnitude of 64.
    %w = llmc.lookup %q, %nf4, %absmax {bits = 4, block = 64, columns = 576}
       : (tensor<1536x9x32xui8>, tensor<16xf32>, tensor<1536x9xf32>)
       -> tensor<1536x576xf32>
    // 64 pairs for each 32 rows: 3 bits for a weight.
    %w = llmc.lookup %q, %pairs {bits = 6, block = 576, columns = 576}
       : (tensor<1536x1x216xui8>, tensor<48x64x2xf32>) -> tensor<1536x576xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$indices, LLMC_FloatTensor:$codebook,
                       Optional<LLMC_FloatTensor>:$scales,
                       I64Attr:$bits, I64Attr:$block, I64Attr:$columns);
  let hasVerifier = 1;
  let extraClassDeclaration = baseDeclaration # [{
    /// Codebooks, each for as many successive rows.
    int64_t getGroups() {
      return getCodebook().getType().getRank() == 1
                 ? 1
                 : getCodebook().getType().getDimSize(0);
    }
    /// Columns that an index stands for.
    int64_t getDims() {
      return getCodebook().getType().getRank() == 3
                 ? getCodebook().getType().getDimSize(2)
                 : 1;
    }
  }];
}

def LLMC_DensifyOp : LLMC_GraphOp<"densify", [
    DeclareOpInterfaceMethods<LLMC_WeightOpInterface>]> {
  let summary = "Rows of a weight from n values of each m columns";
  let description = [{
    Of each `m` successive columns of a row `n` are stored, for a `pattern`
    "n:m" with n < m <= 16: `values` holds them one after the other, and `meta`
    the place of each among its `m` columns, packed in `ui8`, little end first,
    1, 2, 3 or 4 bits each, the least that hold m - 1. The other columns are 0.
    Of two values in one place the later one counts; one in a place beyond `m`
    columns counts nowhere.

    Without `bits` the values are floats, `[out, in * n / m]`, and the result
    is the weight `[out, in]`. `meta` is `ui8[out, bytes]`.

    ```mlir
    %w = llmc.densify %values, %meta {pattern = "2:4"}
       : (tensor<1536x288xf32>, tensor<1536x72xui8>) -> tensor<1536x576xf32>
    ```

    With `bits` they are integers as `llmc.dequantize` and `llmc.lookup` store
    them: `ui8[out, blocks, bytes]`, and so is the result, with m / n times the
    bytes. Columns that are not stored are `fill`, `2^(bits - 1)` when absent,
    which is what dequantize without zero points makes 0 of.

    ```mlir
    %q = llmc.densify %values, %meta {pattern = "2:4", bits = 4}
       : (tensor<1536x9x16xui8>, tensor<1536x72xui8>) -> tensor<1536x9x32xui8>
    %w = llmc.dequantize %q, %scales {bits = 4, block = 64, columns = 576}
       : (tensor<1536x9x32xui8>, tensor<1536x9xf32>) -> tensor<1536x576xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$values, LLMC_Tensor:$meta,
                       StrAttr:$pattern, OptionalAttr<I64Attr>:$bits,
                       OptionalAttr<I64Attr>:$fill);
  let hasVerifier = 1;
  let extraClassDeclaration = baseDeclaration # [{
    /// n and m of the pattern.
    std::pair<int64_t, int64_t> getNM();
    /// Bits of a place in `meta`.
    int64_t getPlaceBits();
    /// The integer of the columns that are not stored.
    int64_t getFillCode() {
      return getFill().value_or(int64_t(1) << (getBits().value_or(1) - 1));
    }
  }];
}

def LLMC_DensifyBitmapOp : LLMC_GraphOp<"densify_bitmap", [
    DeclareOpInterfaceMethods<LLMC_WeightOpInterface>]> {
  let summary = "A weight from the values that are kept and a bit for each";
  let description = [{
    A weight `[out, columns]` of which any columns of a row may be stored; the
    others are 0. `mask` has a bit for each, `ui8[out, ceil(columns / 8)]`,
    little end first, 1 where the weight is stored. `starts`, `i32[out]`, is how
    many are stored for the rows before each row. `values` holds them one after
    the other, row by row, and is read as if it had one dimension: it may have
    two, so that it can be `llmc.dequantize`, and more numbers than there are
    bits. A bit whose value would lie outside of `values` counts as 0; bits
    beyond `columns` count nowhere.

    ```mlir
    %w = llmc.densify_bitmap %values, %mask, %starts {columns = 576}
       : (tensor<442368xf32>, tensor<1536x72xui8>, tensor<1536xi32>)
       -> tensor<1536x576xf32>
    ```

    With `tile = [r, c]` a bit stands for a tile of r rows and c columns, all
    of which are stored, row by row: `mask` is
    `ui8[out / r, ceil(columns / c / 8)]`, `starts` is `i32[out / r]` and counts
    tiles.

    ```mlir
    %w = llmc.densify_bitmap %values, %mask, %starts
       {columns = 576, tile = array<i64: 16, 4>}
       : (tensor<442368xf32>, tensor<96x18xui8>, tensor<96xi32>)
       -> tensor<1536x576xf32>
    ```
  }];
  let arguments = (ins LLMC_FloatTensor:$values, LLMC_Tensor:$mask,
                       LLMC_Tensor:$starts, I64Attr:$columns,
                       OptionalAttr<DenseI64ArrayAttr>:$tile);
  let hasVerifier = 1;
  let extraClassDeclaration = baseDeclaration # [{
    /// Rows and columns of a tile, [1, 1] when absent.
    std::pair<int64_t, int64_t> getTileSizes() {
      auto tile = getTile();
      return tile ? std::pair((*tile)[0], (*tile)[1])
                  : std::pair<int64_t, int64_t>(1, 1);
    }
  }];
}

#endif // LLMC_IR_WEIGHTOPS
