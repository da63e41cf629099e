//===- Passes.td - the reference lowering ---------------------------------===//

#ifndef LLMC_LOWER_PASSES
#define LLMC_LOWER_PASSES

include "mlir/Pass/PassBase.td"

def ParamsToArguments : Pass<"llmc-params-to-arguments", "::mlir::ModuleOp"> {
  let summary = "Make every parameter that @main uses a trailing argument";
  let description = [{
    Compiled code receives its weights as ordinary buffers, so that an
    executor can hand over mapped memory without a copy. The param ops stay:
    they hold the bytes.

    ```mlir
    func.func @main(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
      %w = llmc.weight @fc1 : tensor<4x8xf32>
    // becomes
    func.func @main(%x: tensor<?x8xf32>,
                    %w: tensor<4x8xf32> {llmc.param = @fc1}) -> ...
    ```
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def SplitLowRank : Pass<"llmc-split-low-rank", "::mlir::ModuleOp"> {
  let summary = "Apply low-rank weights one factor after the other";
  let description = [{
    A weight that is a product is never computed: its factors are smaller, and
    so is the work of two products with them. A weight with a low-rank
    correction becomes a sum of linears. Linears and embeddings read other
    weights afterwards, which backends claim as any.

    ```mlir
    %uv = llmc.matmul %u, %v
       : (tensor<1536x32xf32>, tensor<32x576xf32>) -> tensor<1536x576xf32>
    %w = llmc.add %q, %uv
       : (tensor<1536x576xf32>, tensor<1536x576xf32>) -> tensor<1536x576xf32>
    %y = llmc.linear %x, %w, %b : (tensor<?x576xf32>, tensor<1536x576xf32>,
                                   tensor<1536xf32>) -> tensor<?x1536xf32>
    // becomes
    %0 = llmc.linear %x, %v
       : (tensor<?x576xf32>, tensor<32x576xf32>) -> tensor<?x32xf32>
    %1 = llmc.linear %0, %u
       : (tensor<?x32xf32>, tensor<1536x32xf32>) -> tensor<?x1536xf32>
    %2 = llmc.linear %x, %q, %b : (tensor<?x576xf32>, tensor<1536x576xf32>,
                                   tensor<1536xf32>) -> tensor<?x1536xf32>
    %y = llmc.add %1, %2
       : (tensor<?x1536xf32>, tensor<?x1536xf32>) -> tensor<?x1536xf32>
    ```
  }];
  let dependentDialects = ["::llmc::LLMCDialect"];
  let statistics = [
    Statistic<"numSplit", "ops-split", "Linears and embeddings replaced">];
}

def TransposeWeights : Pass<"llmc-transpose-weights", "::mlir::ModuleOp"> {
  let summary = "Store transposed parameters the way llmc.linear reads them";
  let description = [{
    A model that stores its linears as `[in, out]` lifts to
    `linear(x, transpose(weight))`. Compilation makes the transpose real: one
    new parameter, and the old bytes are given back when nothing else uses
    them.

    ```mlir
    %w = llmc.weight @fc1 : tensor<576x1536xf32>
    %t = llmc.transpose %w {perm = array<i64: 1, 0>}
    // becomes
    %t = llmc.weight @fc1.T : tensor<1536x576xf32>
    ```
  }];
  let statistics = [
    Statistic<"bytes", "bytes", "Bytes of the parameters that were transposed">];
}

def ExplicitBroadcast : Pass<"llmc-explicit-broadcast", "::mlir::ModuleOp"> {
  let summary = "Expand operands whose broadcasting is only known at run time";
  let description = [{
    Lowering treats a dimension of static size 1 as broadcast and any other as
    equal to the result's. Where equality is not provable from the symbolic
    shapes, this pass expands the operand to the common shape, computed at run
    time:

    ```mlir
    %y = llmc.add %a, %b : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    // becomes, when the dimensions may differ
    %s = llmc.broadcast_shape %sa, %sb
    %a1 = llmc.expand %a, %s
    %b1 = llmc.expand %b, %s
    %y = llmc.add %a1, %b1
    ```

    In the same way it makes sure that the inputs of a concatenation agree
    outside of its axis, and the factors of a product along the dimension that
    is summed over: what is expanded to a size is checked to have it.
  }];
  let dependentDialects = ["::llmc::LLMCDialect"];
}

def Decompose : Pass<"llmc-decompose", "::mlir::ModuleOp"> {
  let summary = "Write the building blocks of transformers in primitive ops";
  let description = [{
    Replaces embedding, rms_norm, layer_norm, gelu, silu, rope and attention by
    elementwise ops, reductions and products, which have a reference lowering.
    Keys and values that several query heads share are read through a
    broadcast, not copied. Backends take these ops before this pass; what is
    left runs through it.

    ```mlir
    %y = llmc.silu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
    // becomes
    %s = llmc.sigmoid %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
    %y = llmc.mul %x, %s : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numDecomposed", "ops-decomposed", "Ops replaced">
  ];
}

def LowerToLinalg : Pass<"llmc-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower primitive llmc ops to linalg, tensor, scf and arith";
  let description = [{
    The reference lowering: one simple and obviously right form per op, on
    tensors. Unsigned integers become signless. Every other path is compared
    against it.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect",
    "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}

def FuseElementwise : Pass<"llmc-fuse-elementwise", "::mlir::ModuleOp"> {
  let summary = "Fuse elementwise linalg ops where no element is computed twice";
  let description = [{
    Upstream's linalg-fuse-elementwise-ops also fuses into products, which read
    each element once per row of the result, and so compute it that often: the
    exponentials of an activation, once per output of the linear behind it.
    This pass fuses into a reader that visits each element once.

    ```mlir
    %e = linalg.generic {maps (i) -> (i), (i) -> (i)} ins(%x) ... exp
    %y = linalg.generic {maps (i) -> (i), (i) -> (i)} ins(%e) ... add 1
    // becomes
    %y = linalg.generic {maps (i) -> (i), (i) -> (i)} ins(%x) ... exp, add 1
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::linalg::LinalgDialect",
                           "::mlir::tensor::TensorDialect"];
}

def ProtectArguments : Pass<"llmc-protect-arguments", "::mlir::ModuleOp"> {
  let summary = "Forbid bufferization to write to inputs and weights";
  let description = [{
    Inputs are the caller's and weights are mapped read-only. Bufferization
    takes every argument for memory it may use unless told otherwise; states
    (`llmc.state`) are meant to be written.

    ```mlir
    func.func @main(%x: tensor<4xf32>, %cache: tensor<4xf32> {llmc.state = "y"})
    // becomes
    func.func @main(%x: tensor<4xf32> {bufferization.writable = false},
                    %cache: tensor<4xf32> {llmc.state = "y"})
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def DropStateResults : Pass<"llmc-drop-state-results", "::mlir::ModuleOp"> {
  let summary = "Leave updated states in the buffers of their arguments";
  let description = [{
    @main of a model with states (`llmc.state`) returns the updated ones. After
    bufferization these are the arguments' own buffers, which the caller has:
    returning them would mean a copy. A state whose new value is somewhere else
    is copied into its argument.

    ```mlir
    func.func @main(%cache: memref<?xf32> {llmc.name = "a", llmc.state = "b"})
        -> (memref<?xf32> {llmc.state = "a"}) {
      return %cache : memref<?xf32>
    // becomes
    func.func @main(%cache: memref<?xf32> {llmc.name = "a", llmc.state = "b"}) {
      return
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
}

def SeparateResults : Pass<"llmc-separate-results", "::mlir::ModuleOp"> {
  let summary = "Give each result of @main a buffer of its own";
  let description = [{
    The caller frees the buffers that @main returns, each once. Results that are
    equal, or views of one buffer, would share one: all but the first are
    copied.

    ```mlir
    func.func @main(...) -> (memref<?xf32>, memref<?xf32>) {
      return %a, %a : memref<?xf32>, memref<?xf32>
    // becomes
      %b = bufferization.clone %a : memref<?xf32> to memref<?xf32>
      return %a, %b : memref<?xf32>, memref<?xf32>
    ```
  }];
  let dependentDialects = ["::mlir::bufferization::BufferizationDialect"];
}

def CopiesToLoops : Pass<"llmc-copies-to-loops", "::mlir::ModuleOp"> {
  let summary = "Turn copies of strided buffers into linalg.copy";
  let description = [{
    Upstream lowers `memref.copy` of a strided buffer to a call of MLIR's
    runner library, which compiled artifacts do without. A `linalg.generic`
    without operands, which upstream does not convert, is inlined.
  }];
  let dependentDialects = ["::mlir::linalg::LinalgDialect"];
}

def OutlineKernels : Pass<"llmc-outline-kernels", "::mlir::ModuleOp"> {
  let summary = "Move each kernel on buffers into a function, equal ones into one";
  let description = [{
    The layers of a model differ in their buffers only, so that what they
    compute is compiled once, and code generation takes time in proportion to
    the number of different kernels: LLVM's is more than linear in the size of
    a function.

    ```mlir
    linalg.generic ... ins(%a, %b : memref<?x8xf32>, memref<4x8xf32>) ...
    linalg.generic ... ins(%c, %d : memref<?x8xf32>, memref<4x8xf32>) ...
    // becomes
    call @kernel_0(%a, %b, %y) : ...
    call @kernel_0(%c, %d, %z) : ...
    func.func private @kernel_0(...) { linalg.generic ... return }
    ```
  }];
  let dependentDialects = ["::mlir::func::FuncDialect"];
  let statistics = [
    Statistic<"calls", "calls", "Linalg ops that became calls">,
    Statistic<"kernels", "kernels", "Different functions they call">];
}

def InlineScopes : Pass<"llmc-inline-scopes", "::mlir::ModuleOp"> {
  let summary = "Inline scopes of the stack that hold nothing";
  let description = [{
    `convert-scf-to-openmp` puts each body into a `memref.alloca_scope`, which
    its canonicalization keeps while any op in it, such as a call of an intrinsic,
    might allocate on the stack. It must not hold the several blocks that loops
    become. One without `memref.alloca` goes.

    ```mlir
    memref.alloca_scope {
      llvm.call_intrinsic "llvm.x86.tilerelease"() : () -> ()
    }
    // becomes
    llvm.call_intrinsic "llvm.x86.tilerelease"() : () -> ()
    ```
  }];
}

def ParallelizeKernels : Pass<"llmc-parallelize-kernels", "::mlir::ModuleOp"> {
  let summary = "Run large linalg ops on buffers in parallel";
  let description = [{
    For what no backend claims. The outer dimensions of the outputs are tiled,
    never a reduction, so that results do not depend on the number of threads.
    Ops below 32,768 iterations stay as they are: threads would be waited for
    longer. Where sizes are dynamic, both ways are there.

    ```mlir
    linalg.transpose ins(%x : memref<?x?x4x64xf32>) outs(%y : memref<?x4x?x64xf32>) ...
    // becomes
    scf.if %is_large {
      scf.parallel (%b, %h, %s) = ... step (%c1, %c1, %c16) {
        linalg.transpose ... // of 16 rows
      }
    } else {
      linalg.transpose ...
    }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::arith::ArithDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
  let statistics = [Statistic<"numOps", "ops", "Ops that threads share">];
}

def CarryAccumulators
    : Pass<"llmc-carry-accumulators", "::mlir::ModuleOp"> {
  let summary = "Lower linalg with innermost reductions to loops that carry "
                "the sum";
  let description = [{
    Upstream's loops read and write the output in each iteration. Whether that
    memory is also an input's is more than LLVM can know, so the sum would
    never stay in a register and the loop never vectorise. Bufferization
    guarantees it: only elementwise ops may work in place.

    ```mlir
    linalg.generic {iterator_types = ["parallel", "reduction"]}
        ins(%a, %x : memref<4x8xf32>, memref<8xf32>) outs(%y : memref<4xf32>)
    // becomes
    scf.for %i = %c0 to %c4 step %c1 {
      %initial = memref.load %y[%i] : memref<4xf32>
      %sum = scf.for %k = %c0 to %c8 step %c1 iter_args(%s = %initial) -> f32 {
        ...
      }
      memref.store %sum, %y[%i] : memref<4xf32>
    }
    ```
  }];
  let dependentDialects = ["::mlir::affine::AffineDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
}

def HoistScratch : Pass<"llmc-hoist-scratch", "::mlir::ModuleOp"> {
  let summary = "Let callers allocate what kernels work in";
  let description = [{
    A buffer that a private function makes and releases, of a size that it
    computes from the sizes of its arguments, becomes an argument, so that
    `llmc-plan-buffers` has a place for it.

    ```mlir
    func.func private @linear_0(%x: memref<?x576xf32>, ...) {
      %rows = memref.dim %x, %c0 : memref<?x576xf32>
      %scratch = memref.alloc(%rows) : memref<?xf32>
    // becomes
    func.func private @linear_0(%x: memref<?x576xf32>, ...,
                                %scratch: memref<?xf32>) {
    ```
  }];
  let dependentDialects = ["::mlir::memref::MemRefDialect"];
  let statistics = [
    Statistic<"numBuffers", "buffers", "Buffers that became arguments">];
}

def PlanBuffers : Pass<"llmc-plan-buffers", "::mlir::ModuleOp"> {
  let summary = "Put the buffers of a call of @main into one";
  let description = [{
    Which buffers are in use at the same time is known when a model is compiled,
    though their sizes are not: those with the same dynamic dimensions share
    memory when one is dead before the other is made. All of them are one
    allocation at the beginning of @main, which `llmc-emit-scratch` keeps from
    call to call: a call makes no allocation and touches no new page unless it
    is larger than those before.

    Results, and buffers whose sizes are not known when @main begins, such as
    those of llmc.nonzero, are allocated as before.

    ```mlir
    %a = memref.alloc(%n) : memref<?x8xf32>
    // becomes
    %bytes = ...
    %scratch = call @llmc_take_scratch(%bytes) : (index) -> memref<?xi8>
    %a = memref.view %scratch[%offset][%n] : memref<?xi8> to memref<?x8xf32>
    ...
    call @llmc_return_scratch(%scratch) : (memref<?xi8>) -> ()
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::memref::MemRefDialect"];
  let statistics = [
    Statistic<"numBuffers", "buffers", "Buffers that have a place">,
    Statistic<"numSlots", "slots", "Places that they share">];
}

def FindBatch : Pass<"llmc-find-batch", "::mlir::ModuleOp"> {
  let summary = "Find inputs that @main can be given in parts";
  let description = [{
    Dimension 0 of inputs is a batch where it has one symbol in `llmc.dims` and
    everything that @main computes of one of its rows depends on that row of the
    inputs alone: products, norms and attention of it, sums along other
    dimensions, gathers from weights. Such inputs are marked for
    `llmc-split-batch`. Models with states are left as they are, and so are those
    with an op that mixes rows, or that this pass does not know.

    ```mlir
    func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> ...
    // becomes
    func.func @main(%x: tensor<?x8xf32> {llmc.batch, llmc.dims = ["batch", ""]})
    ```
  }];
  let statistics = [
    Statistic<"numArguments", "inputs", "Inputs that can be split">];
}

def SplitBatch : Pass<"llmc-split-batch", "::mlir::ModuleOp"> {
  let summary = "Let threads run parts of a batch through the whole of @main";
  let description = [{
    Where `llmc-find-batch` marked inputs. Parts have at least 256 rows of
    the first input, of one number where those are integers, or else of the last
    dimension, and there are as many for each thread. When those would be fewer
    than two, or threads would wait for more than an eighth of the batch, @main
    is run as a whole, whose kernels have threads of their own; inside a part
    they run on the thread that has it. A function is left as it is if the sizes
    of its results do not follow from those of its arguments.

    ```mlir
    func.func @main(%x: memref<?x8xf32> {llmc.batch}) -> memref<?x4xf32> {
      ...
    // becomes
    func.func private @main_part(%x: memref<?x8xf32>, %y: memref<?x4xf32>) {
      ...
    func.func @main(%x: memref<?x8xf32>) -> memref<?x4xf32> {
      %y = memref.alloc(%batch) : memref<?x4xf32>
      scf.if %whole {
        call @main_part(%x, %y)
      } else {
        scf.parallel (%i) = (%c0) to (%parts) step (%c1) {
          ...
          call @main_part(%rows_of_x, %rows_of_y)
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::func::FuncDialect",
                           "::mlir::LLVM::LLVMDialect",
                           "::mlir::memref::MemRefDialect",
                           "::mlir::scf::SCFDialect"];
  let statistics = [
    Statistic<"numFunctions", "functions", "Functions that run in parts">];
}

def EmitScratch : Pass<"llmc-emit-scratch", "::mlir::ModuleOp"> {
  let summary = "Define the functions that llmc-plan-buffers calls";
  let description = [{
    Runs on the LLVM dialect. Blocks of memory are kept between calls of @main
    until the module is unloaded: as many as calls, or parts of a batch, have run
    at the same time, up to 64. Where there is no memory for one, the function
    that takes it returns at once, with an error.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def EmitInvoke : Pass<"llmc-emit-invoke", "::mlir::ModuleOp"> {
  let summary = "Emit the entry `void llmc_invoke(void **args)`";
  let description = [{
    Runs on the LLVM dialect. `args[0]` points to the results' memref
    descriptors, laid out one after the other, which the call fills with
    buffers that the caller frees; the others point to the descriptors of
    @main's arguments. Defines the global `int64_t llmc_error` that run-time
    checks set.
  }];
  let dependentDialects = ["::mlir::LLVM::LLVMDialect"];
}

def DecomposeScans : Pass<"llmc-decompose-scans", "::mlir::ModuleOp"> {
  let summary = "Write running totals and top k as reductions over pairs";
  let description = [{
    llmc's lowering of cumsum, cumprod and top_k is a loop that carries a
    tensor, which is good on one CPU core and bad for compilers that run each
    step of such a loop on a device; IREE refuses it. Here each result is a
    reduction over all pairs of places of the axis: more work, n^2 for n, in
    operations that are parallel. A `k` above the size of the axis is not an
    error any more.

    ```mlir
    %y = llmc.cumsum %x {axis = 0} : (tensor<?xf32>) -> tensor<?xf32>
    // becomes, with p = 0, 1, ... and i, j for p as a column and a row
    %part = llmc.less_or_equal %j, %i : ... -> tensor<?x?xi1>
    %parts = llmc.where %part, %row_of_x, %zero : ... -> tensor<?x?xf32>
    %y = llmc.reduce %parts {axes = [1], kind = sum} : ... // and squeezed
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def MakePortable : Pass<"llmc-make-portable", "::mlir::ModuleOp"> {
  let summary = "Leave upstream's dialects only, for other compilers";
  let description = [{
    Runs on what `llmc-lower-to-linalg` makes. Parameters become constants,
    run-time checks of the host's code `cf.assert`. Checks inside of a
    `linalg.generic`, such as that of a gather's indices, become nothing, which
    is a remark: the index is clamped into its tensor all the same. llmc's
    attributes go, and the arguments keep their order. A `tensor.reshape` to a
    vector becomes `tensor.collapse_shape`.

    ```mlir
    llmc.param @w = dense_resource<w> : tensor<64x8xf32>
    func.func @main(%x: tensor<?x8xf32> {llmc.name = "x"},
                    %w: tensor<64x8xf32> {llmc.param = @w}) -> ... {
      scf.if %differs { func.call @llmc_report_error(%c2) : (i64) -> () }
    // becomes
    func.func @main(%x: tensor<?x8xf32>) -> ... {
      %w = arith.constant dense_resource<w> : tensor<64x8xf32>
      cf.assert %equal, "llmc: sizes do not fit"
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::cf::ControlFlowDialect"];
  let options = [
    Option<"dropAsserts", "drop-asserts", "bool", /*default=*/"false",
           "Leave run-time checks of the host's code out as well">
  ];
}

#endif // LLMC_LOWER_PASSES
