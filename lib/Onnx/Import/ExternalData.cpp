//===- ExternalData.cpp - where a tensor's external bytes may lie ---------===//

#include "ExternalData.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

Expected<std::string>
llmc::onnx_detail::resolveExternalPath(StringRef directory,
                                       StringRef location) {
  auto refuse = [&](const Twine &reason) {
    return createStringError("external data '" + location + "' " + reason);
  };
  if (location.empty())
    return createStringError("external data has no location");
  if (location.contains('\0'))
    return createStringError("external data has a location with a NUL");
  if (sys::path::is_absolute(location))
    return refuse("is an absolute path; it must be relative to the model");
  for (StringRef part :
       make_range(sys::path::begin(location), sys::path::end(location)))
    if (part == "..")
      return refuse("leaves the model's folder");

  SmallString<256> path(directory), real, realDirectory;
  sys::path::append(path, location);
  if (std::error_code error = sys::fs::real_path(path, real))
    return refuse("cannot be opened: " + error.message());
  if (std::error_code error = sys::fs::real_path(
          directory.empty() ? "." : directory, realDirectory))
    return refuse("cannot be opened: " + error.message());
  StringRef rest = real;
  if (!rest.consume_front(realDirectory) ||
      !(realDirectory == "/" || rest.starts_with("/")))
    return refuse("is a link that leaves the model's folder");
  return std::string(real);
}
