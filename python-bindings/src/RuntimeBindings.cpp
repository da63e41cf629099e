//===- RuntimeBindings.cpp - the Python module llmc._runtime --------------===//
//
// Over the runtime's C interface alone: neither MLIR nor LLVM is loaded.
//
//===----------------------------------------------------------------------===//

#include "ReadBuffer.h"
#include "llmc/Runtime/llmc.h"
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>
#include <stdexcept>

namespace nb = nanobind;
using llmc::python::ReadBuffer;

namespace {

/// Becomes the Python exception llmc.Error.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void check(llmc_status status) {
  if (status != LLMC_OK)
    throw Error(llmc_last_error());
}

struct Info {
  std::string name, dtype;
  std::vector<nb::object> shape;
};

/// An opened artifact.
struct Artifact {
  llmc_model *model = nullptr;

  explicit Artifact(const std::string &directory) {
    check(llmc_model_open(directory.c_str(), &model));
  }
  ~Artifact() { llmc_model_close(model); }
  Artifact(const Artifact &) = delete;

  std::vector<Info> describe(llmc_port port) const {
    std::vector<Info> result;
    for (size_t i = 0; i < llmc_model_count(model, port); ++i) {
      llmc_tensor_info info;
      check(llmc_model_tensor(model, port, i, &info));
      Info entry{info.name, llmc_dtype_name(info.dtype), {}};
      for (int32_t dim = 0; dim < info.rank; ++dim) {
        if (info.shape[dim] >= 0)
          entry.shape.push_back(nb::cast(info.shape[dim]));
        else if (*info.symbols[dim])
          entry.shape.push_back(nb::cast(std::string(info.symbols[dim])));
        else
          entry.shape.push_back(nb::none());
      }
      result.push_back(std::move(entry));
    }
    return result;
  }

  std::vector<int64_t> eosIds() const {
    const int64_t *ids = nullptr;
    size_t count = llmc_model_eos_ids(model, &ids);
    return {ids, ids + count};
  }
};

using Ids =
    nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
/// Name, type, shape, and an object with the bytes; see llmc/_arrays.py.
using ArgumentTuple =
    std::tuple<std::string, std::string, std::vector<int64_t>, nb::object>;

/// The memory of a result, which Python reads and writes as a buffer.
struct Memory {
  llmc_tensor tensor;
  size_t bytes;

  Memory(const llmc_tensor &tensor, size_t bytes)
      : tensor(tensor), bytes(bytes) {}
  ~Memory() { llmc_tensor_free(&tensor); }
  Memory(const Memory &) = delete;

  static int getBuffer(PyObject *self, Py_buffer *view, int flags) {
    auto *memory = nb::inst_ptr<Memory>(self);
    return PyBuffer_FillInfo(view, self, memory->tensor.data,
                             Py_ssize_t(memory->bytes), /*readonly=*/0, flags);
  }
};
PyType_Slot memorySlots[] = {
    {Py_bf_getbuffer, reinterpret_cast<void *>(Memory::getBuffer)},
    {0, nullptr}};

/// The tensor as (type, shape, memory).
nb::tuple toPython(const llmc_tensor &tensor) {
  size_t bytes = llmc_dtype_size(tensor.dtype);
  nb::list shape;
  for (int32_t i = 0; i < tensor.rank; ++i) {
    bytes *= tensor.shape[i];
    shape.append(tensor.shape[i]);
  }
  return nb::make_tuple(llmc_dtype_name(tensor.dtype), shape,
                        std::make_unique<Memory>(tensor, bytes));
}

llmc_dtype dtypeOf(const std::string &name) {
  for (int dtype = 1; llmc_dtype_name(llmc_dtype(dtype)); ++dtype)
    if (name == llmc_dtype_name(llmc_dtype(dtype)))
      return llmc_dtype(dtype);
  throw Error("the runtime has no type " + name);
}

/// Passes tokens to a Python function, and an exception of its back.
struct TokenCallback {
  nb::object function;
  std::vector<int64_t> tokens;
  bool raised = false;

  static int call(void *user, int64_t token) {
    auto *self = static_cast<TokenCallback *>(user);
    self->tokens.push_back(token);
    nb::gil_scoped_acquire acquire;
    // Ctrl-C must end a generation that calls no Python function.
    self->raised = PyErr_CheckSignals() != 0;
    if (!self->raised && !self->function.is_none()) {
      PyObject *result =
          PyObject_CallFunction(self->function.ptr(), "L", (long long)token);
      self->raised = result == nullptr;
      Py_XDECREF(result);
    }
    return self->raised;
  }
};

struct Session {
  std::shared_ptr<Artifact> artifact;
  llmc_session *session = nullptr;

  Session(std::shared_ptr<Artifact> from, int64_t capacity, int64_t maxLength,
          int32_t threads)
      : artifact(std::move(from)) {
    llmc_session_options options = LLMC_SESSION_OPTIONS_INIT;
    options.initial_capacity = capacity;
    options.max_length = maxLength;
    options.threads = threads;
    check(llmc_session_create(artifact->model, &options, &session));
  }
  ~Session() { llmc_session_close(session); }
  Session(const Session &) = delete;

