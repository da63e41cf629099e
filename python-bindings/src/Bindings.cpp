//===- Bindings.cpp - the Python module llmc._llmc ------------------------===//

#include "CompiledModel.h"
#include "ReadBuffer.h"
#include "llmc/Version.h"
#include "llvm/Config/llvm-config.h"
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace llmc::python;

/// Type, shape, and an object with the bytes; see llmc/_arrays.py.
using ArgumentTuple = std::tuple<std::string, std::vector<int64_t>, nb::object>;
using ResultTuple = std::tuple<std::string, std::vector<int64_t>,
                               nb::ndarray<nb::numpy, uint8_t, nb::ndim<1>>>;

static std::vector<ResultTuple>
runModel(CompiledModel &executor, const std::vector<ArgumentTuple> &arguments) {
  std::vector<Array> arrays, results;
  std::vector<ReadBuffer> buffers;
  for (const auto &[dtype, shape, array] : arguments) {
    const ReadBuffer &bytes = buffers.emplace_back(array);
    arrays.push_back({dtype, shape, bytes.data(), bytes.size(), nullptr});
  }
  {
    nb::gil_scoped_release release;
    results = executor.run(arrays);
  }
  std::vector<ResultTuple> tuples;
  for (Array &result : results) {
    auto *owner = new std::shared_ptr<void>(std::move(result.owner));
    nb::capsule capsule(owner, [](void *pointer) noexcept {
      delete static_cast<std::shared_ptr<void> *>(pointer);
    });
    tuples.emplace_back(
        result.dtype, result.shape,
        nb::ndarray<nb::numpy, uint8_t, nb::ndim<1>>(
            const_cast<void *>(result.data), {result.bytes}, capsule));
  }
  return tuples;
}

static nb::list toDicts(const std::vector<PassRemark> &remarks) {
  nb::list result;
  for (const PassRemark &remark : remarks) {
    nb::dict entry;
    entry["pass"] = remark.pass;
    for (const auto &[key, value] : remark.arguments)
      entry[key.c_str()] = value;
    result.append(entry);
  }
  return result;
}

NB_MODULE(_llmc, m) {
  m.doc() = "The compiler; see the package llmc.";
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

  m.attr("llmc_version") = LLMC_VERSION_STRING;
  m.attr("llvm_version") = LLVM_VERSION_STRING;
  m.def("read_recipe", [](const std::string &file) {
    RecipeInfo info = readRecipe(file);
    return nb::make_tuple(info.description, nb::cast(info.options));
  });
  m.def("make_pipeline", &makePipeline);

  nb::class_<TensorInfo>(m, "TensorInfo")
      .def_ro("name", &TensorInfo::name)
      .def_ro("dtype", &TensorInfo::dtype)
      .def_prop_ro("shape", [](const TensorInfo &info) {
        nb::list dims;
        for (const Dim &dim : info.shape)
          dims.append(std::visit(
              [](const auto &value) -> nb::object {
                if constexpr (std::is_same_v<std::decay_t<decltype(value)>,
                                             std::monostate>)
                  return nb::none();
                else
                  return nb::cast(value);
              },
              dim));
        return nb::tuple(dims);
      });

  nb::class_<CompiledModel>(m, "CompiledModel")
      .def("inputs", &CompiledModel::inputs)
      .def("outputs", &CompiledModel::outputs)
      .def("run", &runModel);

  using Release = nb::call_guard<nb::gil_scoped_release>;
  nb::class_<Model>(m, "Model")
      .def_static("load", &Model::load, Release())
      .def_static("parse", &Model::parse, Release())
      .def("run",
           [](Model &model, const std::string &pipeline,
              const std::string &target) {
             PassReport report;
             {
               nb::gil_scoped_release release;
               report = model.run(pipeline, target);
             }
             return nb::make_tuple(toDicts(report.remarks),
                                   nb::cast(report.notices));
           })
      .def("text", &Model::text, Release())
      .def("save", &Model::save, Release())
      .def("inputs", &Model::inputs)
      .def("outputs", &Model::outputs)
      .def("params",
           [](Model &model) {
             nb::list result;
             for (const ParamInfo &param : model.params())
               result.append(nb::make_tuple(param.tensor, param.bytes));
             return result;
           })
      .def("weights",
           [](Model &model) {
             nb::list result;
             for (const WeightInfo &weight : model.weights()) {
               nb::dict entry;
               entry["name"] = weight.name;
               entry["op"] = weight.user;
               entry["format"] = weight.format;
               entry["shape"] = nb::cast(weight.shape);
               entry["bytes"] = weight.bytes;
               result.append(entry);
             }
             return result;
           })
      .def("ops", &Model::ops)
      .def("cost", &Model::cost, Release())
      .def("compile", &Model::compile, Release())
      .def("compile_artifact", &Model::compileArtifact, Release());
}
