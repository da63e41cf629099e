//===- Einsum.cpp - sums of products by an equation -----------------------===//
//
// Operands are multiplied pairwise from the left, each pair as one batched
// matmul: labels in both and still needed are its batch, labels in both and
// not needed any more are contracted.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {

/// A dimension of the equation: a letter, or for the dimensions of an ellipsis
/// -1 for the last one, -2 for the one before it, ...
using Labels = SmallVector<int>;

/// A value whose dimensions have distinct labels.
struct Term {
  Value value;
  Labels labels;
};

class EinsumBuilder {
public:
  explicit EinsumBuilder(OnnxNode &node) : node(node) {}
  LogicalResult run();

private:
  Labels parseTerm(StringRef text, int64_t ellipsisRank);
  Labels defaultOutput(ArrayRef<Labels> inputs);
  Term takeDiagonals(Term term);
  Term sumOut(Term term, ArrayRef<int> needed);
  Term arrange(const Term &term, ArrayRef<int> labels);
  Term multiply(Term left, Term right, ArrayRef<int> needed);
  Value sizeOf(const Term &term, ArrayRef<int> labels);

  OnnxNode &node;
};

} // namespace

static bool contains(ArrayRef<int> labels, int label) {
  return llvm::is_contained(labels, label);
}

/// The labels of an input or of the output; an ellipsis is `ellipsisRank`
/// dimensions, or when that is negative an error.
Labels EinsumBuilder::parseTerm(StringRef text, int64_t ellipsisRank) {
  Labels labels;
  while (!text.empty()) {
    if (text.consume_front("...")) {
      if (ellipsisRank < 0)
        (void)node.fail("the equation has an ellipsis too many");
      for (int64_t i = ellipsisRank; i > 0; --i)
        labels.push_back(-i);
      ellipsisRank = -1;
      continue;
    }
    if (!llvm::isAlpha(text.front())) {
      (void)node.fail("the equation has the character '" + text.take_front() +
                      "'");
      return labels;
    }
    labels.push_back(text.front());
    text = text.drop_front();
  }
  return labels;
}

/// Without "->": the ellipsis, then the labels that occur once, sorted.
Labels EinsumBuilder::defaultOutput(ArrayRef<Labels> inputs) {
  std::map<int, int> counts;
  for (const Labels &labels : inputs)
    for (int label : labels)
      ++counts[label];
  Labels output;
  for (auto [label, count] : counts)
    if (label < 0 || count == 1)
      output.push_back(label);
  return output;
}

/// Keeps the elements with equal indices where a label occurs twice.
Term EinsumBuilder::takeDiagonals(Term term) {
  for (size_t first = 0; first < term.labels.size(); ++first) {
    for (size_t second = first + 1; second < term.labels.size(); ++second) {
      if (term.labels[first] != term.labels[second])
        continue;
      // Index `first` itself along `second`, which is 1 wide then.
      int64_t rank = node.rank(term.value);
      Type i64 = node.getBuilder().getI64Type();
      Value size = node.squeeze(node.dimOf(term.value, first), {0});
      Value index =
          node.create<RangeOp>(node.scalar(i64, 0), size, node.scalar(i64, 1));
      SmallVector<int64_t> others;
      SmallVector<Value> shape;
      for (int64_t i = 0; i < rank; ++i) {
        if (i != int64_t(first))
          others.push_back(i);
        shape.push_back(i == int64_t(second) ? node.ints(1)
                                             : node.dimOf(term.value, i));
      }
      index = node.create<ExpandOp>(node.unsqueeze(index, others),
                                    node.concat(shape, 0));
      term.value = node.squeeze(
          node.create<GatherElementsOp>(term.value, index, int64_t(second)),
          {int64_t(second)});
      term.labels.erase(term.labels.begin() + second);
      --second;
    }
  }
  return term;
}

Term EinsumBuilder::sumOut(Term term, ArrayRef<int> needed) {
  SmallVector<int64_t> axes;
  Labels kept;
  for (auto [axis, label] : llvm::enumerate(term.labels)) {
    if (contains(needed, label))
      kept.push_back(label);
    else
      axes.push_back(axis);
  }
  if (!axes.empty())
    term.value =
        node.reduce(ReduceKind::Sum, term.value, axes, /*keepdims=*/false);
  return {term.value, kept};
}

/// The term with its dimensions in the order of `labels`, those that it lacks
/// with size 1.
Term EinsumBuilder::arrange(const Term &term, ArrayRef<int> labels) {
  SmallVector<int64_t> perm, missing;
  for (auto [axis, label] : llvm::enumerate(labels)) {
    auto *found = llvm::find(term.labels, label);
    if (found == term.labels.end())
      missing.push_back(axis);
    else
      perm.push_back(found - term.labels.begin());
  }
  Value value = term.value;
  if (!llvm::is_sorted(perm))
    value = node.transpose(value, perm);
  if (!missing.empty())
    value = node.unsqueeze(value, missing);
  return {value, Labels(labels)};
}

