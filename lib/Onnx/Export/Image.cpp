//===- Image.cpp - export of ops that sample images -----------------------===//

#include "ExportTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult exportResize(OpWriter &writer, ResizeOp op) {
  writer.requireOpset(19);
  SmallVector<std::string> inputs{
      writer.in(op.getOperand()), writer.in(op.getRoi()),
      writer.in(op.getScales()), writer.in(op.getSizes())};
  if (inputs.back().empty())
    inputs.pop_back();
  writer.result("Resize", inputs)
      .attr("axes", op.getAxes())
      .attr("mode", op.getMode())
      .attr("coordinate_transformation_mode",
            op.getCoordinateTransformationMode())
      .attr("nearest_mode", op.getNearestMode())
      .attr("keep_aspect_ratio_policy", op.getKeepAspectRatioPolicy())
      .attr("cubic_coeff_a", double(op.getCubicCoeffA().convertToFloat()))
      .attr("extrapolation_value",
            double(op.getExtrapolationValue().convertToFloat()))
      .attr("exclude_outside", int64_t(op.getExcludeOutside()))
      .attr("antialias", int64_t(op.getAntialias()));
  return success();
}

static LogicalResult exportGridSample(OpWriter &writer, GridSampleOp op) {
  writer.requireOpset(20);
  writer
      .result("GridSample",
              {writer.in(op.getOperand()), writer.in(op.getGrid())})
      .attr("mode", op.getMode())
      .attr("padding_mode", op.getPaddingMode())
      .attr("align_corners", int64_t(op.getAlignCorners()));
  return success();
}

static LogicalResult exportRoiAlign(OpWriter &writer, RoiAlignOp op) {
  writer.requireOpset(16);
  writer
      .result("RoiAlign", {writer.in(op.getOperand()), writer.in(op.getRois()),
                           writer.in(op.getBatchIndices())})
      .attr("coordinate_transformation_mode",
            op.getCoordinateTransformationMode())
      .attr("mode", op.getMode())
      .attr("output_height", int64_t(op.getOutputHeight()))
      .attr("output_width", int64_t(op.getOutputWidth()))
      .attr("sampling_ratio", int64_t(op.getSamplingRatio()))
      .attr("spatial_scale", double(op.getSpatialScale().convertToFloat()));
  return success();
}

static LogicalResult exportNonMaxSuppression(OpWriter &writer,
                                             NonMaxSuppressionOp op) {
  writer.requireOpset(11);
  writer
      .result("NonMaxSuppression",
              {writer.in(op.getBoxes()), writer.in(op.getScores()),
               writer.in(op.getMaxOutputBoxesPerClass()),
               writer.in(op.getIouThreshold()),
               writer.in(op.getScoreThreshold())})
      .attr("center_point_box", int64_t(op.getCenterPointBox()));
  return success();
}

void onnx_detail::registerImageExports(ExportTable &table) {
  table.add(exportResize);
  table.add(exportGridSample);
  table.add(exportRoiAlign);
  table.add(exportNonMaxSuppression);
}
