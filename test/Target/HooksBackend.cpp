// A backend that uses every hook: it claims linears whose parameter's name
// begins with "hooks", writes their kernels in a dialect of its own, which a
// pass of its own lowers, and leaves a file in the artifact that says when it
// was called. Its kernels need what runs when the model is opened. As a target
// it takes the name of a hook that is to fail.
#include "llmc/Target/Backend.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/raw_ostream.h"
#include <limits>

using namespace mlir;
using namespace llmc;

namespace {

/// hooks.multiply_add: a * b + c
struct MultiplyAddOp
    : Op<MultiplyAddOp, OpTrait::OneResult, OpTrait::NOperands<3>::Impl,
         OpTrait::ZeroRegions, OpTrait::SameOperandsAndResultType> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MultiplyAddOp)
  using Op::Op;
  static StringRef getOperationName() { return "hooks.multiply_add"; }
  static ArrayRef<StringRef> getAttributeNames() { return {}; }
  static MultiplyAddOp create(OpBuilder &b, Location loc, ValueRange operands) {
    OperationState state(loc, getOperationName());
    state.addOperands(operands);
    state.addTypes(operands.back().getType());
    return cast<MultiplyAddOp>(b.create(state));
  }
};

struct HooksDialect : Dialect {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(HooksDialect)
  explicit HooksDialect(MLIRContext *context)
      : Dialect("hooks", context, TypeID::get<HooksDialect>()) {
    addOperations<MultiplyAddOp>();
  }
  static StringRef getDialectNamespace() { return "hooks"; }
};

/// Appends the name of the point to what the module says of them.
struct NotePoint : PassWrapper<NotePoint, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(NotePoint)
  explicit NotePoint(StringRef point) : point(point) {}
  void runOnOperation() override {
    Builder b(&getContext());
    SmallVector<Attribute> points;
    if (auto before = getOperation()->getAttrOfType<ArrayAttr>("hooks.points"))
      llvm::append_range(points, before);
    points.push_back(b.getStringAttr(point));
    getOperation()->setAttr("hooks.points", b.getArrayAttr(points));
  }
  std::string point;
};

struct LowerHooks : PassWrapper<LowerHooks, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LowerHooks)
  void runOnOperation() override {
    getOperation().walk([](MultiplyAddOp op) {
      OpBuilder b(op);
      Value product = arith::MulFOp::create(b, op.getLoc(), op->getOperand(0),
                                            op->getOperand(1));
      op->replaceAllUsesWith(
          arith::AddFOp::create(b, op.getLoc(), product, op->getOperand(2)));
      op->erase();
    });
  }
};

class HooksBackend : public Backend {
public:
  SmallVector<Capability> getCapabilities() const override {
    return {{"linear", {"f32"}, {0}, {}, {"f32"}}};
  }

  /// A millisecond a row.
  double getCost(Operation *op, int64_t rows) const override {
    return getParam(op) ? 1e-3 * double(rows)
                        : std::numeric_limits<double>::infinity();
  }

  llvm::Error setTarget(StringRef options) override {
    failing = options.str();
    if (options.empty() || options == "translate" || options == "link" ||
        options == "serialize")
      return llvm::Error::success();
    return llvm::createStringError("there is no hook '" + options + "'");
  }

  void registerDialects(DialectRegistry &registry) const override {
    registry.insert<HooksDialect>();
  }

  void extendPipeline(StringRef point, OpPassManager &manager) const override {
    manager.addPass(std::make_unique<NotePoint>(point));
    if (point == pipelinePoint::beforeLLVM)
      manager.addPass(std::make_unique<LowerHooks>());
  }

  std::optional<Claim> claim(Operation *op, ShapeContext &) override {
    ParamOp param = getParam(op);
    if (!param)
      return std::nullopt;
    Claim claim;
    claim.kind = "linear";
    claim.config = Builder(op->getContext()).getDictionaryAttr({});
    claim.inputs = {op->getOperand(0)};
    claim.param = param.getSymName().str();
    claim.packed.push_back(
        {"rows", param.getType(), [param](MutableArrayRef<char> bytes) mutable {
           SmallVector<char> copy;
           llvm::copy(getParamBytes(param, copy), bytes.begin());
         }});
    return claim;
  }