/// The number of elements along `labels`, as a vector of one element.
Value EinsumBuilder::sizeOf(const Term &term, ArrayRef<int> labels) {
  Value size = node.ints(1);
  for (auto [axis, label] : llvm::enumerate(term.labels))
    if (contains(labels, label))
      size = node.create<MulOp>(size, node.dimOf(term.value, axis));
  return size;
}

Term EinsumBuilder::multiply(Term left, Term right, ArrayRef<int> needed) {
  Labels batch, contracted, leftOnly, rightOnly;
  for (int label : left.labels) {
    if (!contains(right.labels, label))
      leftOnly.push_back(label);
    else
      (contains(needed, label) ? batch : contracted).push_back(label);
  }
  for (int label : right.labels)
    if (!contains(left.labels, label))
      rightOnly.push_back(label);
  Labels result(batch);
  llvm::append_range(result, leftOnly);
  llvm::append_range(result, rightOnly);
  if (contracted.empty())
    return {node.create<MulOp>(arrange(left, result).value,
                               arrange(right, result).value),
            result};

  // [batch..., rows, inner] times [batch..., inner, columns].
  auto collapse = [&](const Term &term, ArrayRef<int> rows,
                      ArrayRef<int> columns) {
    Labels order(batch);
    llvm::append_range(order, rows);
    llvm::append_range(order, columns);
    Value value = arrange(term, order).value;
    SmallVector<Value> shape;
    for (size_t i = 0; i < batch.size(); ++i)
      shape.push_back(node.dimOf(value, i));
    shape.push_back(sizeOf(term, rows));
    shape.push_back(sizeOf(term, columns));
    return node.create<ReshapeOp>(value, node.concat(shape, 0),
                                  /*allowzero=*/true);
  };
  Value product = node.create<MatMulOp>(collapse(left, leftOnly, contracted),
                                        collapse(right, contracted, rightOnly));
  SmallVector<Value> shape;
  for (size_t i = 0; i < batch.size(); ++i)
    shape.push_back(node.dimOf(product, i));
  for (const auto &[term, labels] :
       {std::pair(&left, &leftOnly), std::pair(&right, &rightOnly)})
    for (int label : *labels)
      shape.push_back(node.dimOf(term->value, llvm::find(term->labels, label) -
                                                  term->labels.begin()));
  if (shape.empty())
    return {node.squeeze(product, {0, 1}), result};
  return {node.create<ReshapeOp>(product, node.concat(shape, 0),
                                 /*allowzero=*/true),
          result};
}

LogicalResult EinsumBuilder::run() {
  std::string equation;
  for (char c : node.stringAttr("equation", ""))
    if (c != ' ')
      equation.push_back(c);
  auto [inputText, outputText] = StringRef(equation).split("->");
  bool hasOutput = inputText.size() != equation.size();
  SmallVector<StringRef> texts;
  inputText.split(texts, ',');
  if (texts.size() != node.getNumInputs())
    return node.fail("the equation has " + Twine(texts.size()) +
                     " operands, the node " + Twine(node.getNumInputs()));

  SmallVector<Term> terms;
  SmallVector<Labels> inputs;
  int64_t ellipsisRank = 0;
  for (auto [text, value] : llvm::zip(texts, node.getInputs())) {
    int64_t named = llvm::count_if(text, llvm::isAlpha);
    int64_t hidden = text.contains("...") ? node.rank(value) - named : 0;
    ellipsisRank = std::max(ellipsisRank, hidden);
    Labels labels = parseTerm(text, hidden);
    if (int64_t(labels.size()) != node.rank(value))
      return node.fail("the equation gives operand " + Twine(terms.size()) +
                       " " + Twine(labels.size()) + " dimensions, it has " +
                       Twine(node.rank(value)));
    inputs.push_back(labels);
    terms.push_back(takeDiagonals({value, labels}));
  }
  Labels output =
      hasOutput ? parseTerm(outputText, ellipsisRank) : defaultOutput(inputs);
  for (size_t i = 0; i < output.size(); ++i)
    if (llvm::none_of(inputs,
                      [&](const Labels &labels) {
                        return contains(labels, output[i]);
                      }) ||
        contains(ArrayRef(output).take_front(i), output[i]))
      return node.fail("the equation's output has a label twice, or one that "
                       "no operand has");

  Term product;
  for (size_t i = 0; i < terms.size(); ++i) {
    auto neededAfter = [&](size_t from) {
      Labels needed(output);
      for (size_t j = from; j < terms.size(); ++j)
        llvm::append_range(needed, terms[j].labels);
      return needed;
    };
    if (i == 0) {
      product = sumOut(terms[0], neededAfter(1));
      continue;
    }
    Labels needed = neededAfter(i + 1), alone(needed);
    llvm::append_range(alone, product.labels);
    Term next = sumOut(terms[i], alone);
    product = sumOut(multiply(product, next, needed), needed);
  }
  return node.result(arrange(product, output).value);
}

static LogicalResult importEinsum(OnnxNode &node) {
  return EinsumBuilder(node).run();
}

void onnx_detail::registerEinsumBuilder(OpTable &table) {
  table.add("Einsum", 12, {1, variadic}, importEinsum);
}
