//===- OpTable.cpp - (domain, op, since-version) to builder ---------------===//

#include "OpTable.h"

using namespace llmc::onnx_detail;

OpTable::OpTable() {
  registerMathBuilders(*this);
  registerActivationBuilders(*this);
  registerReductionBuilders(*this);
  registerShapeBuilders(*this);
  registerIndexBuilders(*this);
  registerLossBuilders(*this);
  registerEinsumBuilder(*this);
  registerLLMBuilders(*this);
  registerLoopBuilders(*this);
  registerAttentionBuilders(*this);
  registerNNBuilders(*this);
  registerImageBuilders(*this);
  registerRecurrentBuilders(*this);
  registerQuantBuilders(*this);
  registerSignalBuilders(*this);
  registerStateSpaceBuilders(*this);
  registerTrainingBuilders(*this);
  registerMicrosoftBuilders(*this);
  registerMicrosoftQuantBuilders(*this);
  registerMicrosoftQLinearBuilders(*this);
  registerMicrosoftMoEBuilders(*this);
  registerMicrosoftAttentionBuilders(*this);
  registerGroupQueryAttentionBuilder(*this);
  registerControlBuilders(*this);
}

static std::string makeKey(llvm::StringRef domain, llvm::StringRef op) {
  return (domain + "/" + op).str();
}

void OpTable::add(llvm::StringRef op, int64_t since, Arity arity,
                  NodeBuilder builder, llvm::StringRef domain) {
  llvm::SmallVector<Entry, 1> &versions = entries[makeKey(domain, op)];
  Entry *position =
      llvm::upper_bound(versions, since, [](int64_t since, const Entry &entry) {
        return since < entry.since;
      });
  assert((position == versions.begin() || position[-1].since != since) &&
         "two builders for one version of an op");
  versions.insert(position, Entry{since, arity, std::move(builder)});
}

const OpTable::Entry *OpTable::lookup(llvm::StringRef domain,
                                      llvm::StringRef op,
                                      int64_t version) const {
  auto found = entries.find(makeKey(domain, op));
  if (found == entries.end())
    return nullptr;
  const Entry *result = nullptr;
  for (const Entry &entry : found->second)
    if (entry.since <= version)
      result = &entry;
  return result;
}