  /// y[m, n] = sum over k of x[m, k] * w[n, k]
  LogicalResult translate(KernelOp kernel, func::FuncOp function) override {
    if (failing == "translate")
      return kernel.emitError("translate was told to fail");
    ++numKernels;
    Location loc = kernel.getLoc();
    OpBuilder b = OpBuilder::atBlockBegin(&function.getBody().front());
    Value x = function.getArgument(0), w = function.getArgument(1),
          y = function.getArgument(2);
    Value zero = arith::ConstantIndexOp::create(b, loc, 0);
    Value one = arith::ConstantIndexOp::create(b, loc, 1);
    // Zero in a model that was opened, so sums are too small in any other.
    Value none = LLVM::LoadOp::create(
        b, loc, b.getF32Type(),
        LLVM::AddressOfOp::create(
            b, loc, LLVM::LLVMPointerType::get(b.getContext()), missing));
    auto size = [&](Value buffer, int64_t axis) -> Value {
      return memref::DimOp::create(b, loc, buffer, axis);
    };
    Value rows = size(x, 0), outputs = size(w, 0), inputs = size(w, 1);
    auto m = scf::ForOp::create(b, loc, zero, rows, one);
    b.setInsertionPointToStart(m.getBody());
    auto n = scf::ForOp::create(b, loc, zero, outputs, one);
    b.setInsertionPointToStart(n.getBody());
    auto k = scf::ForOp::create(
        b, loc, zero, inputs, one, none,
        [&](OpBuilder &b, Location loc, Value k, ValueRange sum) {
          Value left = memref::LoadOp::create(
              b, loc, x, ValueRange{m.getInductionVar(), k});
          Value right = memref::LoadOp::create(
              b, loc, w, ValueRange{n.getInductionVar(), k});
          Operation *next =
              MultiplyAddOp::create(b, loc, {left, right, sum[0]});
          scf::YieldOp::create(b, loc, next->getResults());
        });
    memref::StoreOp::create(
        b, loc, k.getResult(0), y,
        ValueRange{m.getInductionVar(), n.getInductionVar()});
    b.setInsertionPointAfter(m);
    func::ReturnOp::create(b, loc);
    return success();
  }

  LogicalResult link(ModuleOp module) override {
    if (failing == "link")
      return module.emitError("link was told to fail");
    module->setAttr("hooks.linked",
                    Builder(module.getContext()).getI64IntegerAttr(numKernels));
    if (numKernels)
      addOpening(module);
    return success();
  }

  llvm::Error serialize(ModuleOp module, StringRef directory) override {
    if (failing == "serialize")
      return llvm::createStringError("serialize was told to fail");
    std::error_code error;
    llvm::raw_fd_ostream file((directory + "/hooks.txt").str(), error);
    if (error)
      return llvm::errorCodeToError(error);
    file << "linked: " << module->getAttr("hooks.linked") << "\n"
         << "points: " << module->getAttr("hooks.points") << "\n";
    return llvm::Error::success();
  }

private:
  /// The weight of a linear that this backend takes; null for other ops.
  static ParamOp getParam(Operation *op) {
    auto linear = dyn_cast<LinearOp>(op);
    if (!linear || linear.getBias() || linear.getType().getRank() != 2)
      return {};
    auto weight = linear.getWeight().getDefiningOp<WeightOp>();
    if (!weight || !weight.getParam().starts_with("hooks"))
      return {};
    return SymbolTable::lookupNearestSymbolFrom<ParamOp>(op,
                                                         weight.getParamAttr());
  }

  /// What kernels read is -1 until the model is opened. Only a call tells that
  /// it will be 0, so no optimizer makes it 0 beforehand. Closing prints a dot.
  static void addOpening(ModuleOp module) {
    Location loc = module.getLoc();
    OpBuilder b = OpBuilder::atBlockEnd(module.getBody());
    LLVM::GlobalOp::create(b, loc, b.getF32Type(), /*isConstant=*/false,
                           LLVM::Linkage::Internal, missing,
                           b.getF32FloatAttr(-1));
    Type none = LLVM::LLVMVoidType::get(b.getContext()), word = b.getI32Type();
    auto define = [&](StringRef name, Type result, ArrayRef<Type> arguments) {
      return LLVM::LLVMFuncOp::create(
          b, loc, name, LLVM::LLVMFunctionType::get(result, arguments));
    };
    LLVM::LLVMFuncOp getpid = define("getpid", word, {}),
                     putchar = define("putchar", word, {word}),
                     open = define("hooks_open", none, {}),
                     close = define("hooks_close", none, {});
    ArrayAttr priorities = b.getI32ArrayAttr(0),
              data = b.getArrayAttr(LLVM::ZeroAttr::get(b.getContext()));
    LLVM::GlobalCtorsOp::create(
        b, loc, b.getArrayAttr(FlatSymbolRefAttr::get(open)), priorities, data);
    LLVM::GlobalDtorsOp::create(b, loc,
                                b.getArrayAttr(FlatSymbolRefAttr::get(close)),
                                priorities, data);

    b.setInsertionPointToStart(open.addEntryBlock(b));
    Value process = LLVM::CallOp::create(b, loc, getpid, {}).getResult();
    Value zero = LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr(0));
    Value isMissing =
        LLVM::ICmpOp::create(b, loc, LLVM::ICmpPredicate::slt, process, zero);
    LLVM::StoreOp::create(
        b, loc, LLVM::SIToFPOp::create(b, loc, b.getF32Type(), isMissing),
        LLVM::AddressOfOp::create(
            b, loc, LLVM::LLVMPointerType::get(b.getContext()), missing));
    LLVM::ReturnOp::create(b, loc, ValueRange());

    b.setInsertionPointToStart(close.addEntryBlock(b));
    Value dot = LLVM::ConstantOp::create(b, loc, b.getI32IntegerAttr('.'));
    LLVM::CallOp::create(b, loc, putchar, dot);
    LLVM::ReturnOp::create(b, loc, ValueRange());
  }

  static constexpr StringLiteral missing = "hooks_missing";
  std::string failing;
  int64_t numKernels = 0;
};

} // namespace

LLMC_DEFINE_BACKEND("hooks", "uses every hook", HooksBackend)
