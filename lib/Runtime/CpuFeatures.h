//===- CpuFeatures.h - can this machine run an artifact? -------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_CPUFEATURES_H
#define LLMC_LIB_RUNTIME_CPUFEATURES_H

#include <string>
#include <vector>

namespace llmc::runtime {

/// Fails with one sentence unless code for `triple` that uses `features` can
/// run here.
void checkTarget(const std::string &triple,
                 const std::vector<std::string> &features);

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_CPUFEATURES_H
