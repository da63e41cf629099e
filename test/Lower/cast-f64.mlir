// RUN: llmc-run %s --input 'x=dense<[1.0004882812509095, 1.0004882812490905, -1.0004882812509095, 1.00048828125, 65519.999, 65520.0, 1.0e300, -1.0e300, 0x7FF8000000000000, 8.94069671639533e-08, 0.1]> : tensor<11xf64>' \
// RUN:   --input 'y=dense<[1.0039062500009095, 1.0039062499990905, -1.0039062500009095, 1.00390625, 1.0e300, 0x7FF8000000000000, 0.1]> : tensor<7xf64>' | FileCheck %s
// RUN: llmc-compile %s -o %t.llmc

// Rounded once: numbers beside the middle of two f16 are the middle as f32.
// The f16 are numpy's. Artifacts link no library with these conversions.
func.func @main(%x: tensor<11xf64> {llmc.name = "x"}, %y: tensor<7xf64> {llmc.name = "y"})
    -> (tensor<11xui16> {llmc.name = "f16"}, tensor<7xui16> {llmc.name = "bf16"}) {
  // CHECK: f16: dense<[15361, 15360, 48129, 15360, 31743, 31744, 31744, 64512, 32256, 2, 11878]>
  %0 = llmc.cast %x {to = f16} : (tensor<11xf64>) -> tensor<11xf16>
  %1 = llmc.bit_cast %0 {to = ui16} : (tensor<11xf16>) -> tensor<11xui16>
  // CHECK: bf16: dense<[16257, 16256, 49025, 16256, 32640, 32704, 15821]>
  %2 = llmc.cast %y {to = bf16} : (tensor<7xf64>) -> tensor<7xbf16>
  %3 = llmc.bit_cast %2 {to = ui16} : (tensor<7xbf16>) -> tensor<7xui16>
  return %1, %3 : tensor<11xui16>, tensor<7xui16>
}
