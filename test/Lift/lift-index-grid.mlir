// RUN: llmc-opt %s --llmc-lift-index-grid | FileCheck %s

// The padding mask of recent exports: batch along axis 0, keys along axis 3.
// CHECK-LABEL: func.func @mask
// CHECK-SAME: (%[[M:[^:]*]]: tensor<?x?xi1>
// CHECK-NEXT: %[[Y:.*]] = llmc.unsqueeze %[[M]] {axes = array<i64: 1, 2>} : (tensor<?x?xi1>) -> tensor<?x1x1x?xi1>
// CHECK-NEXT: return %[[Y]]
func.func @mask(%mask: tensor<?x?xi1> {llmc.dims = ["b", "s"]},
                %ids: tensor<?x?xi64> {llmc.dims = ["b", "s"]})
    -> tensor<?x1x1x?xi1> {
  %0 = llmc.constant dense<0> : tensor<i64>
  %1 = llmc.constant dense<1> : tensor<i64>
  %b1 = llmc.shape %ids {start = 0 : i64, end = 1 : i64}
     : (tensor<?x?xi64>) -> tensor<1xi64>
  %s1 = llmc.shape %ids {start = 1 : i64, end = 2 : i64}
     : (tensor<?x?xi64>) -> tensor<1xi64>
  %b = llmc.squeeze %b1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %s = llmc.squeeze %s1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %rb = llmc.range %0, %b, %1
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %rs = llmc.range %0, %s, %1
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %ub = llmc.unsqueeze %rb {axes = array<i64: 1, 2, 3>}
     : (tensor<?xi64>) -> tensor<?x1x1x1xi64>
  %us = llmc.unsqueeze %rs {axes = array<i64: 0, 1, 2>}
     : (tensor<?xi64>) -> tensor<1x1x1x?xi64>
  %max = llmc.max %ub, %us
     : (tensor<?x1x1x1xi64>, tensor<1x1x1x?xi64>) -> tensor<?x1x1x?xi64>
  %shape = llmc.shape %max {start = 0 : i64, end = 4 : i64}
     : (tensor<?x1x1x?xi64>) -> tensor<4xi64>
  %eb = llmc.expand %ub, %shape
     : (tensor<?x1x1x1xi64>, tensor<4xi64>) -> tensor<?x1x1x?xi64>
  %es = llmc.expand %us, %shape
     : (tensor<1x1x1x?xi64>, tensor<4xi64>) -> tensor<?x1x1x?xi64>
  %cb = llmc.unsqueeze %eb {axes = array<i64: 4>}
     : (tensor<?x1x1x?xi64>) -> tensor<?x1x1x?x1xi64>
  %cs = llmc.unsqueeze %es {axes = array<i64: 4>}
     : (tensor<?x1x1x?xi64>) -> tensor<?x1x1x?x1xi64>
  %grid = llmc.concat %cb, %cs {axis = 4 : i64}
     : (tensor<?x1x1x?x1xi64>, tensor<?x1x1x?x1xi64>) -> tensor<?x1x1x?x2xi64>
  %y = llmc.gather_nd %mask, %grid
     : (tensor<?x?xi1>, tensor<?x1x1x?x2xi64>) -> tensor<?x1x1x?xi1>
  return %y : tensor<?x1x1x?xi1>
}

// Fewer components than dimensions: rows, by way of a reshape and of i32.
// CHECK-LABEL: func.func @rows
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x?x8xf32>
// CHECK-NEXT: %[[Y:.*]] = llmc.unsqueeze %[[X]] {axes = array<i64: 1>} : (tensor<?x?x8xf32>) -> tensor<?x1x?x8xf32>
// CHECK-NEXT: return %[[Y]]
func.func @rows(%x: tensor<?x?x8xf32>) -> tensor<?x1x?x8xf32> {
  %0 = llmc.constant dense<0> : tensor<i64>
  %1 = llmc.constant dense<1> : tensor<i64>
  %none = llmc.constant dense<> : tensor<0xi64>
  %column = llmc.constant dense<[-1, 1, 1, 1]> : tensor<4xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %b1 = llmc.shape %x {start = 0 : i64, end = 1 : i64}
     : (tensor<?x?x8xf32>) -> tensor<1xi64>
  %s1 = llmc.shape %x {start = 1 : i64, end = 2 : i64}
     : (tensor<?x?x8xf32>) -> tensor<1xi64>
  %b = llmc.reshape %b1, %none : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %s = llmc.reshape %s1, %none : (tensor<1xi64>, tensor<0xi64>) -> tensor<i64>
  %rb = llmc.range %0, %b, %1
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %rs = llmc.range %0, %s, %1
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %rb32 = llmc.cast %rb {to = i32} : (tensor<?xi64>) -> tensor<?xi32>
  %rb64 = llmc.cast %rb32 {to = i64} : (tensor<?xi32>) -> tensor<?xi64>
  %ub = llmc.reshape %rb64, %column
     : (tensor<?xi64>, tensor<4xi64>) -> tensor<?x1x1x1xi64>
  %us = llmc.unsqueeze %rs {axes = array<i64: 1>}
     : (tensor<?xi64>) -> tensor<?x1xi64>
  %shape = llmc.concat %b1, %one, %s1, %one {axis = 0 : i64}
     : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<4xi64>
  %eb = llmc.expand %ub, %shape
     : (tensor<?x1x1x1xi64>, tensor<4xi64>) -> tensor<?x1x?x1xi64>
  %es = llmc.expand %us, %shape
     : (tensor<?x1xi64>, tensor<4xi64>) -> tensor<?x1x?x1xi64>
  %grid = llmc.concat %eb, %es {axis = 3 : i64}
     : (tensor<?x1x?x1xi64>, tensor<?x1x?x1xi64>) -> tensor<?x1x?x2xi64>
  %y = llmc.gather_nd %x, %grid
     : (tensor<?x?x8xf32>, tensor<?x1x?x2xi64>) -> tensor<?x1x?x8xf32>
  return %y : tensor<?x1x?x8xf32>
}