  nb::list run(const std::vector<ArgumentTuple> &arguments) {
    std::vector<llmc_tensor> inputs,
        outputs(llmc_model_count(artifact->model, LLMC_OUTPUT));
    std::vector<ReadBuffer> buffers;
    for (const auto &[name, dtype, shape, array] : arguments) {
      const ReadBuffer &bytes = buffers.emplace_back(array);
      size_t size = llmc_dtype_size(dtypeOf(dtype));
      for (int64_t dim : shape)
        size *= dim;
      if (size != bytes.size())
        throw Error("input '" + name + "' has " + std::to_string(bytes.size()) +
                    " bytes, its shape needs " + std::to_string(size));
      inputs.push_back({name.c_str(), dtypeOf(dtype), int32_t(shape.size()),
                        shape.data(), bytes.data(), nullptr});
    }
    {
      nb::gil_scoped_release release;
      check(llmc_session_run(session, inputs.data(), inputs.size(),
                             outputs.data(), outputs.size()));
    }
    nb::list results;
    for (llmc_tensor &output : outputs)
      results.append(toPython(output));
    return results;
  }

  nb::tuple logits(const Ids &ids) {
    llmc_tensor tensor;
    {
      nb::gil_scoped_release release;
      check(llmc_session_logits(session, ids.data(), ids.size(), &tensor));
    }
    return toPython(tensor);
  }

  nb::object score(const Ids &ids, size_t chunk) {
    auto *values = new std::vector<double>(ids.size() ? ids.size() - 1 : 0);
    nb::capsule capsule(values, [](void *pointer) noexcept {
      delete static_cast<std::vector<double> *>(pointer);
    });
    {
      nb::gil_scoped_release release;
      check(llmc_session_score(session, ids.data(), ids.size(), chunk,
                               values->data()));
    }
    return nb::cast(nb::ndarray<nb::numpy, double, nb::ndim<1>>(
        values->data(), {values->size()}, capsule));
  }

  nb::tuple generate(const Ids &prompt, int64_t maxTokens, float temperature,
                     int32_t topK, float topP, uint64_t seed, bool ignoreEos,
                     nb::object function) {
    llmc_generate_options options = LLMC_GENERATE_OPTIONS_INIT;
    options.max_tokens = maxTokens;
    options.temperature = temperature;
    options.top_k = topK;
    options.top_p = topP;
    options.seed = seed;
    options.ignore_eos = ignoreEos;
    TokenCallback callback{std::move(function), {}};
    llmc_generate_result result;
    llmc_status status;
    {
      nb::gil_scoped_release release;
      status = llmc_generate(session, prompt.data(), prompt.size(), &options,
                             TokenCallback::call, &callback, &result);
    }
    if (callback.raised)
      throw nb::python_error();
    check(status);
    const char *stops[] = {"max_tokens", "eos", "context", "callback"};
    nb::dict facts;
    facts["prompt_tokens"] = result.prompt_tokens;
    facts["generated_tokens"] = result.generated_tokens;
    facts["prefill_seconds"] = result.prefill_seconds;
    facts["decode_seconds"] = result.decode_seconds;
    facts["stop"] = stops[result.stop];
    return nb::make_tuple(nb::cast(callback.tokens), facts);
  }
};

} // namespace

NB_MODULE(_runtime, m) {
  m.doc() = "The runtime; see the package llmc.";
  m.attr("version") = llmc_version();
  nb::object error = nb::module_::import_("llmc._errors").attr("Error");
  nb::register_exception_translator(
      [](const std::exception_ptr &exception, void *type) {
        try {
          std::rethrow_exception(exception);
        } catch (const Error &problem) {
          PyErr_SetString(static_cast<PyObject *>(type), problem.what());
        }
      },
      error.release().ptr());

  nb::class_<Info>(m, "TensorInfo")
      .def_ro("name", &Info::name)
      .def_ro("dtype", &Info::dtype)
      .def_prop_ro("shape", [](const Info &info) {
        nb::list dims;
        for (const nb::object &dim : info.shape)
          dims.append(dim);
        return nb::tuple(dims);
      });

  nb::class_<Artifact>(m, "Artifact")
      .def(nb::init<const std::string &>())
      .def("inputs",
           [](const Artifact &artifact) {
             return artifact.describe(LLMC_INPUT);
           })
      .def("outputs",
           [](const Artifact &artifact) {
             return artifact.describe(LLMC_OUTPUT);
           })
      .def("states",
           [](const Artifact &artifact) {
             return artifact.describe(LLMC_STATE);
           })
      .def("context_length",
           [](const Artifact &artifact) {
             return llmc_model_context_length(artifact.model);
           })
      .def("eos_ids", &Artifact::eosIds)
      .def("metadata",
           [](const Artifact &artifact) {
             return std::string(llmc_model_metadata(artifact.model));
           })
      .def("weight_bytes",
           [](const Artifact &artifact) {
             return llmc_model_weight_bytes(artifact.model);
           })
      .def("run", [](std::shared_ptr<Artifact> artifact,
                     const std::vector<ArgumentTuple> &arguments) {
        llmc_session_options options = LLMC_SESSION_OPTIONS_INIT;
        return Session(std::move(artifact), options.initial_capacity,
                       options.max_length, options.threads)
            .run(arguments);
      });

  nb::class_<Memory>(m, "Memory", nb::type_slots(memorySlots));

  nb::class_<Session>(m, "Session")
      .def(nb::init<std::shared_ptr<Artifact>, int64_t, int64_t, int32_t>())
      .def("run", &Session::run)
      .def("logits", &Session::logits)
      .def("score", &Session::score)
      .def("generate", &Session::generate, nb::arg(), nb::arg(), nb::arg(),
           nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none())
      .def("length",
           [](const Session &s) { return llmc_session_length(s.session); })
      .def("capacity",
           [](const Session &s) { return llmc_session_capacity(s.session); })
      .def("truncate",
           [](Session &s, int64_t length) {
             check(llmc_session_truncate(s.session, length));
           })
      .def("reset", [](Session &s) { check(llmc_session_reset(s.session)); });
}
