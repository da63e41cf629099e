# Runs MODEL through the reference lowering and through BACKEND, and fails
# unless both say the same. All numbers in it are exact in f32, whatever the
# order of the sums.
set(x "x=dense<[[1.0, 2.0, -3.0, 4.0, 0.5, 0.25, -8.0, 16.0],
               [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]]> : tensor<2x8xf32>")
function(run result)
  execute_process(COMMAND ${LLMC_RUN} ${MODEL} --input ${x} ${ARGN}
                  OUTPUT_VARIABLE output ERROR_VARIABLE remarks
                  COMMAND_ERROR_IS_FATAL ANY)
  message(STATUS "${output}")
  if(remarks)
    message(FATAL_ERROR "something was not claimed: ${remarks}")
  endif()
  set(${result} "${output}" PARENT_SCOPE)
endfunction()
run(reference)
run(claimed --load-backend=${BACKEND})
if(NOT claimed STREQUAL reference OR reference STREQUAL "")
  message(FATAL_ERROR "the backend differs from the reference")
endif()