// Constants, as folding leaves them, and a dimension of 1, which only has the
// position 0.
// CHECK-LABEL: func.func @constants
// CHECK-SAME: (%[[X:[^:]*]]: tensor<1x4x?xi1>
// CHECK-NEXT: %[[Y:.*]] = llmc.unsqueeze %[[X]] {axes = array<i64: 1>} : (tensor<1x4x?xi1>) -> tensor<1x1x4x?xi1>
// CHECK-NEXT: return %[[Y]]
func.func @constants(%x: tensor<1x4x?xi1>) -> tensor<1x1x4x?xi1> {
  %four = llmc.constant dense<[[[[0], [1], [2], [3]]]]> : tensor<1x1x4x1xi64>
  %first = llmc.constant dense<0> : tensor<1x1x1x1xi64>
  %shape = llmc.constant dense<[1, 1, 4, 1]> : tensor<4xi64>
  %e = llmc.expand %first, %shape
     : (tensor<1x1x1x1xi64>, tensor<4xi64>) -> tensor<1x1x4x1xi64>
  %grid = llmc.concat %e, %four {axis = 3 : i64}
     : (tensor<1x1x4x1xi64>, tensor<1x1x4x1xi64>) -> tensor<1x1x4x2xi64>
  %y = llmc.gather_nd %x, %grid
     : (tensor<1x4x?xi1>, tensor<1x1x4x2xi64>) -> tensor<1x1x4x?xi1>
  return %y : tensor<1x1x4x?xi1>
}

// One component needs no concat, and without dimensions to insert nothing
// remains.
// CHECK-LABEL: func.func @one_component
// CHECK-SAME: (%[[X:[^:]*]]: tensor<4x?xf32>
// CHECK-NEXT: return %[[X]]
func.func @one_component(%x: tensor<4x?xf32>) -> tensor<4x?xf32> {
  %i = llmc.constant dense<[[0], [1], [2], [3]]> : tensor<4x1xi64>
  %y = llmc.gather_nd %x, %i
     : (tensor<4x?xf32>, tensor<4x1xi64>) -> tensor<4x?xf32>
  return %y : tensor<4x?xf32>
}

// Other positions: a start other than 0, steps of 2, the size of something
// else, an order of its own, and the first one for each.
// CHECK-LABEL: func.func @other_positions
// CHECK-COUNT-5: llmc.gather_nd
// CHECK: return
func.func @other_positions(%x: tensor<?x8xf32> {llmc.dims = ["s", ""]},
                           %z: tensor<?xf32> {llmc.dims = ["t"]},
                           %w: tensor<4x8xf32>)
    -> (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<4x8xf32>,
        tensor<4x8xf32>) {
  %0 = llmc.constant dense<0> : tensor<i64>
  %1 = llmc.constant dense<1> : tensor<i64>
  %2 = llmc.constant dense<2> : tensor<i64>
  %s1 = llmc.shape %x {start = 0 : i64, end = 1 : i64}
     : (tensor<?x8xf32>) -> tensor<1xi64>
  %t1 = llmc.shape %z {start = 0 : i64, end = 1 : i64}
     : (tensor<?xf32>) -> tensor<1xi64>
  %s = llmc.squeeze %s1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %t = llmc.squeeze %t1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %late = llmc.range %1, %s, %1
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %even = llmc.range %0, %s, %2
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %long = llmc.range %0, %t, %1
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %a = llmc.unsqueeze %late {axes = array<i64: 1>}
     : (tensor<?xi64>) -> tensor<?x1xi64>
  %b = llmc.unsqueeze %even {axes = array<i64: 1>}
     : (tensor<?xi64>) -> tensor<?x1xi64>
  %c = llmc.unsqueeze %long {axes = array<i64: 1>}
     : (tensor<?xi64>) -> tensor<?x1xi64>
  %d = llmc.constant dense<[[0], [1], [3], [2]]> : tensor<4x1xi64>
  %e = llmc.constant dense<0> : tensor<4x1xi64>
  %ya = llmc.gather_nd %x, %a
     : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x8xf32>
  %yb = llmc.gather_nd %x, %b
     : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x8xf32>
  %yc = llmc.gather_nd %x, %c
     : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x8xf32>
  %yd = llmc.gather_nd %w, %d
     : (tensor<4x8xf32>, tensor<4x1xi64>) -> tensor<4x8xf32>
  %ye = llmc.gather_nd %w, %e
     : (tensor<4x8xf32>, tensor<4x1xi64>) -> tensor<4x8xf32>
  return %ya, %yb, %yc, %yd, %ye
     : tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<4x8xf32>,
       tensor<4x8xf32>
}

