//===- Results.h - what compiled code returns ------------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_RESULTS_H
#define LLMC_LIB_RUNTIME_RESULTS_H

#include "Tensor.h"

namespace llmc::runtime {

/// The descriptors that one call of compiled code fills. Frees what was not
/// taken: a call that reports an error may have filled some.
class Results {
public:
  explicit Results(const std::vector<TensorSpec> &specs);
  ~Results();
  Results(const Results &) = delete;
  Results &operator=(const Results &) = delete;

  /// Where compiled code writes.
  void *get() { return words.data(); }
  /// The results, checked; `args` are the call's, whose memory no result may
  /// own.
  std::vector<OutputTensor> take(const std::vector<void *> &args);

private:
  int64_t *getDescriptor(size_t index) { return &words[starts[index]]; }

  const std::vector<TensorSpec> &specs;
  std::vector<size_t> starts;
  std::vector<int64_t> words;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_RESULTS_H
