// RUN: llmc-opt %s --llmc-append-top-k=k=9 -split-input-file -verify-diagnostics

// expected-error@below {{llmc-append-top-k: @main has no result 'logits' to choose tokens by}}
module {
  func.func @main(%x: tensor<?x9xf32>) -> (tensor<?x9xf32> {llmc.name = "y"}) {
    return %x : tensor<?x9xf32>
  }
}

// -----

// expected-error@below {{llmc-append-top-k: k is 9, where the vocabulary has 8 tokens}}
module {
  func.func @main(%x: tensor<?x8xf32>) -> (tensor<?x8xf32> {llmc.name = "logits"}) {
    return %x : tensor<?x8xf32>
  }
}

// -----

// expected-error@below {{'logits' is 'tensor<?x?xf32>', where floats [..., vocabulary] of a known size are needed}}
module {
  func.func @main(%x: tensor<?x?xf32>) -> (tensor<?x?xf32> {llmc.name = "logits"}) {
    return %x : tensor<?x?xf32>
  }
}

// -----

// expected-error@below {{@main returns the best tokens already}}
module {
  func.func @main(%x: tensor<?x9xf32>, %y: tensor<?x9xi64>)
      -> (tensor<?x9xf32> {llmc.name = "logits"}, tensor<?x9xi64> {llmc.name = "top_ids"}) {
    return %x, %y : tensor<?x9xf32>, tensor<?x9xi64>
  }
}

// -----

// expected-error@below {{there is no @main}}
module {
}