// Components in another order transpose, and a diagonal has one axis only.
// CHECK-LABEL: func.func @other_axes
// CHECK-COUNT-3: llmc.gather_nd
// CHECK: return
func.func @other_axes(%x: tensor<4x4xi1>)
    -> (tensor<4x4xi1>, tensor<4xi1>, tensor<2x4x4xi1>) {
  %rows = llmc.constant dense<[[[0]], [[1]], [[2]], [[3]]]> : tensor<4x1x1xi64>
  %columns = llmc.constant dense<[[[0], [1], [2], [3]]]> : tensor<1x4x1xi64>
  %square = llmc.constant dense<[4, 4, 1]> : tensor<3xi64>
  %er = llmc.expand %rows, %square
     : (tensor<4x1x1xi64>, tensor<3xi64>) -> tensor<4x4x1xi64>
  %ec = llmc.expand %columns, %square
     : (tensor<1x4x1xi64>, tensor<3xi64>) -> tensor<4x4x1xi64>
  %swapped = llmc.concat %ec, %er {axis = 2 : i64}
     : (tensor<4x4x1xi64>, tensor<4x4x1xi64>) -> tensor<4x4x2xi64>
  %transposed = llmc.gather_nd %x, %swapped
     : (tensor<4x4xi1>, tensor<4x4x2xi64>) -> tensor<4x4xi1>
  %line = llmc.constant dense<[[0], [1], [2], [3]]> : tensor<4x1xi64>
  %pairs = llmc.concat %line, %line {axis = 1 : i64}
     : (tensor<4x1xi64>, tensor<4x1xi64>) -> tensor<4x2xi64>
  %diagonal = llmc.gather_nd %x, %pairs
     : (tensor<4x4xi1>, tensor<4x2xi64>) -> tensor<4xi1>
  %twice = llmc.constant dense<[2, 4, 4, 1]> : tensor<4xi64>
  %fr = llmc.expand %er, %twice
     : (tensor<4x4x1xi64>, tensor<4xi64>) -> tensor<2x4x4x1xi64>
  %fc = llmc.expand %ec, %twice
     : (tensor<4x4x1xi64>, tensor<4xi64>) -> tensor<2x4x4x1xi64>
  %all = llmc.concat %fr, %fc {axis = 3 : i64}
     : (tensor<2x4x4x1xi64>, tensor<2x4x4x1xi64>) -> tensor<2x4x4x2xi64>
  %repeated = llmc.gather_nd %x, %all
     : (tensor<4x4xi1>, tensor<2x4x4x2xi64>) -> tensor<2x4x4xi1>
  return %transposed, %diagonal, %repeated
     : tensor<4x4xi1>, tensor<4xi1>, tensor<2x4x4xi1>
}

// Keys that a slice may have cut short.
// CHECK-LABEL: func.func @clamped
// CHECK: llmc.gather_nd
func.func @clamped(%x: tensor<16x8xf32>,
                   %z: tensor<?xf32> {llmc.dims = ["s"]}) -> tensor<?x8xf32> {
  %0 = llmc.constant dense<0> : tensor<i64>
  %1 = llmc.constant dense<1> : tensor<i64>
  %start = llmc.constant dense<0> : tensor<1xi64>
  %step = llmc.constant dense<1> : tensor<1xi64>
  %s1 = llmc.shape %z {start = 0 : i64, end = 1 : i64}
     : (tensor<?xf32>) -> tensor<1xi64>
  %cut = llmc.slice %x, %start, %s1, %step {axes = array<i64: 0>}
     : (tensor<16x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x8xf32>
  %s = llmc.squeeze %s1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %r = llmc.range %0, %s, %1
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %i = llmc.unsqueeze %r {axes = array<i64: 1>}
     : (tensor<?xi64>) -> tensor<?x1xi64>
  %y = llmc.gather_nd %cut, %i
     : (tensor<?x8xf32>, tensor<?x1xi64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
