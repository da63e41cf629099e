//===- OutlineKernels.cpp - equal kernels become one function -------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

namespace llmc {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct OutlineKernels : llmc::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!isKernel(op))
        return WalkResult::advance();
      ops.push_back(op);
      return WalkResult::skip();
    });
    llvm::DenseMap<llvm::hash_code, SmallVector<func::FuncOp>> known;
    for (Operation *op : ops) {
      // The values it reads are the arguments, its constants are copied.
      llvm::SetVector<Value> used(op->getOperands().begin(),
                                  op->getOperands().end());
      getUsedValuesDefinedAbove(op->getRegions(), used);
      SmallVector<Value> arguments, constants;
      for (Value value : used)
        (matchPattern(value, m_Constant()) ? constants : arguments)
            .push_back(value);

      func::FuncOp kernel = outline(op, arguments, constants);
      OpBuilder builder(op);
      for (Value &value : arguments)
        if (Type bits = getBits(value.getType()))
          value = arith::BitcastOp::create(builder, op->getLoc(), bits, value);
      SmallVector<func::FuncOp> &candidates = known[hash(kernel)];
      auto *same = llvm::find_if(candidates, [&](func::FuncOp other) {
        return isSame(kernel, other);
      });
      if (same == candidates.end()) {
        symbols().insert(kernel);
        candidates.push_back(kernel);
        ++kernels;
        func::CallOp::create(builder, op->getLoc(), kernel, arguments);
      } else {
        kernel.erase();
        func::CallOp::create(builder, op->getLoc(), *same, arguments);
      }
      ++calls;
      op->erase();
    }
    table.reset();
    skipOptimizingTheCaller(ops.size());
  }

  /// What becomes a function: a linalg op, or loops that leave nothing but
  /// their writes behind.
  static bool isKernel(Operation *op) {
    return isa<linalg::LinalgOp>(op) ||
           (isa<scf::ForOp, scf::ParallelOp>(op) && op->getNumResults() == 0);
  }

  /// A large model's @main does little but call kernels, and LLVM takes
  /// minutes to optimize thousands of calls for nothing.
  void skipOptimizingTheCaller(size_t numCalls) {
    constexpr size_t many = 256;
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || numCalls < many)
      return;
    Builder builder(&getContext());
    main->setAttr("passthrough",
                  builder.getStrArrayAttr({"noinline", "optnone"}));
  }

  SymbolTable &symbols() {
    if (!table)
      table.emplace(getOperation());
    return *table;
  }

  /// The integer as which a 16-bit float is handed over: where a processor does
  /// not convert them, LLVM calls the compiler's own library to do so. Null for
  /// other types.
  static Type getBits(Type type) {
    return type.isF16() || type.isBF16()
               ? IntegerType::get(type.getContext(), 16)
               : Type();
  }

  /// A function, not yet in the module, of `arguments` that runs a copy of
  /// `op`.
  static func::FuncOp outline(Operation *op, ArrayRef<Value> arguments,
                              ArrayRef<Value> constants) {
    OpBuilder builder(op->getContext());
    auto types = llvm::map_to_vector(arguments, [](Value value) {
      Type bits = getBits(value.getType());
      return bits ? bits : value.getType();
    });
    auto kernel =
        func::FuncOp::create(builder, op->getLoc(), "kernel",
                             builder.getFunctionType(types, TypeRange()));
    kernel.setPrivate();
    Block *body = kernel.addEntryBlock();
    builder.setInsertionPointToStart(body);
    IRMapping mapping;
    for (auto [value, argument] : llvm::zip(arguments, body->getArguments()))
      mapping.map(value,
                  value.getType() == argument.getType()
                      ? Value(argument)
                      : arith::BitcastOp::create(builder, op->getLoc(),
                                                 value.getType(), argument));
    for (Value constant : constants)
      mapping.map(constant,
                  builder.clone(*constant.getDefiningOp())
                      ->getResult(cast<OpResult>(constant).getResultNumber()));
    builder.clone(*op, mapping);
    func::ReturnOp::create(builder, op->getLoc());
    return kernel;
  }

  static constexpr auto flags = OperationEquivalence::IgnoreLocations;

  static llvm::hash_code hash(func::FuncOp kernel) {
    llvm::hash_code result =
        llvm::hash_value(kernel.getFunctionType().getAsOpaquePointer());
    for (Operation &op : kernel.getBody().front())
      result = llvm::hash_combine(
          result, OperationEquivalence::computeHash(
                      &op, OperationEquivalence::ignoreHashValue,
                      OperationEquivalence::ignoreHashValue, flags));
    return result;
  }

  static bool isSame(func::FuncOp a, func::FuncOp b) {
    return a.getFunctionType() == b.getFunctionType() &&
           OperationEquivalence::isRegionEquivalentTo(&a.getBody(),
                                                      &b.getBody(), flags);
  }

  std::optional<SymbolTable> table;
};
} // namespace
