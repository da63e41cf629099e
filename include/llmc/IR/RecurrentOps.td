//===- RecurrentOps.td - RNN, GRU and LSTM --------------------------------===//
//
// ONNX's operands with its `layout` 0, made so at import:
//
//   operand         [sequence, batch, input]
//   weight          [directions, gates * hidden, input]
//   recurrence      [directions, gates * hidden, hidden]
//   bias            [directions, 2 * gates * hidden]
//   sequence_lens   [batch] of i32
//   initial_h       [directions, batch, hidden]
//
// and results `[sequence, directions, batch, hidden]` (0 where a sequence has
// ended) and the last state `[directions, batch, hidden]`. `activations` name
// those of one direction after the other, with `activation_alpha` and
// `activation_beta` for each (made complete at import). `clip` 0 is none.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_IR_RECURRENTOPS
#define LLMC_IR_RECURRENTOPS

include "llmc/IR/LLMCBase.td"

def LLMC_Direction : LLMC_StrOf<["forward", "reverse", "bidirectional"]>;

class LLMC_RecurrentOp<string mnemonic>
    : LLMC_GraphOp<mnemonic, [AttrSizedOperandSegments]>;

def LLMC_RNNOp : LLMC_RecurrentOp<"rnn"> {
  let summary = "ONNX RNN-22: h = f(x W^T + h R^T + b)";
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$weight,
      LLMC_FloatTensor:$recurrence, Optional<LLMC_FloatTensor>:$bias,
      Optional<LLMC_IntTensor>:$sequence_lens,
      Optional<LLMC_FloatTensor>:$initial_h, LLMC_Direction:$direction,
      StrArrayAttr:$activations, DenseF32ArrayAttr:$activation_alpha,
      DenseF32ArrayAttr:$activation_beta,
      DefaultValuedAttr<F32Attr, "0.0">:$clip);
  let results = (outs LLMC_FloatTensor:$result, LLMC_FloatTensor:$last_h);
}

def LLMC_GRUOp : LLMC_RecurrentOp<"gru"> {
  let summary = "ONNX GRU-22, gates in the order update, reset, hidden";
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$weight,
      LLMC_FloatTensor:$recurrence, Optional<LLMC_FloatTensor>:$bias,
      Optional<LLMC_IntTensor>:$sequence_lens,
      Optional<LLMC_FloatTensor>:$initial_h, LLMC_Direction:$direction,
      StrArrayAttr:$activations, DenseF32ArrayAttr:$activation_alpha,
      DenseF32ArrayAttr:$activation_beta,
      DefaultValuedAttr<F32Attr, "0.0">:$clip, UnitAttr:$linear_before_reset);
  let results = (outs LLMC_FloatTensor:$result, LLMC_FloatTensor:$last_h);
}

def LLMC_LSTMOp : LLMC_RecurrentOp<"lstm"> {
  let summary = "ONNX LSTM-22, gates in the order input, output, forget, cell";
  let description = [{
    `peephole` is `[directions, 3 * hidden]`: input, output, forget.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$weight,
      LLMC_FloatTensor:$recurrence, Optional<LLMC_FloatTensor>:$bias,
      Optional<LLMC_IntTensor>:$sequence_lens,
      Optional<LLMC_FloatTensor>:$initial_h,
      Optional<LLMC_FloatTensor>:$initial_c,
      Optional<LLMC_FloatTensor>:$peephole, LLMC_Direction:$direction,
      StrArrayAttr:$activations, DenseF32ArrayAttr:$activation_alpha,
      DenseF32ArrayAttr:$activation_beta,
      DefaultValuedAttr<F32Attr, "0.0">:$clip, UnitAttr:$input_forget);
  let results = (outs LLMC_FloatTensor:$result, LLMC_FloatTensor:$last_h,
                      LLMC_FloatTensor:$last_c);
}

#endif // LLMC_IR_RECURRENTOPS
