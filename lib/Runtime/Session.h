//===- Session.h - states, and runs that use them --------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_SESSION_H
#define LLMC_LIB_RUNTIME_SESSION_H

#include "Model.h"
#include <atomic>
#include <map>

namespace llmc::runtime {

class Session {
public:
  Session(std::shared_ptr<const Model> model,
          const llmc_session_options &options);

  const Model &getModel() const { return *model; }
  bool hasStates() const { return model->getManifest().hasPastLength; }
  /// How many tokens the states hold, and have room for: may be asked while
  /// another thread runs the session.
  int64_t getLength() const { return length; }
  int64_t getCapacity() const { return capacity; }
  /// The most tokens the session may hold; 0 for no limit.
  int64_t getLimit() const { return limit; }
  void truncate(int64_t newLength);
  /// Fails unless `count` more tokens are allowed after the first `past`.
  void checkLimit(int64_t past, int64_t count) const;

  /// Runs the model once, and appends the tokens of `inputs`.
  std::vector<OutputTensor> run(const llmc_tensor *inputs, size_t numInputs);

private:
  /// A size that inputs agreed on, and who said so first.
  struct Binding {
    int64_t size;
    const char *tensor;
  };
  using Bindings = std::map<const char *, Binding>;
  struct State {
    Block block;
    std::vector<int64_t> shape;
  };

  void checkInput(const TensorSpec &spec, const llmc_tensor &tensor,
                  Bindings &bindings) const;
  /// The inputs in the model's order.
  std::vector<const llmc_tensor *> matchInputs(const llmc_tensor *inputs,
                                               size_t numInputs,
                                               Bindings &bindings) const;
  /// Gives every state room for `needed` tokens.
  void reserve(int64_t needed, const Bindings &bindings);
  std::vector<int64_t> getStateShape(const TensorSpec &spec, const State &state,
                                     const Bindings &bindings) const;

  std::shared_ptr<const Model> model;
  std::vector<State> states;
  std::atomic<int64_t> length{0}, capacity{0};
  int64_t limit;
  int64_t initialCapacity;
  int threads;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_SESSION_H
