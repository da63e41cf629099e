//===- ShapeExpr.cpp - one form for equal size expressions ----------------===//
//
// Sizes are compared by comparing their expressions, so an expression has to
// look the same however it was computed: `past + seq` of a concatenation and
// `seq + past` of the model's own arithmetic are one dimension. Expressions
// are brought into the form of a polynomial whose atoms are symbols, quotients
// and remainders.
//
//===----------------------------------------------------------------------===//

#include "llmc/IR/ShapeInference.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <map>

using namespace mlir;
using namespace llmc;

namespace {

/// A total order by structure, so that results do not depend on addresses.
int compare(AffineExpr a, AffineExpr b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind())
    return a.getKind() < b.getKind() ? -1 : 1;
  if (auto x = dyn_cast<AffineConstantExpr>(a))
    return x.getValue() < cast<AffineConstantExpr>(b).getValue() ? -1 : 1;
  if (auto x = dyn_cast<AffineSymbolExpr>(a))
    return x.getPosition() < cast<AffineSymbolExpr>(b).getPosition() ? -1 : 1;
  if (auto x = dyn_cast<AffineDimExpr>(a))
    return x.getPosition() < cast<AffineDimExpr>(b).getPosition() ? -1 : 1;
  auto x = cast<AffineBinaryOpExpr>(a), y = cast<AffineBinaryOpExpr>(b);
  int left = compare(x.getLHS(), y.getLHS());
  return left ? left : compare(x.getRHS(), y.getRHS());
}

using Monomial = SmallVector<AffineExpr, 4>;
struct MonomialLess {
  bool operator()(const Monomial &a, const Monomial &b) const {
    // The constant term comes last, as AffineExpr prints it.
    if (a.empty() || b.empty())
      return !a.empty() && b.empty();
    for (auto [x, y] : llvm::zip(a, b))
      if (int order = compare(x, y))
        return order < 0;
    return a.size() < b.size();
  }
};
using Polynomial = std::map<Monomial, int64_t, MonomialLess>;

/// Shapes of real models have a handful of terms, each of a handful of factors;
/// beyond this an expression is left as it is.
constexpr size_t maxTerms = 64;

AffineExpr build(const Polynomial &terms, MLIRContext *context) {
  AffineExpr sum;
  for (const auto &[monomial, coefficient] : terms) {
    if (coefficient == 0)
      continue;
    AffineExpr product;
    for (AffineExpr factor : monomial)
      product = product ? product * factor : factor;
    product = product ? product * coefficient
                      : getAffineConstantExpr(coefficient, context);
    sum = sum ? sum + product : product;
  }
  return sum ? sum : getAffineConstantExpr(0, context);
}

/// Fails when a coefficient overflows or there are too many terms or factors.
bool expand(AffineExpr expr, Polynomial &terms);

bool addTerm(Polynomial &terms, const Monomial &monomial, int64_t value) {
  int64_t &coefficient = terms[monomial];
  return !llvm::AddOverflow(coefficient, value, coefficient) &&
         terms.size() <= maxTerms;
}

bool multiply(const Polynomial &a, const Polynomial &b, Polynomial &terms) {
  for (const auto &[left, x] : a)
    for (const auto &[right, y] : b) {
      if (left.size() + right.size() > maxTerms)
        return false;
      Monomial product(left);
      llvm::append_range(product, right);
      llvm::sort(product,
                 [](AffineExpr p, AffineExpr q) { return compare(p, q) < 0; });
      int64_t coefficient;
      if (llvm::MulOverflow(x, y, coefficient) ||
          !addTerm(terms, product, coefficient))
        return false;
    }
  return true;
}

/// The exact quotient when `divisor` is one product that divides each term.
bool divide(const Polynomial &dividend, const Polynomial &divisor,
            Polynomial &terms) {
  if (divisor.size() != 1 || divisor.begin()->second <= 0)
    return false;
  const auto &[factors, constant] = *divisor.begin();
  for (const auto &[monomial, coefficient] : dividend) {
    Monomial rest(monomial);
    for (AffineExpr factor : factors) {
      auto *found = llvm::find(rest, factor);
      if (found == rest.end())
        return false;
      rest.erase(found);
    }
    if (coefficient % constant != 0 ||
        !addTerm(terms, rest, coefficient / constant))
      return false;
  }
  return true;
}

bool expand(AffineExpr expr, Polynomial &terms) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue() == 0 || addTerm(terms, {}, constant.getValue());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return addTerm(terms, {expr}, 1);
  Polynomial left, right;
  if (!expand(binary.getLHS(), left) || !expand(binary.getRHS(), right))
    return false;
  auto dropZeros = [](Polynomial &polynomial) {
    for (auto it = polynomial.begin(); it != polynomial.end();)
      it = it->second == 0 ? polynomial.erase(it) : std::next(it);
  };
  dropZeros(left);
  dropZeros(right);
  MLIRContext *context = expr.getContext();
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    for (const Polynomial &side : {left, right})
      for (const auto &[monomial, coefficient] : side)
        if (!addTerm(terms, monomial, coefficient))
          return false;
    return true;
  case AffineExprKind::Mul:
    return multiply(left, right, terms);
  case AffineExprKind::FloorDiv:
  case AffineExprKind::CeilDiv:
  case AffineExprKind::Mod: {
    Polynomial quotient;
    if (divide(left, right, quotient)) {
      if (expr.getKind() != AffineExprKind::Mod)
        for (const auto &[monomial, coefficient] : quotient)
          if (!addTerm(terms, monomial, coefficient))
            return false;
      return true;
    }
    AffineExpr atom = getAffineBinaryOpExpr(
        expr.getKind(), build(left, context), build(right, context));
    if (auto constant = dyn_cast<AffineConstantExpr>(atom))
      return addTerm(terms, {}, constant.getValue());
    return addTerm(terms, {atom}, 1);
  }
  default:
    return false;
  }
}

} // namespace

AffineExpr ShapeContext::simplify(AffineExpr expr) const {
  Polynomial terms;
  if (!isa<AffineBinaryOpExpr>(expr) || !expand(expr, terms))
    return expr;
  return build(terms, context);
}

bool ShapeContext::isNonNegative(AffineExpr expr) const {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return constant.getValue() >= 0;
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbol.getPosition() >= elementSymbols.size() ||
           !elementSymbols.test(symbol.getPosition());
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return false;
  // A remainder has its divisor's sign.
  if (binary.getKind() == AffineExprKind::Mod)
    return isNonNegative(binary.getRHS());
  return isNonNegative(binary.getLHS()) && isNonNegative(binary.getRHS());
}

std::optional<bool> ShapeContext::areEqual(AffineExpr a, AffineExpr b) const {
  AffineExpr difference = simplify(a - b);
  if (std::optional<int64_t> constant = getConstant(difference))
    return *constant == 0;
  // a >= 0 > b: exporters ask whether a size is -1.
  auto isNegative = [](AffineExpr expr) {
    std::optional<int64_t> constant = getConstant(expr);
    return constant && *constant < 0;
  };
  if ((isNonNegative(a) && isNegative(b)) ||
      (isNonNegative(b) && isNegative(a)))
    return false;
  return std::nullopt;
}
