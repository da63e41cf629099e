// RUN: llmc-opt %s -llmc-quantize-rtn="bits=4 block=8 symmetric progressive" | FileCheck %s
// RUN: llmc-opt %s -llmc-quantize-rtn="bits=4 block=8 symmetric progressive" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-prune-magnitude{pattern=2:4 skip=^[^p]},llmc-quantize-rtn{bits=4 block=8 symmetric progressive skip=^[^p]})' | FileCheck %s --check-prefix=PRUNED
// RUN: llmc-opt %s -llmc-quantize-rtn="bits=4 block=8 symmetric progressive" -o %t.mlir
// RUN: llmc-run %t.mlir --input 'x=dense<1.0> : tensor<1x16xf32>' --input 'y=dense<1.0> : tensor<1x16xbf16>' --input 'z=dense<1.0> : tensor<1x8xf32>' | FileCheck %s --check-prefix=SUM

// REMARK: bits=4, block=8, bytes_after=42, bytes_before=192, {{.*}}param=fc,
// REMARK: bytes_after=12, bytes_before=32, {{.*}}param=half,
// REMARK: bytes_after=16, bytes_before=64, {{.*}}param=row,
// REMARK: bytes_after=24, bytes_before=64, {{.*}}param=eight,

// CHECK: llmc.param @fc.q = dense_resource<fc.q> : tensor<3x2x4xui8>
// CHECK: llmc.param @fc.scales.q = dense_resource<fc.scales.q> : tensor<3x2xui8>
// CHECK: llmc.param @fc.scales.rows = dense_resource<fc.scales.rows> : tensor<3x1xf32>
// CHECK-NOT: fc
// CHECK: llmc.param @half.q
// CHECK: llmc.param @half.scales.q = dense_resource<half.scales.q> : tensor<1x2xui8>
// CHECK: llmc.param @half.scales.rows = dense_resource<half.scales.rows> : tensor<1x1xbf16>
llmc.param @fc = dense<[
  [-7.0, -6.0, -5.0, -4.0, 5.0, 6.0, 7.0, 7.5,
   1.0, -1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
   -1.5, -1.4, -0.1, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
   0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<3x16xf32>
llmc.param @half = dense<[
  [1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
   0.25, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]]> : tensor<1x16xbf16>

// One block in each row, and a weight that asks for 8 bits: scales as usual.
// CHECK: llmc.param @row.scales = {{.*}} : tensor<2x1xf32>
llmc.param @row = dense<1.0> : tensor<2x8xf32>
// CHECK: llmc.param @eight.scales = {{.*}} : tensor<1x2xf32>
llmc.param @eight = dense<1.0> : tensor<1x16xf32> {llmc.bits = 8 : i64}

// PRUNED: llmc.param @pruned.q = {{.*}} : tensor<2x2x2xui8>
// PRUNED: llmc.param @pruned.scales.q = {{.*}} : tensor<2x2xui8>
// PRUNED: llmc.param @pruned.scales.rows = {{.*}} : tensor<2x1xf32>
llmc.param @pruned = dense<[
  [7.5, 0.0, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0,
   0.0, 3.75, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0],
  [0.0, 7.5, 0.5, 0.0, 0.0, -2.5, 1.5, 0.0,
   15.0, 0.0, 0.5, 0.0, 0.0, -2.5, 0.0, 1.5]]> : tensor<2x16xf32>

// CHECK-LABEL: func.func @main
// CHECK: %[[Q:.*]] = llmc.weight @fc.q : tensor<3x2x4xui8>
// CHECK: %[[M:.*]] = llmc.weight @fc.scales.q : tensor<3x2xui8>
// CHECK: %[[C:.*]] = llmc.cast %[[M]] {to = f32} : (tensor<3x2xui8>) -> tensor<3x2xf32>
// CHECK: %[[R:.*]] = llmc.weight @fc.scales.rows : tensor<3x1xf32>
// CHECK: %[[S:.*]] = llmc.mul %[[C]], %[[R]] : (tensor<3x2xf32>, tensor<3x1xf32>) -> tensor<3x2xf32>
// CHECK: %[[W:.*]] = llmc.dequantize %[[Q]], %[[S]] {bits = 4 : i64, block = 8 : i64, columns = 16 : i64}
// CHECK: llmc.linear %{{.*}}, %[[W]]
// CHECK: llmc.mul {{.*}} : (tensor<1x2xbf16>, tensor<1x1xbf16>) -> tensor<1x2xbf16>

// PRUNED: %[[S:.*]] = llmc.mul %{{.*}} : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x2xf32>
// PRUNED: %[[Q:.*]] = llmc.densify %{{.*}} {bits = 4 : i64, pattern = "2:4"}
// PRUNED: llmc.dequantize %[[Q]], %[[S]]

// The largest scale of the first row is 7.5 / 7.5, a sixteenth of that is its
// number; 2/15, the scale of its second block, is 2.13 of these, which become
// 2. Codes are 8 more than the nearest multiples of 1 and 1/8, but 15 at most.
// The second row has 0.2 / 16 = 102.4 / 8192, rounded up to 103, which is 7
// bits; 0.2 is 15.9 of these. A block of zeros has 1 of them and a row of zeros
// the number 1.
// CHECK: fc.q: "0x400000002143EDFF0F8C888888888888118888888888888888888888"
// CHECK: fc.scales.q: "0x40000000100201100101"
// CHECK: fc.scales.rows: "0x400000000000803D00004E3C0000803F"

// 2/15 / 16 = 8.53 / 1024, rounded up to 9, which is 4 bits. 2/15 is 15.2 of
// these, and 1/30, that of the second block, 3.8.
// CHECK: half.scales.q: "0x400000000F04"
// CHECK: half.scales.rows: "0x40000000103C"

// Blocks of 4 stored values, two of each row: 1 and 0.5 are 16 and 8
// sixteenths, 1 and 2 are 8 and 16 eighths.
// PRUNED: pruned.scales.q: "0x4000000010080810"
// PRUNED: pruned.scales.rows: "0x400000000000803D0000003E"

// (-7 - 6 - 5 - 4 + 5 + 6 + 7 + 7) + (7 - 8 + 4) / 8, -14 * 16 * 103 / 8192.
// SUM: [3.375000e+00, -2.81640625, 0.000000e+00]
func.func @main(%x: tensor<?x16xf32> {llmc.name = "x"},
                %y: tensor<?x16xbf16> {llmc.name = "y"},
                %z: tensor<?x8xf32> {llmc.name = "z"})
    -> (tensor<?x3xf32>, tensor<?x1xbf16>, tensor<?x1xf32>, tensor<?x2xf32>,
        tensor<?x2xf32>) {
  %w = llmc.weight @fc : tensor<3x16xf32>
  %0 = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<3x16xf32>) -> tensor<?x3xf32>
  %b = llmc.weight @half : tensor<1x16xbf16>
  %1 = llmc.linear %y, %b
     : (tensor<?x16xbf16>, tensor<1x16xbf16>) -> tensor<?x1xbf16>
  %e = llmc.weight @eight : tensor<1x16xf32>
  %2 = llmc.linear %x, %e
     : (tensor<?x16xf32>, tensor<1x16xf32>) -> tensor<?x1xf32>
  %p = llmc.weight @pruned : tensor<2x16xf32>
  %3 = llmc.linear %x, %p
     : (tensor<?x16xf32>, tensor<2x16xf32>) -> tensor<?x2xf32>
  %r = llmc.weight @row : tensor<2x8xf32>
  %4 = llmc.linear %z, %r
     : (tensor<?x8xf32>, tensor<2x8xf32>) -> tensor<?x2xf32>
  return %0, %1, %2, %3, %4
       : tensor<?x3xf32>, tensor<?x1xbf16>, tensor<?x1xf32>, tensor<?x2xf32>,
         tensor<?x2xf32>
}
