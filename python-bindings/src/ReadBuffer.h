//===- ReadBuffer.h - arrays that Python hands over ------------*- C++ -*-===//

#ifndef LLMC_PYTHON_READBUFFER_H
#define LLMC_PYTHON_READBUFFER_H

#include <nanobind/nanobind.h>
#include <utility>

namespace llmc::python {

/// The bytes of an array in row-major order, whatever their type: numpy has no
/// buffer format, and DLPack no type, for some of those of ml_dtypes. It is
/// made and destroyed with the GIL held.
class ReadBuffer {
public:
  /// Throws the Python exception of an object that is none.
  explicit ReadBuffer(nanobind::handle array) {
    if (PyObject_GetBuffer(array.ptr(), &view, PyBUF_SIMPLE) != 0)
      throw nanobind::python_error();
  }
  ~ReadBuffer() { PyBuffer_Release(&view); }
  ReadBuffer(ReadBuffer &&other) noexcept
      : view(std::exchange(other.view, Py_buffer())) {}
  ReadBuffer &operator=(ReadBuffer &&) = delete;

  void *data() const { return view.buf; }
  size_t size() const { return size_t(view.len); }

private:
  Py_buffer view = {};
};

} // namespace llmc::python

#endif // LLMC_PYTHON_READBUFFER_H
