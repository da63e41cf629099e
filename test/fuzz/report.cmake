# Says what the fuzzer NAME left in the folder FOUND.
file(GLOB inputs ${FOUND}/*)
list(LENGTH inputs count)
if(count EQUAL 0)
  message("${NAME}: found nothing")
else()
  message("${NAME}: FOUND ${count} INPUTS THAT FAIL, in ${FOUND}. Run "
          "${NAME} on one of them to see how, mend it, and add a case to "
          "test/Onnx/Inputs/bad_models.py.")
endif()
