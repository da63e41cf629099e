// Seconds of a backend's kernels: of a linear, and of an embedding and a linear
// that read one weight.

// DEFINE: %{cpu} = --load-backend=cpu --target=cpu:x86-64-v3
// DEFINE: %{remarks} = --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress

// What is built to ask the backend is gone, and nothing else has changed.
// RUN: llmc-opt %s %{cpu} --llmc-allocate-bits="latency=1 block=32 bits=8 weighting=none" | FileCheck %s
// RUN: llmc-opt %s %{cpu} --llmc-allocate-bits="latency=1 block=32 bits=8 weighting=none operands=int8 scales=int8" | FileCheck %s
// RUN: llmc-opt %s %{cpu} --llmc-allocate-bits="latency=1 block=32 bits=8 weighting=none codebooks scales=float16" | FileCheck %s
// CHECK-NOT: scratch
// CHECK: llmc.param @table = dense<1.000000e+00> : tensor<64x256xf32> {llmc.bits = 8 : i64}
// CHECK-NEXT: llmc.param @up = dense<1.000000e+00> : tensor<256x256xf32> {llmc.bits = 8 : i64}
// CHECK-NEXT: func.func
// CHECK-NEXT: llmc.weight @table
// CHECK-NEXT: llmc.embedding
// CHECK-NEXT: llmc.weight @up
// CHECK-NEXT: llmc.linear
// CHECK-NEXT: llmc.exp
// CHECK-NEXT: llmc.linear
// CHECK-NEXT: return

// A launch is 5 microseconds, besides what is read and multiplied: the weight
// that two ops read costs what both take.
// RUN: llmc-opt %s %{cpu} %{remarks} --llmc-allocate-bits="latency=1 block=32 bits=8 weighting=none" -o /dev/null 2>&1 | FileCheck %s --check-prefix=BOTH
// BOTH-DAG: milliseconds=6.625261e-03, model_milliseconds=1.704774e-02, param=table
// BOTH-DAG: milliseconds=1.042248e-02, model_milliseconds=1.704774e-02, param=up

// Integers are multiplied faster than floats, values that are looked up are
// slower to unpack.
// RUN: llmc-opt %s %{cpu} %{remarks} --llmc-allocate-bits="latency=1 block=32 bits=8 weighting=none operands=int8" -o /dev/null 2>&1 | FileCheck %s --check-prefix=INT8
// INT8: milliseconds=9.238087e-03, {{.*}}param=up
// RUN: llmc-opt %s %{cpu} %{remarks} --llmc-allocate-bits="latency=1 block=32 bits=8 weighting=none codebooks" -o /dev/null 2>&1 | FileCheck %s --check-prefix=LOOKUP
// LOOKUP: bytes=74752, {{.*}} milliseconds=2.227856e-02, {{.*}}param=up

// Of one that is left alone counts what its ops take as they are: a float table
// has 64 kB, where 19 kB take 6.6 microseconds.
// RUN: llmc-opt %s %{cpu} %{remarks} --llmc-allocate-bits="latency=1 block=32 bits=8 weighting=none skip=table" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SKIP
// SKIP: milliseconds=1.042248e-02, model_milliseconds=1.920243e-02, param=up

// Out of reach with this latency, which 512 rows are.
// RUN: not llmc-opt %s %{cpu} --llmc-allocate-bits="latency=0.017047 block=32 bits=8 weighting=none" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SLOW
// RUN: llmc-opt %s %{cpu} --llmc-allocate-bits="latency=0.017048 block=32 bits=8 weighting=none" -o /dev/null
// SLOW: error: llmc-allocate-bits: latency is 0.017047 ms; the fastest choice takes 0.017048 ms
// RUN: not llmc-opt %s %{cpu} --llmc-allocate-bits="latency=1 block=32 bits=8 weighting=none rows=512" -o /dev/null 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: error: llmc-allocate-bits: latency is 1 ms; the fastest choice takes 1.650628 ms

// 4 bits are faster than 3. Within 36000 bytes there are only 3.
// DEFINE: %{few} = block=32 bits=3,4 weighting=none operands=int8 symmetric scales=float16
// RUN: llmc-opt %s %{cpu} --llmc-allocate-bits="latency=0.0135 %{few}" | FileCheck %s --check-prefix=FOUR
// FOUR-COUNT-2: llmc.bits = 4
// RUN: llmc-opt %s %{cpu} --llmc-allocate-bits="latency=0.0138 budget=36000 %{few}" | FileCheck %s --check-prefix=THREE
// THREE-COUNT-2: llmc.bits = 3
// RUN: llmc-opt %s %{cpu} --llmc-allocate-bits="latency=0.0135 budget=45000 %{few}" | FileCheck %s --check-prefix=MIXED
// MIXED: llmc.param @table = {{.*}} {llmc.bits = 3
// MIXED: llmc.param @up = {{.*}} {llmc.bits = 4
// RUN: not llmc-opt %s %{cpu} --llmc-allocate-bits="latency=0.0135 budget=36000 %{few}" 2>&1 | FileCheck %s --check-prefix=NEITHER
// NEITHER: error: llmc-allocate-bits: no choice was found within a budget of 36000 bytes and a latency of 0.0135 ms; the fastest one within the budget takes 0.013789 ms

llmc.param @table = dense<1.0> : tensor<64x256xf32>
llmc.param @up = dense<1.0> : tensor<256x256xf32>

func.func @main(%ids: tensor<?xi64>) -> tensor<?x64xf32> {
  %t = llmc.weight @table : tensor<64x256xf32>
  %x = llmc.embedding %ids, %t
     : (tensor<?xi64>, tensor<64x256xf32>) -> tensor<?x256xf32>
  %u = llmc.weight @up : tensor<256x256xf32>
  %h = llmc.linear %x, %u
     : (tensor<?x256xf32>, tensor<256x256xf32>) -> tensor<?x256xf32>
  %e = llmc.exp %h : (tensor<?x256xf32>) -> tensor<?x256xf32>
  %y = llmc.linear %e, %t
     : (tensor<?x256xf32>, tensor<64x256xf32>) -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
