//===- ImageOps.td - sampling of images at computed positions -------------===//

#ifndef LLMC_IR_IMAGEOPS
#define LLMC_IR_IMAGEOPS

include "llmc/IR/LLMCBase.td"

def LLMC_ResizeOp : LLMC_GraphOp<"resize", [AttrSizedOperandSegments]> {
  let summary = "ONNX Resize-19";
  let description = [{
    Resizes the dimensions `axes` (non-negative), one after the other, either
    to `sizes` or by `scales`, each as long as `axes`. `roi`, all starts and
    then all ends, is read by `tf_crop_and_resize` alone.

    ```mlir
    %y = llmc.resize %x scales %s {axes = array<i64: 2, 3>, mode = "linear",
        coordinate_transformation_mode = "half_pixel"}
       : (tensor<1x3x8x8xf32>, tensor<2xf32>) -> tensor<1x3x16x16xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, Optional<LLMC_FloatTensor>:$roi,
      Optional<LLMC_FloatTensor>:$scales, Optional<LLMC_I64Tensor>:$sizes,
      DenseI64ArrayAttr:$axes,
      DefaultValuedAttr<LLMC_StrOf<["nearest", "linear", "cubic"]>,
                        "\"nearest\"">:$mode,
      DefaultValuedAttr<LLMC_StrOf<[
          "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel",
          "align_corners", "asymmetric", "tf_crop_and_resize"]>,
          "\"half_pixel\"">:$coordinate_transformation_mode,
      DefaultValuedAttr<LLMC_StrOf<[
          "round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]>,
          "\"round_prefer_floor\"">:$nearest_mode,
      DefaultValuedAttr<LLMC_StrOf<["stretch", "not_larger", "not_smaller"]>,
          "\"stretch\"">:$keep_aspect_ratio_policy,
      DefaultValuedAttr<F32Attr, "-0.75">:$cubic_coeff_a,
      DefaultValuedAttr<F32Attr, "0.0">:$extrapolation_value,
      UnitAttr:$exclude_outside, UnitAttr:$antialias);
  let results = (outs LLMC_Tensor:$result);
  let assemblyFormat = [{
    $operand (`roi` $roi^)? (`scales` $scales^)? (`sizes` $sizes^)? attr-dict
    `:` functional-type(operands, results)
  }];
}

def LLMC_GridSampleOp : LLMC_GraphOp<"grid_sample"> {
  let summary = "ONNX GridSample-22";
  let description = [{
    Samples `[batch, channels, spatial...]` at the positions in `grid`,
    `[batch, out..., spatial rank]`, whose coordinates run from -1 to 1 over
    each dimension and come last dimension first.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$grid,
      DefaultValuedAttr<LLMC_StrOf<["linear", "nearest", "cubic"]>,
                        "\"linear\"">:$mode,
      DefaultValuedAttr<LLMC_StrOf<["zeros", "border", "reflection"]>,
                        "\"zeros\"">:$padding_mode,
      UnitAttr:$align_corners);
}

def LLMC_RoiAlignOp : LLMC_GraphOp<"roi_align"> {
  let summary = "ONNX RoiAlign-22";
  let description = [{
    Pools each region `[x1, y1, x2, y2]` of `rois` in the image that
    `batch_indices` names into `output_height` x `output_width` bins. An index
    outside the batch is an error at run time.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$rois,
      LLMC_I64Tensor:$batch_indices,
      DefaultValuedAttr<LLMC_StrOf<["half_pixel", "output_half_pixel"]>,
          "\"half_pixel\"">:$coordinate_transformation_mode,
      DefaultValuedAttr<LLMC_StrOf<["avg", "max"]>, "\"avg\"">:$mode,
      DefaultValuedAttr<I64Attr, "1">:$output_height,
      DefaultValuedAttr<I64Attr, "1">:$output_width,
      DefaultValuedAttr<I64Attr, "0">:$sampling_ratio,
      DefaultValuedAttr<F32Attr, "1.0">:$spatial_scale);
}

def LLMC_NonMaxSuppressionOp : LLMC_GraphOp<"non_max_suppression"> {
  let summary = "ONNX NonMaxSuppression-11";
  let description = [{
    From `boxes`, `[batch, boxes, 4]`, and `scores`, `[batch, classes, boxes]`,
    rows `[batch, class, box]` of those that are selected: per class the
    best-scoring box that overlaps none already selected by more than
    `iou_threshold`, up to `max_output_boxes_per_class`.
  }];
  let arguments = (ins LLMC_FloatTensor:$boxes, LLMC_FloatTensor:$scores,
      LLMC_I64Tensor:$max_output_boxes_per_class,
      LLMC_FloatTensor:$iou_threshold,
      Optional<LLMC_FloatTensor>:$score_threshold, UnitAttr:$center_point_box);
  let results = (outs LLMC_I64Tensor:$result);
}

#endif // LLMC_IR_IMAGEOPS
